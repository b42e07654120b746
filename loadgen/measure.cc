#include "loadgen/measure.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "loadgen/checked_values.h"
#include "loadgen/load_setup.h"
#include "loadgen/transport_factory.h"

namespace quorate::loadgen {
namespace {

RunRecorderOptions RecorderOptionsOf(const Options& options, uint64_t writer) {
  RunRecorderOptions recorder;
  recorder.keys = static_cast<size_t>(options.num_keys) + MaxInsertedKeys(options);
  recorder.seed = options.seed;
  recorder.writer = writer;
  if (!options.output.empty()) recorder.raw_samples = static_cast<size_t>(options.raw_samples);
  if (!options.history.empty()) {
    recorder.history_operations = static_cast<size_t>(options.history_operations);
  }
  return recorder;
}

// A write is followed to each target, so these must be all replicas.
absl::StatusOr<std::unique_ptr<DelayProbe>> MakeProbe(const Options& options,
                                                      const Targets& targets, uint64_t writer) {
  // A write, and a poll of the same replica.
  constexpr size_t kInFlight = 2;
  // A larger value would make the probe a load of its own.
  constexpr int kValueBytesMax = 4096;
  const RestHealth& cluster = targets.health[targets.first_healthy];
  const size_t replicas = targets.health.size();
  const int w = options.w.value_or(cluster.w);
  if (FollowedWrites(options) == 0) return absl::NotFoundError("--followed_writes is 0");
  if (cluster.n != static_cast<int>(replicas)) {
    return absl::NotFoundError(absl::StrCat("there are ", cluster.n, " replicas and ", replicas,
                                            " targets; name all replicas with --targets"));
  }
  if (w < 1 || w > cluster.n) return absl::NotFoundError("W is unknown");
  TransportOptions transport_options = MakeTransportOptions(options);
  transport_options.max_in_flight = kInFlight;
  absl::StatusOr<std::unique_ptr<Transport>> transport =
      MakeTransport(options.transport, transport_options);
  if (!transport.ok()) return transport.status();
  DelayProbeOptions probe;
  probe.replicas = replicas;
  probe.w = w;
  probe.writes_to_first_target = options.mode == Mode::kLeader;
  probe.key_prefix = absl::StrCat("load-probe-", writer, "-");
  probe.value =
      std::string(static_cast<size_t>(std::min(options.value_bytes, kValueBytesMax)), '.');
  probe.seed = options.seed;
  probe.interval = kNanosPerSecond / FollowedWrites(options);
  probe.give_up_after = options.timeout_ms * (kNanosPerSecond / 1000);
  return std::make_unique<DelayProbe>(std::move(probe), *std::move(transport));
}

// Runs the probe on a thread of its own, from Start on, for as long as this lives.
class ProbeThread {
 public:
  explicit ProbeThread(DelayProbe* probe) : probe_(probe) {}
  ~ProbeThread() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  void Start() {
    if (probe_ == nullptr || thread_.joinable()) return;
    thread_ = std::thread([this] { probe_->Run(&stop_); });
  }

 private:
  DelayProbe* const probe_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace

absl::StatusOr<Targets> ConnectToTargets(const Options& options) {
  absl::StatusOr<std::unique_ptr<Transport>> transport =
      MakeTransport(options.transport, MakeTransportOptions(options));
  if (!transport.ok()) return transport.status();
  Targets targets;
  targets.transport = *std::move(transport);
  targets.health = targets.transport->CheckTargets();
  targets.first_healthy = targets.health.size();
  for (size_t i = 0; i < targets.health.size(); ++i) {
    if (targets.health[i].status.ok()) {
      if (targets.first_healthy == targets.health.size()) targets.first_healthy = i;
      continue;
    }
    std::fprintf(stderr, "loadgen: %s is not healthy: %s\n", options.targets[i].ToString().c_str(),
                 std::string(targets.health[i].status.message()).c_str());
  }
  if (targets.first_healthy == targets.health.size()) {
    return absl::UnavailableError("no target is healthy, so there is nothing to measure");
  }
  if (options.mode == Mode::kLeader && targets.health[0].role == "follower") {
    std::fprintf(stderr, "loadgen: the first target, which gets the writes, is a follower\n");
  }
  return targets;
}

Measurement::Measurement(const Options& options, Targets* targets, uint64_t writer)
    : targets_(targets),
      probe_(MakeProbe(options, *targets, writer)),
      values_(std::make_unique<CheckedValues>(writer, static_cast<size_t>(options.value_bytes))),
      recorder_(RecorderOptionsOf(options, writer)),
      loop_(MakeRunnerOptions(options), targets->transport.get(), {&recorder_}, values_.get()) {}

void Measurement::Run(const std::function<void(const IntervalStats&)>& on_second) {
  {
    ProbeThread probing(probe_.ok() ? probe_->get() : nullptr);
    stats_ = &loop_.Run([this, &on_second, &probing](const IntervalStats& second) {
      series_.emplace_back(second);
      on_second(second);
      // The writes of the load phase say nothing about the run.
      if (second.phase > Phase::kLoad && second.phase < Phase::kDrain) probing.Start();
    });
  }
  Place place;
  place.servers_on_this_machine = targets_->transport->TargetsAreLocal();
  place.cores = static_cast<int>(std::thread::hardware_concurrency());
  verdict_ = Judge(*stats_, place);
}

}  // namespace quorate::loadgen
