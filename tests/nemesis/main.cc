// Runs a schedule of faults and operations against real node processes, judges what clients saw,
// and, where asked, runs the same schedule in the simulator.
//
//   bazel run //tests/nemesis -- --strategy=leaderless --seed=1 --length=5m --output=/tmp/nemesis
//   bazel run //tests/nemesis -- --schedule=FILE
//   bazel run //tests/nemesis -- --strategy=leader_follower --seed=1 --simulate
//
// Exit status: 0 nothing was violated; 1 something was; 2 the command line is wrong, or nodes or
// files cannot be used; 3 too little happened to say anything.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "glog/logging.h"

#include "loadgen/check/history_file.h"
#include "replication/cluster_config.h"
#include "replication/registry.h"
#include "support/command_line.h"
#include "support/library_locks.h"
#include "tests/nemesis/draw_schedule.h"
#include "tests/nemesis/nemesis.h"
#include "tests/nemesis/real_cluster.h"
#include "tests/nemesis/rerun.h"
#include "tests/nemesis/series.h"
#include "tests/sim/runner.h"
#include "tests/sim/schedule.h"

DEFINE_string(schedule, "", "run this file's schedule, in place of one that is drawn");
DEFINE_string(strategy, "", "the strategy to draw a schedule for");
DEFINE_uint64(seed, 1, "draws the schedule");
DEFINE_string(length, "30s", "how long faults and clients go on, such as 5m");
DEFINE_string(durability, "synced", "memory, os or synced");
DEFINE_string(write_mode, "plain", "plain or linearizable");
DEFINE_int32(n, 5, "nodes");
DEFINE_int32(w, 3, "acknowledgements that a write waits for");
DEFINE_int32(r, 3, "answers that a read waits for");
DEFINE_string(kinds, "",
              "faults, as schedules name them, such as crash,new-disk,one-way; empty: all");
DEFINE_string(gap, "1.5s", "mean time from one fault to the next");
DEFINE_int32(clients, 12, "clients, each with one operation in flight");
DEFINE_int32(keys, 100, "keys");
DEFINE_string(node, "tests/nemesis/nemesis_node", "the node program");
DEFINE_string(output, "",
              "keep in this new folder: the schedule, the history, the series, what nodes printed");
DEFINE_bool(simulate, false, "run the same schedule in the simulator afterwards");
DEFINE_bool(only_simulate, false, "run the schedule in the simulator alone");

namespace quorate::nemesis {
namespace {

namespace fs = std::filesystem;

constexpr int kPassed = 0;
constexpr int kViolated = 1;
constexpr int kVoid = 3;

std::atomic<bool> interrupted{false};

int Wrong(absl::string_view what) {
  std::fprintf(stderr, "nemesis: %s\n", std::string(what).c_str());
  return kUsageExitCode;
}

void Say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// Relative to where bazel run was called.
std::string PathOf(const std::string& path) {
  const char* const called_in = std::getenv("BUILD_WORKING_DIRECTORY");
  return called_in == nullptr || path[0] == '/' ? path : absl::StrCat(called_in, "/", path);
}

absl::Status BadFlag(const char* flag, const std::string& value, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, "=", value, ": ", why));
}

absl::Status ReadKinds(std::vector<sim::FaultKind>* kinds) {
  const std::vector<sim::FaultKind> known = KindsFor(Durability::kSynced);
  for (const absl::string_view word : absl::StrSplit(FLAGS_kinds, ',', absl::SkipEmpty())) {
    const std::optional<sim::FaultKind> kind = sim::FaultKindOf(word);
    if (!kind.has_value() || std::count(known.begin(), known.end(), *kind) == 0) {
      return BadFlag("kinds", std::string(word), "there is no such fault");
    }
    kinds->push_back(*kind);
  }
  return absl::OkStatus();
}

absl::StatusOr<DrawOptions> ReadDrawOptions() {
  DrawOptions options;
  options.strategy = FLAGS_strategy;
  options.seed = FLAGS_seed;
  options.n = FLAGS_n;
  options.w = FLAGS_w;
  options.r = FLAGS_r;
  options.clients = FLAGS_clients;
  options.keys = FLAGS_keys;
  const std::vector<std::string> strategies = StrategyNames();
  if (std::count(strategies.begin(), strategies.end(), FLAGS_strategy) == 0) {
    return BadFlag("strategy", FLAGS_strategy, "there are " + absl::StrJoin(strategies, ", "));
  }
  if (!absl::ParseDuration(FLAGS_length, &options.length) || options.length < absl::Seconds(2)) {
    return BadFlag("length", FLAGS_length, "it is a duration of 2s or more, such as 5m");
  }
  if (!absl::ParseDuration(FLAGS_gap, &options.gap_mean)) {
    return BadFlag("gap", FLAGS_gap, "it is no duration such as 1.5s");
  }
  bool known = false;
  for (const Durability one : {Durability::kMemory, Durability::kOs, Durability::kSynced}) {
    if (FLAGS_durability != DurabilityName(one)) continue;
    options.durability = one;
    known = true;
  }
  if (!known) return BadFlag("durability", FLAGS_durability, "there are memory, os and synced");
  if (FLAGS_write_mode == WriteModeName(WriteMode::kLinearizable)) {
    options.write_mode = WriteMode::kLinearizable;
  } else if (FLAGS_write_mode != WriteModeName(WriteMode::kPlain)) {
    return BadFlag("write_mode", FLAGS_write_mode, "there are plain and linearizable");
  }
  const absl::Status quorums = ValidateQuorums({options.n, options.w, options.r});
  if (!quorums.ok()) return quorums;
  if (options.n < 2 || options.clients < 1 || options.keys < 1) {
    return absl::InvalidArgumentError("--n is at least 2, --clients and --keys at least 1");
  }
  const absl::Status kinds = ReadKinds(&options.kinds);
  if (!kinds.ok()) return kinds;
  return options;
}

absl::StatusOr<sim::Schedule> ReadOrDraw() {
  if (!FLAGS_schedule.empty()) return sim::ReadSchedule(PathOf(FLAGS_schedule));
  const absl::StatusOr<DrawOptions> options = ReadDrawOptions();
  if (!options.ok()) return options.status();
  // As it is read from the file.
  return sim::ParseSchedule(sim::ToText(DrawSchedule(*options)));
}

// A folder for the run, removed at the end unless it shall be kept.
class Folder {
 public:
  absl::Status Make() {
    std::error_code error;
    if (FLAGS_output.empty()) {
      const char* const tests = std::getenv("TEST_TMPDIR");
      std::string path = absl::StrCat(tests == nullptr ? fs::temp_directory_path().string() : tests,
                                      "/nemesis-XXXXXX");
      if (mkdtemp(path.data()) == nullptr) return absl::UnavailableError("no temporary folder");
      path_ = path;
    } else {
      path_ = PathOf(FLAGS_output);
      if (!fs::create_directories(path_, error)) {
        return absl::UnavailableError(
            absl::StrCat("--output=", path_, " cannot be made, or is there already"));
      }
    }
    return absl::OkStatus();
  }
  ~Folder() {
    std::error_code ignored;
    if (FLAGS_output.empty() && !path_.empty() && !keep_) fs::remove_all(path_, ignored);
  }
  void Keep() { keep_ = true; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool keep_ = false;
};

int RunReal(const sim::Schedule& schedule, Folder* folder, std::vector<WorldSeries>* worlds,
            absl::Duration* judged_until) {
  NemesisOptions options;
  options.node_program = FLAGS_node;
  options.folder = folder->path();
  options.interrupted = [] { return interrupted.load(); };
  options.progress = Say;
  const absl::Status mounts = SeparateMounts();
  options.full_disks = mounts.ok();
  if (!mounts.ok()) Say(absl::StrCat("SKIPPED: full disks: ", mounts.message()));
  const absl::StatusOr<NemesisResult> run = RunNemesis(schedule, options);
  if (!run.ok()) return Wrong(run.status().message());
  Say(Describe(*run));
  *judged_until = run->verdict.promise_ended;
  worlds->push_back(SeriesOf(*run));
  const absl::Status written =
      check::WriteHistoryFile(run->load.history, folder->path() + "/history");
  if (!written.ok()) return Wrong(written.message());
  if (!run->verdict.violations.empty()) return kViolated;
  return run->void_reason.empty() ? kPassed : kVoid;
}

int RunSimulated(const sim::Schedule& schedule, std::vector<WorldSeries>* worlds) {
  Say("the same in the simulator");
  const sim::RunResult run = sim::RunSchedule(schedule);
  worlds->push_back(SeriesOf(run));
  Say(absl::StrCat("simulated: ", run.completed, " operations completed; checked: ",
                   run.report.reads_checked, " reads, ", run.report.writes_checked,
                   " acknowledged writes, ", run.report.linearizable_checked,
                   " reads and writes for linearizability\n", sim::DescribeViolations(run)));
  return run.report.violations.empty() ? kPassed : kViolated;
}

// `arguments` as they were given.
int Main(const std::vector<std::string>& arguments) {
  const absl::StatusOr<sim::Schedule> schedule = ReadOrDraw();
  if (!schedule.ok()) return Wrong(schedule.status().message());
  Say(absl::StrCat("run it again: ", RerunCommand(arguments), "\n", schedule->setting.strategy,
                   " N=", schedule->setting.n, " W=", schedule->setting.w,
                   " R=", schedule->setting.r, " seed ", schedule->setting.seed, ": ",
                   schedule->faults.size(), " faults, ", schedule->operations.size(),
                   " operations in ", absl::FormatDuration(schedule->heal_at)));
  Folder folder;
  const absl::Status made = folder.Make();
  if (!made.ok()) return Wrong(made.message());
  std::vector<WorldSeries> worlds;
  absl::Duration judged_until = absl::InfiniteDuration();
  int status = kPassed;
  if (!FLAGS_only_simulate) {
    status = RunReal(*schedule, &folder, &worlds, &judged_until);
    if (status == kViolated) {
      folder.Keep();
      Say(absl::StrCat("kept: ", folder.path()));
    }
    if (status == kUsageExitCode) return status;
  }
  if (FLAGS_simulate || FLAGS_only_simulate) {
    const int simulated = RunSimulated(*schedule, &worlds);
    if (simulated != kPassed) status = simulated;
  }
  std::ofstream series(folder.path() + "/series.json");
  series << SeriesAsJson(*schedule, DurabilityOf(schedule->setting), worlds);
  series.close();
  if (!series.good()) return Wrong(folder.path() + "/series.json cannot be written");
  const std::string passed = judged_until == absl::InfiniteDuration()
                                 ? "PASSED"
                                 : absl::StrCat("PASSED, but the main promises ended after ",
                                                absl::FormatDuration(judged_until), " of the run");
  Say(status == kPassed ? passed : status == kVoid ? "VOID" : "VIOLATED");
  return status;
}

std::string HelpText() {
  std::string text =
      "Runs a schedule of faults and operations against real node processes, and judges what\n"
      "clients saw. doc/testing.md says what the faults do.\n\n"
      "Usage: nemesis --strategy=NAME [flags]    draws a schedule from the seed\n"
      "       nemesis --schedule=FILE [flags]    runs a written one\n\n";
  std::vector<google::CommandLineFlagInfo> flags;
  google::GetAllFlags(&flags);
  for (const google::CommandLineFlagInfo& flag : flags) {
    // The libraries' own flags mean nothing here.
    if (flag.filename != __FILE__) continue;
    absl::StrAppend(&text, "  --", flag.name, "  ", flag.description,
                    flag.default_value.empty() ? "" : "; default: ", flag.default_value, "\n");
  }
  absl::StrAppend(
      &text,
      "\nExit status: 0 nothing was violated; 1 something was; 2 the command line is wrong, "
      "or\nnodes or files cannot be used; 3 too little happened to say anything.\n");
  return text;
}

}  // namespace
}  // namespace quorate::nemesis

int main(int argc, char** argv) {
  quorate::SpareLibraryLocks();
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  for (const int number : {SIGINT, SIGTERM}) {
    std::signal(number, [](int) { quorate::nemesis::interrupted = true; });
  }
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const quorate::ParsedCommandLine command =
      quorate::ParseFlags(argc, argv, "nemesis, of the tests of Quorate");
  if (command.asked != quorate::CommandLine::kRun) {
    std::fputs(quorate::nemesis::HelpText().c_str(), stdout);
    return 0;
  }
  if (!command.words.empty()) {
    return quorate::nemesis::Wrong(absl::StrCat("'", command.words[0], "' is no flag; try --help"));
  }
  return quorate::nemesis::Main(arguments);
}
