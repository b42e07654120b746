// Compares two load runs, and says which differences are more than chance.
//
//   const Comparison comparison = Compare(*a, *b);
//   std::printf("%s", FormatComparison(comparison).c_str());
//
// Every test is at 95 %, so at most about one of twenty rows is marked by chance. How it is tested:
//   throughput    that of the measured time; Welch's test on the seconds that lie in it. Those that
//                 resemble their neighbours count as fewer, by their autocorrelation
//   percentiles   the difference of the two, by the confidence interval of each, from the order of
//                 the durations
//   shares        Newcombe's interval for the difference of two shares, from Wilson's of each
// Stalls make operations slow, or fail, in bursts, and these tell less than as many independent
// ones. How much less is estimated from the windows that result files have (LatencyWindows,
// DesignEffect); percentiles and shares of files without them are not tested. Nor is what lies in a
// single burst, and no percentile where a run is void or its verdict forbids the latencies of this
// kind: they are largely its generator's own. Its counts hold all the same.
//
// Values: thread-compatible. Functions: thread-safe.
#ifndef QUORATE_LOADGEN_COMPARE_H_
#define QUORATE_LOADGEN_COMPARE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/json_fields.h"
#include "loadgen/result_reader.h"
#include "loadgen/significance.h"

namespace quorate::loadgen {

enum class Unit { kPerSecond, kSeconds, kShare };

struct ComparedRow {
  std::string name;
  Unit unit = Unit::kSeconds;
  std::optional<double> a;  // nullopt: the file does not tell
  std::optional<double> b;
  std::optional<Estimate> difference;  // b - a with its 95 % interval; nullopt: not tested
  bool significant = false;
  bool is_void = false;  // not tested for the verdict on a run
};

struct ComparedParameter {
  std::string name;
  std::string a;
  std::string b;
};

// What a run says of itself.
struct ComparedRun {
  std::string path;
  std::string judgement;  // empty: nothing
  std::vector<std::string> reasons;
  uint64_t missed = 0;         // operations that were never sent
  bool tells_windows = false;  // without which no percentile and no share is tested
};

struct Comparison {
  ComparedRun a;
  ComparedRun b;
  std::vector<ComparedParameter> parameters;  // those that differ
  std::vector<ComparedRow> rows;
};

Comparison Compare(const RunSummary& a, const RunSummary& b);

// A table for people, of at most about 100 columns.
std::string FormatComparison(const Comparison& comparison);

Json ComparisonToJson(const Comparison& comparison);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_COMPARE_H_
