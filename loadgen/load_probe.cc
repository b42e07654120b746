// load_probe: a load on one server whose figures tests read: a line a second, then a line of JSON.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "nlohmann/json.hpp"

#include "loadgen/load_loop.h"
#include "loadgen/transport_factory.h"

DEFINE_string(transport, "rest", "rest, unary or stream");
DEFINE_string(target, "", "host:port, of HTTP or gRPC as the transport needs it");
DEFINE_double(qps, 200, "operations a second");
DEFINE_double(seconds, 5, "to measure");
DEFINE_double(warm_up, 0.5, "seconds before that");
DEFINE_int32(in_flight, 64, "operations in flight");
DEFINE_int32(timeout_ms, 5000, "for an operation");

namespace quorate::loadgen {
namespace {

using Json = nlohmann::json;

std::optional<TransportKind> Kind() {
  if (FLAGS_transport == "rest") return TransportKind::kRest;
  if (FLAGS_transport == "unary") return TransportKind::kUnary;
  if (FLAGS_transport == "stream") return TransportKind::kStream;
  return std::nullopt;
}

Json Latency(const LatencyHistogram& reads, const LatencyHistogram& writes) {
  LatencyHistogram both = reads;
  both.Merge(writes);
  const auto seconds = [](Nanos nanos) { return static_cast<double>(nanos) / kNanosPerSecond; };
  return {{"count", both.count()},
          {"p50", seconds(both.ValueAtQuantile(0.5))},
          {"p99", seconds(both.ValueAtQuantile(0.99))},
          {"max", seconds(both.max())}};
}

RunnerOptions Run() {
  RunnerOptions options;
  options.workload.writes_per_operation = 0.5;
  options.workload.keys = 20;
  options.operations_per_second = FLAGS_qps;
  options.load_keys = true;
  options.warm_up = static_cast<Nanos>(FLAGS_warm_up * kNanosPerSecond);
  options.measured = static_cast<Nanos>(FLAGS_seconds * kNanosPerSecond);
  options.drop_waiting_after = FLAGS_timeout_ms * (kNanosPerSecond / 1000);
  return options;
}

int Main() {
  const std::optional<TransportKind> kind = Kind();
  const absl::StatusOr<std::vector<HostAndPort>> targets = ParseTargets(FLAGS_target);
  if (!kind.has_value() || !targets.ok()) {
    std::fprintf(stderr, "load_probe: no transport \"%s\" to \"%s\"\n", FLAGS_transport.c_str(),
                 FLAGS_target.c_str());
    return 2;
  }
  TransportOptions options;
  options.targets = *targets;
  options.timeout = absl::Milliseconds(FLAGS_timeout_ms);
  options.max_in_flight = static_cast<size_t>(FLAGS_in_flight);
  const absl::StatusOr<std::unique_ptr<Transport>> transport = MakeTransport(*kind, options);
  if (!transport.ok()) {
    std::fprintf(stderr, "load_probe: %s\n", std::string(transport.status().message()).c_str());
    return 1;
  }
  LoadLoop loop(Run(), transport->get());
  const RunStats& stats = loop.Run([](const IntervalStats& second) {
    std::printf("%s\n", ToString(second.phase));
    std::fflush(stdout);
  });
  const Json result = {{"scheduled", stats.scheduled},
                       {"missed", stats.missed},
                       {"ok", stats.reads.ok + stats.writes.ok},
                       {"stale", stats.stale_reads},
                       {"window", static_cast<double>(stats.window) / kNanosPerSecond},
                       {"response", Latency(stats.reads.response, stats.writes.response)},
                       {"service", Latency(stats.reads.service, stats.writes.service)},
                       {"send_lag", Latency(stats.send_lag, LatencyHistogram())}};
  std::printf("%s\n", result.dump().c_str());
  return 0;
}

}  // namespace
}  // namespace quorate::loadgen

int main(int argc, char** argv) {
  google::ParseCommandLineFlags(&argc, &argv, true);
  return quorate::loadgen::Main();
}
