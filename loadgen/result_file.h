// ResultFile: what a run leaves behind for other programs, as JSON of version 1. The format is
// described by loadgen/result_schema.json; tools/visualize_results.py draws it.
//
//   ResultFile result;
//   result.mode = "leader";
//   result.read_latencies = {0.0012, 0.0031};
//   absl::Status written = WriteResult("results.json", result);
//
// Values: thread-compatible. Functions: thread-safe.
#ifndef QUORATE_LOADGEN_RESULT_FILE_H_
#define QUORATE_LOADGEN_RESULT_FILE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "loadgen/result_parts.h"

namespace quorate::loadgen {

struct ResultFile {
  // The part that every load generator of this API writes. Times in seconds.
  std::string mode;                     // "leader" or "leaderless"
  std::vector<double> write_latencies;  // response times, in the order of completion
  std::vector<double> read_latencies;
  std::vector<StaleRead> stale_reads;
  std::vector<double> read_write_intervals;  // between a read and a write of one key, neighbours
  uint64_t total_writes = 0;
  uint64_t total_reads = 0;
  uint64_t total_stale_reads = 0;
  double write_avg_latency = kUnknownNumber;
  double read_avg_latency = kUnknownNumber;

  // What this one adds.
  RawSamplesResult raw_samples;
  RunResult run;
  TotalsResult totals;
  std::vector<OperationResult> operations;
  LatencyResult send_lag;
  std::vector<SecondResult> series;

  // A part of the run's measured time. What it counts was due within it.
  struct Window {
    double start = 0;
    double seconds = 1;
    uint64_t failed = 0;
    uint64_t unknown = 0;
    uint64_t judged = 0;  // reads whose staleness was
    uint64_t stale = 0;   // of these, strictly
    uint64_t loosely_stale = 0;
    uint64_t inversions = 0;
    // Response times of successful operations: the least nanoseconds of a bucket, and how many lie
    // in it; ascending.
    std::vector<std::pair<int64_t, uint64_t>> read_response;
    std::vector<std::pair<int64_t, uint64_t>> write_response;
  };
  // kWindowsMax (loadgen/window_recorder.h) at most, of equal length and in order. They add up to
  // what the run counts.
  std::vector<Window> windows;

  StalenessResult staleness;

  struct Intervals {
    LatencyResult write_read;
    LatencyResult read_write;
    LatencyResult write_write;
    LatencyResult read_read;
  } intervals;

  std::optional<PredictionResult> prediction;  // nullopt: none was made

  struct Failure {
    std::string message;
    uint64_t count = 0;
  };
  std::vector<Failure> failures;

  struct Server {
    std::string node;
    std::map<std::string, uint64_t> counters;
  };
  std::vector<Server> servers;

  struct Verdict {
    std::string judgement = "valid";  // or "shared" or "void"
    std::vector<std::string> reasons;
    int exit_code = 0;
  } verdict;
};

// JSON with a line for each section and a line end. Doubles that are not finite become null; in the
// four raw lists they are left out. Bytes that are no UTF-8 become the replacement character.
std::string FormatResult(const ResultFile& result);

// Writes FormatResult(result) to `path` as WriteFileAtomically (loadgen/atomic_file.h) does, with
// its errors.
absl::Status WriteResult(const std::string& path, const ResultFile& result);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RESULT_FILE_H_
