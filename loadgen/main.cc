// loadgen: offers a fixed load to a cluster and reports latency and staleness.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "glog/logging.h"

#include "loadgen/live_view.h"
#include "loadgen/load_loop.h"
#include "loadgen/load_setup.h"
#include "loadgen/options.h"
#include "loadgen/report.h"
#include "loadgen/transport.h"
#include "loadgen/transport_factory.h"
#include "loadgen/verdict.h"
#include "support/command_line.h"

DEFINE_string(mode, "leader",
              "leader: writes go to the first target, reads to any; leaderless: both go to any");
DEFINE_string(targets, "127.0.0.1:8080,127.0.0.1:8081,127.0.0.1:8082,127.0.0.1:8083,127.0.0.1:8084",
              "the nodes' HTTP addresses, HOST:PORT,...; default: ports 8080 to 8084 of 127.0.0.1");
DEFINE_double(write_ratio, 0.1, "share of writes, 0.0 to 1.0; default: 0.1");
DEFINE_int32(duration, 30, "seconds to measure");
DEFINE_int32(warmup, 1, "seconds of load before, not measured");
DEFINE_int32(qps, 100, "operations a second");
DEFINE_int32(num_keys, 50, "keys, chosen uniformly; fewer of them collide more");
DEFINE_int32(value_size, 100, "bytes of a value, at least");
DEFINE_int32(w, 0, "acknowledgements a write waits for; default: the cluster's W");
DEFINE_int32(r, 0, "answers a read waits for; default: the cluster's R");
DEFINE_bool(local_reads, false, "read what each node alone holds (/local_read), perhaps stale");
DEFINE_uint64(seed, 0, "fixes keys, targets and order; default: random");
DEFINE_int32(connections, 32, "connections to each target: its operations in flight");
DEFINE_int32(max_waiting, 10000, "operations that may wait for a connection; more are missed");
DEFINE_int32(timeout_ms, 3000, "milliseconds after which an operation has failed");

namespace quorate::loadgen {
namespace {

constexpr int kNothingMeasured = 1;
constexpr int kInterrupted = 130;

// In the order of the help text.
constexpr const char* kFlags[] = {"mode",        "targets",     "write_ratio", "duration",
                                  "warmup",      "qps",         "num_keys",    "value_size",
                                  "w",           "r",           "local_reads", "seed",
                                  "connections", "max_waiting", "timeout_ms"};

google::CommandLineFlagInfo FlagInfo(const char* flag) {
  return google::GetCommandLineFlagInfoOrDie(flag);
}

void PrintHelp() {
  std::printf(
      "Offers a fixed load to a Quorate cluster over REST and reports latency and staleness.\n"
      "Usage: loadgen [flags]    (-flag=value or --flag value; '-' and '_' are the same)\n\n");
  for (const char* flag : kFlags) {
    const google::CommandLineFlagInfo info = FlagInfo(flag);
    const bool said = absl::StrContains(info.description, "default:");
    std::string preset;
    if (!said) preset = absl::StrCat(" (", info.default_value, ")");
    std::printf("  --%-12s %s%s\n", flag, info.description.c_str(), preset.c_str());
  }
  std::printf(
      "\nThe schedule does not wait for answers, and response times count from when an operation\n"
      "was due. Ctrl-C ends a run early and still reports. Exit status: 0, 1 where nothing could "
      "be\n"
      "measured, 2 for wrong usage, 130 after Ctrl-C.\n");
}

uint64_t RandomSeed() { return std::random_device()(); }

absl::StatusOr<Options> OptionsFromFlags() {
  Options options;
  const absl::StatusOr<Mode> mode = ParseMode(FLAGS_mode);
  if (!mode.ok()) return mode.status();
  const absl::StatusOr<std::vector<HostAndPort>> targets = ParseTargets(FLAGS_targets);
  if (!targets.ok()) return targets.status();
  options.mode = *mode;
  options.targets = *targets;
  options.write_ratio = FLAGS_write_ratio;
  options.duration_seconds = FLAGS_duration;
  options.warmup_seconds = FLAGS_warmup;
  options.qps = FLAGS_qps;
  options.num_keys = FLAGS_num_keys;
  options.value_bytes = FLAGS_value_size;
  if (!FlagInfo("w").is_default) options.w = FLAGS_w;
  if (!FlagInfo("r").is_default) options.r = FLAGS_r;
  options.local_reads = FLAGS_local_reads;
  options.seed = FlagInfo("seed").is_default ? RandomSeed() : FLAGS_seed;
  options.connections = FLAGS_connections;
  options.max_waiting = FLAGS_max_waiting;
  options.timeout_ms = FLAGS_timeout_ms;
  const absl::Status valid = Validate(options);
  if (!valid.ok()) return valid;
  return options;
}

// Names what is wrong with the targets. Returns the first healthy one, or null.
const RestHealth* FirstHealthy(const Options& options, const std::vector<RestHealth>& health) {
  const RestHealth* first = nullptr;
  for (size_t i = 0; i < health.size(); ++i) {
    if (health[i].status.ok()) {
      if (first == nullptr) first = &health[i];
      continue;
    }
    std::fprintf(stderr, "loadgen: %s is not healthy: %s\n", options.targets[i].ToString().c_str(),
                 std::string(health[i].status.message()).c_str());
  }
  return first;
}

int Run(const Options& options) {
  const absl::StatusOr<std::unique_ptr<Transport>> transport =
      MakeTransport(TransportKind::kRest, MakeTransportOptions(options));
  if (!transport.ok()) {
    std::fprintf(stderr, "loadgen: %s\n", std::string(transport.status().message()).c_str());
    return kNothingMeasured;
  }
  const std::vector<RestHealth> health = (*transport)->CheckTargets();
  const RestHealth* first = FirstHealthy(options, health);
  if (first == nullptr) {
    std::fprintf(stderr, "loadgen: no target is healthy, so there is nothing to measure\n");
    return kNothingMeasured;
  }
  if (options.mode == Mode::kLeader && health[0].role == "follower") {
    std::fprintf(stderr, "loadgen: the first target, which gets the writes, is a follower\n");
  }
  std::printf("%s\n", FormatHeader(options, *first).c_str());
  std::fflush(stdout);

  const Nanos run_end = (options.warmup_seconds + options.duration_seconds) * kNanosPerSecond;
  LoadLoop load(MakeRunnerOptions(options), transport->get());
  const RunStats* stats = nullptr;
  {
    LiveView view(stdout);
    stats = &load.Run([&view, run_end](const IntervalStats& second) {
      // What is left at the end may be too short for a rate.
      if (second.to - second.from < kNanosPerSecond / 5) return;
      view.Show(FormatLiveLine(second, run_end));
    });
  }
  Place place;
  place.servers_on_this_machine = (*transport)->TargetsAreLocal();
  place.cores = static_cast<int>(std::thread::hardware_concurrency());
  std::printf("%s\n%s", load.interrupted() ? "  (interrupted)\n" : "",
              FormatReport(*stats, Judge(*stats, place)).c_str());
  if (load.interrupted()) return kInterrupted;
  return stats->reads.ok + stats->writes.ok > 0 ? 0 : kNothingMeasured;
}

int Main(int argc, char** argv) {
  const ParsedCommandLine parsed = ParseFlags(argc, argv, "0.1.0");
  if (parsed.asked == CommandLine::kHelp) {
    PrintHelp();
    return 0;
  }
  if (parsed.asked == CommandLine::kVersion) {
    std::printf("quorate loadgen %s\n", google::VersionString());
    return 0;
  }
  if (!parsed.words.empty()) {
    std::fprintf(stderr, "loadgen: '%s' is no flag; --help lists the flags\n",
                 parsed.words[0].c_str());
    return kUsageExitCode;
  }
  const absl::StatusOr<Options> options = OptionsFromFlags();
  if (!options.ok()) {
    std::fprintf(stderr, "loadgen: %s\n", std::string(options.status().message()).c_str());
    return kUsageExitCode;
  }
  return Run(*options);
}

}  // namespace
}  // namespace quorate::loadgen

int main(int argc, char** argv) {
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  return quorate::loadgen::Main(argc, argv);
}
