// Measure: one run of a load from its options to what it has measured.
//
// Not thread-safe: belongs to one thread.
#ifndef QUORATE_LOADGEN_MEASURE_H_
#define QUORATE_LOADGEN_MEASURE_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"

#include "client/rest_reply.h"
#include "loadgen/delay_probe.h"
#include "loadgen/load_loop.h"
#include "loadgen/options.h"
#include "loadgen/run_recorder.h"
#include "loadgen/run_stats.h"
#include "loadgen/transport.h"
#include "loadgen/verdict.h"

namespace quorate::loadgen {

// The targets of a load, connected.
struct Targets {
  std::unique_ptr<Transport> transport;
  std::vector<RestHealth> health;  // in the targets' order
  size_t first_healthy = 0;
};

// Connects and asks all targets how they are; names those that are not healthy on the standard
// error. Blocks. UNAVAILABLE where no target is healthy, NOT_FOUND where one has no address.
// REQUIRES: valid options.
absl::StatusOr<Targets> ConnectToTargets(const Options& options);

// One run over targets.
class Measurement {
 public:
  // `targets` must outlive this. `writer` tells the values of this run from those of others.
  Measurement(const Options& options, Targets* targets, uint64_t writer);

  // Blocks for as long as the run takes (LoadLoop::Run). Call once.
  void Run(const std::function<void(const IntervalStats&)>& on_second);

  const RunStats& stats() const { return *stats_; }
  const Verdict& verdict() const { return verdict_; }
  const std::vector<IntervalSummary>& series() const { return series_; }
  const Workload& workload() const { return loop_.workload(); }
  const RunRecorder& recorder() const { return recorder_; }
  RunRecorder* mutable_recorder() { return &recorder_; }
  bool interrupted() const { return loop_.interrupted(); }
  // What was found beside the load; an error, with the reason, where that was not asked for, or
  // cannot be.
  const absl::StatusOr<std::unique_ptr<DelayProbe>>& probe() const { return probe_; }

 private:
  Targets* const targets_;
  const absl::StatusOr<std::unique_ptr<DelayProbe>> probe_;
  std::unique_ptr<ValueMaker> values_;
  RunRecorder recorder_;
  LoadLoop loop_;
  std::vector<IntervalSummary> series_;
  const RunStats* stats_ = nullptr;
  Verdict verdict_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_MEASURE_H_
