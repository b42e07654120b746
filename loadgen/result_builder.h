// From what a run has measured to what its result file says.
//
// Pure functions: thread-safe, never block.
#ifndef QUORATE_LOADGEN_RESULT_BUILDER_H_
#define QUORATE_LOADGEN_RESULT_BUILDER_H_

#include <optional>
#include <string>
#include <vector>

#include "client/rest_reply.h"
#include "loadgen/options.h"
#include "loadgen/result_file.h"
#include "loadgen/run_recorder.h"
#include "loadgen/run_stats.h"
#include "loadgen/verdict.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

// All of them must outlive the call that they are given to.
struct FinishedRun {
  const Options& options;
  const Workload& workload;
  const RestHealth& cluster;  // as the first healthy target describes it
  const RunStats& stats;
  const RunRecorder& recorder;
  const std::vector<IntervalSummary>& series;
  const Verdict& verdict;
  int exit_code = 0;
  std::vector<std::string> command;  // with its arguments
  std::string version;               // of this program
  std::string started_at;            // RFC 3339
  RunResult::Host host;
  // As the targets described themselves before and after; their counters grew by the difference.
  const std::vector<RestHealth>& health_before;
  const std::vector<RestHealth>& health_after;
  std::optional<PredictionResult> prediction;
};

ResultFile BuildResult(const FinishedRun& run);

// A distribution with its percentiles, as far as there are enough durations for them.
LatencyResult ToLatencyResult(const LatencyHistogram& histogram);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RESULT_BUILDER_H_
