// The parts of a ResultFile (loadgen/result_file.h), each a section of the JSON that a run leaves
// behind. Names and meanings are those of loadgen/result_schema.json.
//
// All times are seconds, in doubles, unless the name says otherwise; points in time count from the
// run's start. A double that is not finite stands for "unknown" or "too few samples".
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_RESULT_PARTS_H_
#define QUORATE_LOADGEN_RESULT_PARTS_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorate::loadgen {

inline constexpr double kUnknownNumber = std::numeric_limits<double>::quiet_NaN();

struct StaleRead {
  std::string key;
  uint64_t expected_version = 0;
  uint64_t actual_version = 0;  // 0: the key was not found
  double time_since_write = 0;  // since the expected version had been acknowledged
};

// How many of a raw list's values the reservoir had to leave out; the list is a sample then.
struct RawSamplesResult {
  uint64_t limit = 0;  // values a list may have
  uint64_t write_latencies_cut = 0;
  uint64_t read_latencies_cut = 0;
  uint64_t stale_reads_cut = 0;
  uint64_t read_write_intervals_cut = 0;
};

struct PercentileResult {
  std::string percent;  // "50", "99.9"
  double value = kUnknownNumber;
  // A 95 % confidence interval; both or neither are known.
  double low = kUnknownNumber;
  double high = kUnknownNumber;
};

// A distribution of durations.
struct LatencyResult {
  uint64_t count = 0;
  double mean = kUnknownNumber;
  double min = kUnknownNumber;
  double max = kUnknownNumber;
  std::vector<PercentileResult> percentiles;

  struct Histogram {
    int significant_digits = 3;
    int64_t lowest_ns = 1;  // that can be told apart
    int64_t highest_ns = 0;
    std::string encoded;                                // HdrHistogram compressed V2, base64
    std::vector<std::pair<int64_t, uint64_t>> buckets;  // nanoseconds and count, both ascending
  } histogram;
};

struct RunResult {
  std::string tool_name = "quorate loadgen";
  std::string tool_version;
  std::vector<std::string> command;  // with its arguments
  uint64_t seed = 0;
  std::string started_at;  // RFC 3339

  struct Host {
    int cores = 0;
    std::string cpu;
    std::string system;
  } host;

  // As the first target tells; empty and nullopt where it does not.
  struct Cluster {
    std::string strategy;
    std::optional<int> n, w, r;  // w and r: those in force, which the run's options may override
    std::string guarantee;  // empty, too, unless the run went through the cluster's own quorums
    std::string durability;
    std::string emulate;
  } cluster;

  struct Workload {
    double write_ratio = 0;
    double qps = 0;  // offered; not finite: as much as goes (closed loop)
    uint64_t num_keys = 0;
    std::string distribution;  // "uniform", "zipf", ...
    double zipf_exponent = kUnknownNumber;
    uint64_t value_bytes = 0;
    std::string mix;  // "A" to "F", or empty
    std::string transport;
    std::vector<std::string> targets;
    std::string read_target;  // "coordinator", "any" or "local"
    std::string loop = "open";
    std::string spacing = "even";
    uint64_t in_flight = 0;  // at most
    double top_key_share = kUnknownNumber;
    double hottest_key_writes_per_second = kUnknownNumber;
  } workload;

  struct Phase {
    std::string name;
    double start = 0;
    double end = 0;
  };
  std::vector<Phase> phases;
};

struct TotalsResult {
  uint64_t scheduled = 0;
  double offered_per_second = kUnknownNumber;
  double achieved_per_second = kUnknownNumber;
  uint64_t missed = 0;
  uint64_t waited = 0;
};

struct OperationResult {
  std::string operation;  // "read", "write", or "read_modify_write": a read and its write as one
  std::string outcome;    // "ok", "failed" or "unknown"
  uint64_t count = 0;
  LatencyResult response;
  LatencyResult service;
};

// One entry a second.
struct SecondResult {
  double start = 0;
  double seconds = 1;
  bool warm_up = false;
  uint64_t reads_ok = 0;
  uint64_t writes_ok = 0;
  uint64_t failed = 0;
  uint64_t unknown = 0;
  uint64_t stale = 0;
  double p50 = kUnknownNumber;  // response times
  double p99 = kUnknownNumber;
  double max = kUnknownNumber;
  uint64_t in_flight = 0;
  uint64_t offered = 0;
};

// A share of reads, with its 95 % confidence interval.
struct StaleShare {
  uint64_t reads = 0;
  uint64_t stale = 0;
  double rate = kUnknownNumber;
  double low = kUnknownNumber;
  double high = kUnknownNumber;
};

struct StalenessResult {
  StaleShare strict;
  StaleShare loose;
  std::string difference;                        // of the two, as a sentence
  std::vector<std::pair<uint64_t, uint64_t>> k;  // so many versions behind, so many reads
  LatencyResult t;

  // Reads that were sent from `from` to `to` after the latest acknowledged write of their key.
  struct ByInterval {
    double from = 0;
    double to = kUnknownNumber;  // not finite: without end
    StaleShare share;
  };
  std::vector<ByInterval> by_interval;

  uint64_t inversions = 0;
  uint64_t monotonic_read_violations = 0;
  uint64_t read_your_writes_violations = 0;
  uint64_t absent = 0;
  uint64_t corrupt = 0;
};

struct PredictionResult {
  struct Point {
    double after = 0;
    double stale_independent = 0;
    double stale_joint = 0;
  };
  std::vector<Point> points;
  double rmse = kUnknownNumber;
  std::vector<std::string> assumptions;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RESULT_PARTS_H_
