// Runs simulations and says what they showed.
//
//   bazel run //tests/sim:sim -- --seeds=1000                     both strategies, seeds 1 to 1000
//   bazel run //tests/sim:sim -- --strategy=leaderless --seed=42 --log=full
//   bazel run //tests/sim:sim -- --seeds=20 --emulate=wan5        with the delays of --emulate of a
//   node
//
// Exit status: 0 where no check was violated, 1 where one was, 2 where the command line is wrong, 3
// where the cluster only failed to come to rest.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gflags/gflags.h"
#include "glog/logging.h"

#include "replication/cluster_config.h"
#include "replication/emulated_delays.h"
#include "replication/registry.h"
#include "tests/sim/runner.h"
#include "tests/sim/tally.h"

DEFINE_string(strategy, "", "the strategy to simulate; empty: all");
DEFINE_uint64(seed, 0, "run this seed alone");
DEFINE_uint64(first_seed, 1, "the first of --seeds");
DEFINE_uint64(seeds, 100, "how many seeds to run for each strategy");
DEFINE_string(log, "", "full: print everything that happens, to stderr");
DEFINE_string(emulate, "",
              "delays on top of the seeds': classroom, lan, wan3, wan5, or as "
              "replication/emulated_delays.h says");
DEFINE_string(
    write_mode, "",
    "plain or linearizable: of all clusters whose strategy knows it; default: as the seed "
    "decides");
DEFINE_uint64(failures, 10, "stop after this many failing seeds");

namespace quorate::sim {
namespace {

// Which write mode every cluster shall have; nullopt: as the seed decides.
absl::StatusOr<std::optional<WriteMode>> ParseWriteMode() {
  if (FLAGS_write_mode.empty()) return std::optional<WriteMode>();
  for (const WriteMode mode : {WriteMode::kPlain, WriteMode::kLinearizable}) {
    if (FLAGS_write_mode == WriteModeName(mode)) return std::optional<WriteMode>(mode);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--write_mode=", FLAGS_write_mode, ": there are plain and linearizable"));
}

int Main() {
  std::vector<std::string> strategies = StrategyNames();
  if (!FLAGS_strategy.empty()) {
    bool known = false;
    for (const std::string& name : strategies) known = known || name == FLAGS_strategy;
    if (!known) {
      std::fprintf(stderr, "--strategy=%s: there are %s\n", FLAGS_strategy.c_str(),
                   absl::StrJoin(strategies, ", ").c_str());
      return 2;
    }
    strategies = {FLAGS_strategy};
  }
  if (!FLAGS_log.empty() && FLAGS_log != "full") {
    std::fprintf(stderr, "--log=%s: there is only 'full'\n", FLAGS_log.c_str());
    return 2;
  }
  const absl::StatusOr<EmulatedDelays> emulated = EmulatedDelays::Parse(FLAGS_emulate);
  if (!emulated.ok()) {
    std::fprintf(stderr, "--emulate=%s: %s\n", FLAGS_emulate.c_str(),
                 std::string(emulated.status().message()).c_str());
    return 2;
  }
  const absl::StatusOr<std::optional<WriteMode>> mode = ParseWriteMode();
  if (!mode.ok()) {
    std::fprintf(stderr, "%s\n", std::string(mode.status().message()).c_str());
    return 2;
  }
  const bool one = FLAGS_seed != 0;
  const uint64_t first = one ? FLAGS_seed : FLAGS_first_seed;
  const uint64_t count = one ? 1 : FLAGS_seeds;
  Tally tally;
  for (uint64_t seed = first; seed < first + count && tally.failed() < FLAGS_failures; ++seed) {
    for (const std::string& strategy : strategies) {
      // First of all: a run that ends the process must have said which it was.
      std::printf("seed %s %llu\n", strategy.c_str(), static_cast<unsigned long long>(seed));
      std::fflush(stdout);
      RunOptions options{strategy, seed, FLAGS_log == "full", *emulated};
      if (StrategyCanBeLinearizable(strategy)) options.write_mode = *mode;
      const RunResult run = RunSeed(options);
      if (one)
        std::printf("%s\ntrace %016llx\n", run.plan.DebugString().c_str(),
                    static_cast<unsigned long long>(run.trace_hash));
      tally.Add(run);
      if (!run.report.violations.empty()) std::fputs(DescribeFailure(run).c_str(), stdout);
    }
  }
  std::fputs(tally.Summary().c_str(), stdout);
  if (tally.failed() == 0) return 0;
  return tally.only_stalls() ? 3 : 1;
}

}  // namespace
}  // namespace quorate::sim

int main(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  gflags::ParseCommandLineFlags(&argc, &argv, /*remove_flags=*/true);
  if (argc > 1) {
    std::fprintf(stderr, "'%s' is no flag\n", argv[1]);
    return 2;
  }
  return quorate::sim::Main();
}
