#include "loadgen/load_setup.h"

#include "absl/time/time.h"

namespace quorate::loadgen {

RunnerOptions MakeRunnerOptions(const Options& options) {
  RunnerOptions runner;
  runner.workload.seed = options.seed;
  runner.workload.writes_per_operation = options.write_ratio;
  runner.workload.keys = static_cast<size_t>(options.num_keys);
  runner.workload.value_bytes = static_cast<size_t>(options.value_bytes);
  runner.workload.targets = options.targets.size();
  runner.workload.writes_to_first_target = options.mode == Mode::kLeader;
  runner.operations_per_second = options.qps;
  runner.max_waiting = static_cast<size_t>(options.max_waiting);
  runner.warm_up = options.warmup_seconds * kNanosPerSecond;
  runner.measured = options.duration_seconds * kNanosPerSecond;
  runner.drop_waiting_after = options.timeout_ms * (kNanosPerSecond / 1000);
  return runner;
}

TransportOptions MakeTransportOptions(const Options& options) {
  TransportOptions transport;
  transport.targets = options.targets;
  transport.timeout = absl::Milliseconds(options.timeout_ms);
  transport.w = options.w;
  transport.r = options.r;
  transport.local_reads = options.local_reads;
  transport.max_in_flight = static_cast<size_t>(options.connections);
  return transport;
}

}  // namespace quorate::loadgen
