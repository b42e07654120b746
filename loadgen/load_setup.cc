#include "loadgen/load_setup.h"

#include <algorithm>

#include "absl/time/time.h"

namespace quorate::loadgen {
namespace {

// Half a kilobyte each, once used.
constexpr int64_t kInsertedKeysMax = 1'000'000;
// More inserts than their share may come up.
constexpr double kInsertSlack = 1.2;
constexpr int64_t kInsertsMin = 1000;

}  // namespace

size_t MaxInsertedKeys(const Options& options) {
  if (!options.mix.has_value() || options.mix->insert == 0) return 0;
  if (options.closed_loop > 0) return static_cast<size_t>(kInsertedKeysMax);
  const int64_t seconds =
      int64_t{options.ramp_seconds} + options.warmup_seconds + options.duration_seconds;
  const double inserts = options.mix->insert * static_cast<double>(seconds * options.qps);
  const auto room = static_cast<int64_t>(kInsertSlack * inserts) + kInsertsMin;
  return static_cast<size_t>(std::min(room, kInsertedKeysMax));
}

KeyChooser MakeKeyChooser(const Options& options) {
  return KeyChooser(options.distribution, static_cast<uint64_t>(options.num_keys), options.seed);
}

RunnerOptions MakeRunnerOptions(const Options& options) {
  RunnerOptions runner;
  runner.workload.seed = options.seed;
  runner.workload.writes_per_operation = options.write_ratio;
  runner.workload.mix = options.mix;
  runner.workload.max_inserted_keys = MaxInsertedKeys(options);
  runner.workload.keys = static_cast<size_t>(options.num_keys);
  runner.workload.value_bytes = static_cast<size_t>(options.value_bytes);
  runner.workload.targets = options.targets.size();
  runner.workload.writes_to_first_target = options.mode == Mode::kLeader;
  runner.workload.reads_to_first_target =
      options.mode == Mode::kLeader && options.read_target == ReadTarget::kCoordinator;
  if (options.distribution.kind != KeyDistributionKind::kUniform) {
    // There is always a key: those of the options exist before the first insert.
    runner.workload.choose_key = [chooser = MakeKeyChooser(options)](uint64_t index, Nanos due,
                                                                     uint64_t born) {
      return static_cast<size_t>(*chooser.ChooseAmong(born, index, due));
    };
  }
  runner.local_reads = options.read_target == ReadTarget::kLocal;
  runner.operations_per_second = options.qps;
  runner.spacing = options.spacing;
  runner.closed_loop = static_cast<size_t>(options.closed_loop);
  runner.load_keys = options.load_keys;
  runner.ramp = options.ramp_seconds * kNanosPerSecond;
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
  // A closed loop has as many in flight as it was asked for, though all go to one target.
  transport.max_in_flight = static_cast<size_t>(std::max(options.connections, options.closed_loop));
  return transport;
}

}  // namespace quorate::loadgen
