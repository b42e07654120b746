// CapacitySearch: finds the highest rate at which a system still meets its goals. A pure state
// machine: it says which rate to offer and for how long, and is told what came of it.
//
//   CapacitySearch search(options);
//   while (const std::optional<CapacityStep> step = search.Next()) {
//     search.Report(Judge(goals, Measure(step->rate, step->windows)));
//   }
//   search.result().confirmed_rate;
//
// The rate grows by half until the goals are missed in two windows running, so that one bad moment
// ends nothing; then the span between the best and the first failing rate is halved until it is at
// most 5 % wide. The best rate counts only once a run of three windows in one has confirmed it; a
// rate that fails there counts as failing, and the search goes on below it. The number of steps is
// bounded.
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_CAPACITY_SEARCH_H_
#define QUORATE_LOADGEN_CAPACITY_SEARCH_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "loadgen/workload.h"

namespace quorate::loadgen {

// What must hold; nullopt: does not matter.
struct CapacityGoals {
  std::optional<Nanos> p99;            // of response times, at most
  std::optional<double> stale_share;   // of reads, strictly stale, at most; 0..1
  std::optional<double> errors_share;  // of operations, failed or unknown, at most
  double achieved_share = 0.99;        // of the offered operations, at least

  std::string ToString() const;
};

// What one step has measured.
struct CapacityMeasurement {
  uint64_t operations = 0;  // that were due
  uint64_t ended_ok = 0;
  uint64_t errors = 0;
  uint64_t reads = 0;  // whose staleness was judged
  uint64_t stale = 0;
  std::optional<Nanos> p99;       // nullopt: too few were answered to tell
  bool generator_healthy = true;  // else the figures say nothing about the system
};

struct CapacityVerdict {
  bool passed = false;
  bool generator_failed = false;
  std::vector<std::string> reasons;  // which goals were missed, and by how much
};

// What cannot be told counts as missed.
CapacityVerdict Judge(const CapacityGoals& goals, const CapacityMeasurement& measured);

// The lowest rate at which a window of so many seconds, at least one, has operations enough to tell
// whether the goals are kept. Below, chance would decide, and mostly for the rate.
double LeastTellingRate(const CapacityGoals& goals, int window_seconds);

// InvalidArgument for a goal that a load with this share of writes says nothing about.
absl::Status CheckGoalsCanBeJudged(const CapacityGoals& goals, double write_ratio);

struct CapacityOptions {
  double first_rate = 100;           // operations a second, > 0
  double least_rate = 1;             // gives up below
  double greatest_rate = 1'000'000;  // goes no higher
  double growth = 1.5;               // > 1
  double precision = 0.05;           // > 0: width of the last span, as a part of its lower end
  int confirmation_windows = 3;
  int steps = 60;  // at most
};

enum class CapacityPhase { kRamp, kBisect, kConfirm };

struct CapacityStep {
  CapacityPhase phase = CapacityPhase::kRamp;
  double rate = 0;
  int windows = 1;     // how long: so many of the caller's windows in one run
  bool again = false;  // the rate has just failed once
};

struct CapacityResult {
  std::optional<double> confirmed_rate;
  // The lowest rate above it that has failed twice running, or in its confirmation; nullopt where
  // none did, so that the limit is CapacityOptions::greatest_rate.
  std::optional<double> failing_rate;
  std::vector<std::string> failing_reasons;
  bool limited_by_generator = false;  // failing_rate was too much for the load generator
  bool out_of_steps = false;          // the search has ended early
  int steps = 0;

  // One sentence.
  std::string ToString() const;
};

class CapacitySearch {
 public:
  // Values of `options` that are out of range are replaced by the nearest that are not.
  explicit CapacitySearch(const CapacityOptions& options);

  // What to do next; the same until Report is called. nullopt: the search is over.
  std::optional<CapacityStep> Next() const;

  // What came of the step that Next told. REQUIRES: there was one.
  void Report(const CapacityVerdict& verdict);

  // So far, or in the end.
  const CapacityResult& result() const { return result_; }

 private:
  void OnPassed();
  void OnFailed(const CapacityVerdict& verdict);
  // Goes on from what has passed and failed: closer, or to the confirmation, or to the end.
  void Continue();
  void GoTo(CapacityPhase phase, double rate);
  void End() { step_.reset(); }

  CapacityOptions options_;
  std::optional<CapacityStep> step_;
  std::set<double> passed_;  // rates below the failing one, in a window
  CapacityResult result_;
};

// "5ms", "1.5s", "800us" -> nanoseconds. InvalidArgument for all else, for 0 and less, and beyond
// an hour.
absl::StatusOr<Nanos> ParseGoalDuration(absl::string_view text);

// "0.1%" or "0.001" -> 0.001. InvalidArgument for all else, and outside 0..1.
absl::StatusOr<double> ParseGoalShare(absl::string_view text);

// Takes the goals out of a command line: -p99 5ms, -stale 0.1%, -errors 0.1%, each with one or two
// dashes and also as -p99=5ms; all that is not one of them is appended to `rest` in its order.
// InvalidArgument where a value is missing, cannot be read, or a goal is given twice, and where
// there is no goal at all.
absl::StatusOr<CapacityGoals> ParseCapacityGoals(const std::vector<std::string>& arguments,
                                                 std::vector<std::string>* rest);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_CAPACITY_SEARCH_H_
