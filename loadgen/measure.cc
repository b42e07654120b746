#include "loadgen/measure.h"

#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"

#include "loadgen/checked_values.h"
#include "loadgen/load_setup.h"
#include "loadgen/transport_factory.h"

namespace quorate::loadgen {
namespace {

RunRecorderOptions RecorderOptionsOf(const Options& options, uint64_t writer) {
  RunRecorderOptions recorder;
  recorder.keys = static_cast<size_t>(options.num_keys);
  recorder.seed = options.seed;
  recorder.writer = writer;
  if (!options.output.empty()) recorder.raw_samples = static_cast<size_t>(options.raw_samples);
  if (!options.history.empty()) {
    recorder.history_operations = static_cast<size_t>(options.history_operations);
  }
  return recorder;
}

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
      values_(std::make_unique<CheckedValues>(writer, static_cast<size_t>(options.value_bytes))),
      recorder_(RecorderOptionsOf(options, writer)),
      loop_(MakeRunnerOptions(options), targets->transport.get(), {&recorder_}, values_.get()) {}

void Measurement::Run(const std::function<void(const IntervalStats&)>& on_second) {
  stats_ = &loop_.Run([this, &on_second](const IntervalStats& second) {
    series_.emplace_back(second);
    on_second(second);
  });
  Place place;
  place.servers_on_this_machine = targets_->transport->TargetsAreLocal();
  place.cores = static_cast<int>(std::thread::hardware_concurrency());
  verdict_ = Judge(*stats_, place);
}

}  // namespace quorate::loadgen
