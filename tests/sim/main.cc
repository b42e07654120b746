// Runs simulations and says what they showed.
//
//   bazel run //tests/sim:sim -- --seeds=1000                     both strategies, seeds 1 to 1000
//   bazel run //tests/sim:sim -- --strategy=leaderless --seed=42 --log=full --until=2.5s
//   bazel run //tests/sim:sim -- --strategy=leaderless --seed=42 --record=42.schedule
//   bazel run //tests/sim:sim -- --schedule=42.schedule --diagram
//   bazel run //tests/sim:sim -- --strategy=leaderless --seed=42 --shrink
//   bazel run //tests/sim:sim -- --seeds=20 --emulate=wan5        with the delays of --emulate of a
//   node
//   bazel run //tests/sim:sim -- --seeds=100 --exceed_bounds      more than is promised to survive
//
// sim_planted is the same over replicas that can be made to break a rule: --plant=ReuseDots.
//
// Exit status: 0 where no check was violated, 1 where one was, 2 where the command line is wrong or
// a file cannot be used, 3 where the cluster only failed to come to rest.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "glog/logging.h"

#include "replication/cluster_config.h"
#include "replication/emulated_delays.h"
#include "replication/registry.h"
#include "tests/sim/diagram.h"
#include "tests/sim/message_log.h"
#include "tests/sim/runner.h"
#include "tests/sim/schedule.h"
#include "tests/sim/shrink.h"
#include "tests/sim/tally.h"
#ifdef QUORATE_PLANTED_BUGS
#include "replication/storage/planted_bugs.h"
#include "tests/sim/planted_catalogue.h"

DEFINE_string(plant, "", "the rule that replicas break, as a schedule's 'planted' names it");
#endif

DEFINE_string(strategy, "", "the strategy to simulate; empty: all");
DEFINE_uint64(seed, 0, "run this seed alone");
DEFINE_uint64(first_seed, 1, "the first of --seeds");
DEFINE_uint64(seeds, 100, "how many seeds to run for each strategy");
DEFINE_string(schedule, "", "run this file's schedule, in place of seeds");
DEFINE_string(record, "", "write the run's schedule to this file; with --shrink, the small one");
DEFINE_string(until, "", "stop at this virtual time, such as 2.5s, without a verdict");
DEFINE_string(log, "", "full: print everything that happens, to stderr");
DEFINE_bool(diagram, false, "draw the run");
DEFINE_bool(shrink, false,
            "make the schedule of a run that violates a property small, and draw it");
DEFINE_string(property, "", "the property for --shrink; empty: the first that is violated");
DEFINE_int32(shrink_runs, 2000, "how many runs --shrink may take");
DEFINE_string(emulate, "",
              "delays on top of the seeds': classroom, lan, wan3, wan5, or as "
              "replication/emulated_delays.h says");
DEFINE_string(
    write_mode, "",
    "plain or linearizable: of all clusters whose strategy knows it; default: as the seed "
    "decides");
DEFINE_string(
    expect, "",
    "linearizable: fail where W+R>N is all that is promised and clients saw that it is not");
DEFINE_string(scenario, "",
              "steady: one cluster that stays the same, to compare speeds; see SteadyPlan");
DEFINE_bool(exceed_bounds, false,
            "have more nodes forget at once than is promised to survive: then exactly that may be "
            "lost which no node held any more");
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

int Wrong(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  return 2;
}

// Relative to where bazel run was called.
std::string PathOf(const std::string& path) {
  const char* const called_in = std::getenv("BUILD_WORKING_DIRECTORY");
  return called_in == nullptr || path[0] == '/' ? path : absl::StrCat(called_in, "/", path);
}

std::string Planted() {
#ifdef QUORATE_PLANTED_BUGS
  return FLAGS_plant;
#else
  return "";
#endif
}

// Whether the rule `name` is broken from now on; empty: none is.
bool Plant(const std::string& name) {
#ifdef QUORATE_PLANTED_BUGS
  planted_bug = BugNamed(name);
  return name.empty() || planted_bug != Bug::kNone;
#else
  return name.empty();
#endif
}

// What of the command line holds for every run.
absl::StatusOr<RunOptions> Options() {
  RunOptions options;
  options.full_log = FLAGS_log == "full";
  const absl::StatusOr<EmulatedDelays> emulated = EmulatedDelays::Parse(FLAGS_emulate);
  if (!emulated.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--emulate=", FLAGS_emulate, ": ", emulated.status().message()));
  }
  const absl::StatusOr<std::optional<WriteMode>> mode = ParseWriteMode();
  if (!mode.ok()) return mode.status();
  options.write_mode = *mode;
  options.expect_linearizable = FLAGS_expect == "linearizable";
  if (!FLAGS_expect.empty() && !options.expect_linearizable) {
    return absl::InvalidArgumentError(
        absl::StrCat("--expect=", FLAGS_expect, ": there is only 'linearizable'"));
  }
  options.emulated = *emulated;
  options.exceed_bounds = FLAGS_exceed_bounds;
  options.steady = FLAGS_scenario == kSteadyScenario;
  if (!FLAGS_scenario.empty() && !options.steady) {
    return absl::InvalidArgumentError(
        absl::StrCat("--scenario=", FLAGS_scenario, ": there is only '", kSteadyScenario, "'"));
  }
  if (!FLAGS_log.empty() && FLAGS_log != "full") {
    return absl::InvalidArgumentError(absl::StrCat("--log=", FLAGS_log, ": there is only 'full'"));
  }
  if (!FLAGS_until.empty() && !absl::ParseDuration(FLAGS_until, &options.until)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--until=", FLAGS_until, ": it is no duration such as 2.5s"));
  }
  return options;
}

// Prints the small schedule, its diagram, and the command that repeats it.
int ShrinkRun(const RunResult& run) {
  ShrinkOptions options;
  options.runs_max = FLAGS_shrink_runs;
  options.property = FLAGS_property;
  options.progress = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  const absl::StatusOr<Shrunk> shrunk = Shrink(run.schedule, options);
  if (!shrunk.ok()) return Wrong(std::string(shrunk.status().message()));
  const ScheduleSetting& setting = shrunk->schedule.setting;
  MessageLog messages;
  RunOptions drawn;
  drawn.messages = &messages;
  const RunResult small = RunSchedule(shrunk->schedule, drawn);
  const std::string file = FLAGS_record.empty()
                               ? absl::StrCat(setting.strategy, "-", setting.seed, ".schedule")
                               : FLAGS_record;
  const absl::Status written = WriteSchedule(PathOf(file), shrunk->schedule);
  if (!written.ok()) return Wrong(std::string(written.message()));
  std::printf("\n%s\n%s\n%s\n", ToText(shrunk->schedule).c_str(), Diagram(small, messages).c_str(),
              DescribeViolations(small).c_str());
  std::printf(
      "%zu faults and %zu operations, after %d runs\nrun it again: bazel run %s -- "
      "--schedule=%s --diagram\n",
      shrunk->schedule.faults.size(), shrunk->schedule.operations.size(), shrunk->runs,
      SimTarget(small), file.c_str());
  return 1;
}

// What comes after a single run. Returns the exit status, or 0 where the run decides it.
int AfterOne(const RunResult& run, const MessageLog& messages) {
  std::printf("%s\ntrace %016llx\n", run.plan.DebugString().c_str(),
              static_cast<unsigned long long>(run.trace_hash));
  if (!run.whole) std::printf("stopped at %s\n", absl::FormatDuration(run.virtual_time).c_str());
  if (FLAGS_diagram) std::fputs(Diagram(run, messages).c_str(), stdout);
  if (FLAGS_shrink) return ShrinkRun(run);
  if (FLAGS_record.empty()) return 0;
  const absl::Status written = WriteSchedule(PathOf(FLAGS_record), run.schedule);
  return written.ok() ? 0 : Wrong(std::string(written.message()));
}

int Status(const Tally& tally) {
  std::fputs(tally.Summary().c_str(), stdout);
  if (tally.failed() == 0) return 0;
  return tally.only_stalls() ? 3 : 1;
}

int RunOne(RunResult run, const MessageLog& messages) {
  if (!Planted().empty()) run.schedule.setting.planted = Planted();
  Tally tally;
  tally.Add(run);
  if (!run.report.violations.empty()) std::fputs(DescribeFailure(run).c_str(), stdout);
  const int status = AfterOne(run, messages);
  return status != 0 ? status : Status(tally);
}

int RunScheduleFile(RunOptions options) {
  if (FLAGS_seed != 0 || !FLAGS_strategy.empty() || !FLAGS_emulate.empty() ||
      !FLAGS_write_mode.empty() || !FLAGS_expect.empty()) {
    return Wrong(
        "--schedule has strategy, seed, delays, write mode and what to expect: give none of these");
  }
  const absl::StatusOr<Schedule> schedule = ReadSchedule(PathOf(FLAGS_schedule));
  if (!schedule.ok()) return Wrong(std::string(schedule.status().message()));
  const std::string& planted = schedule->setting.planted;
  if (!planted.empty() && Planted().empty() && !Plant(planted)) {
    std::printf("the replicas keep the rule '%s': sim_planted has those that break it\n",
                planted.c_str());
  }
  MessageLog messages;
  options.messages = &messages;
  return RunOne(RunSchedule(*schedule, options), messages);
}

int RunSeeds(RunOptions options, const std::vector<std::string>& strategies) {
  const bool one = FLAGS_seed != 0;
  if ((FLAGS_shrink || FLAGS_diagram || !FLAGS_record.empty()) && (!one || strategies.size() > 1)) {
    return Wrong("--shrink, --diagram and --record are for one run: give --seed and --strategy");
  }
  if (options.steady && (FLAGS_shrink || !FLAGS_record.empty())) {
    return Wrong("--shrink and --record are for plans that a seed has drawn, not for --scenario");
  }
  if (one && strategies.size() == 1) {
    MessageLog messages;
    options.messages = FLAGS_diagram ? &messages : nullptr;
    options.strategy = strategies[0];
    options.seed = FLAGS_seed;
    std::printf("seed %s %llu\n", strategies[0].c_str(),
                static_cast<unsigned long long>(FLAGS_seed));
    std::fflush(stdout);
    return RunOne(RunSeed(options), messages);
  }
  const uint64_t first = one ? FLAGS_seed : FLAGS_first_seed;
  const uint64_t count = one ? 1 : FLAGS_seeds;
  Tally tally;
  for (uint64_t seed = first; seed < first + count && tally.failed() < FLAGS_failures; ++seed) {
    for (const std::string& strategy : strategies) {
      // First of all: a run that ends the process must have said which it was.
      std::printf("seed %s %llu\n", strategy.c_str(), static_cast<unsigned long long>(seed));
      std::fflush(stdout);
      options.strategy = strategy;
      options.seed = seed;
      RunResult run = RunSeed(options);
      run.schedule.setting.planted = Planted();
      tally.Add(run);
      if (!run.report.violations.empty()) std::fputs(DescribeFailure(run).c_str(), stdout);
    }
  }
  return Status(tally);
}

int Main() {
  std::vector<std::string> strategies = StrategyNames();
  if (!FLAGS_strategy.empty()) {
    if (std::count(strategies.begin(), strategies.end(), FLAGS_strategy) == 0) {
      return Wrong(absl::StrCat("--strategy=", FLAGS_strategy, ": there are ",
                                absl::StrJoin(strategies, ", ")));
    }
    strategies = {FLAGS_strategy};
  }
  if (!Plant(Planted())) return Wrong(absl::StrCat("there is no rule '", Planted(), "'"));
  const absl::StatusOr<RunOptions> options = Options();
  if (!options.ok()) return Wrong(std::string(options.status().message()));
  return FLAGS_schedule.empty() ? RunSeeds(*options, strategies) : RunScheduleFile(*options);
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
