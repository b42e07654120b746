// loadgen: offers a load to a cluster, reports latency and staleness, and works on what runs have
// left behind.
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gflags/gflags.h"
#include "glog/logging.h"

#include "loadgen/capacity_search.h"
#include "loadgen/check/check_command.h"
#include "loadgen/compare_command.h"
#include "loadgen/distribution.h"
#include "loadgen/find_max_command.h"
#include "loadgen/flags.h"
#include "loadgen/histogram_encoding.h"
#include "loadgen/latency_histogram.h"
#include "loadgen/merge_command.h"
#include "loadgen/options.h"
#include "loadgen/run_command.h"
#include "support/command_line.h"

namespace quorate::loadgen {
namespace {

constexpr char kVersion[] = "0.1.0";

void PrintHelp() {
  std::printf(
      "Offers a load to a Quorate cluster and reports latency and staleness.\n"
      "Usage: loadgen [flags]              run a load (-flag=value or --flag value; '-' and '_' "
      "are "
      "the same)\n"
      "       loadgen find-max -p99 5ms -stale 0.1%% [flags]   the highest rate that keeps goals\n"
      "       loadgen check FILE           judge a history that was recorded with --history\n"
      "       loadgen compare A B          compare two result files\n"
      "       loadgen merge -output OUT A B ...   add up result files\n"
      "`loadgen COMMAND --help` tells more of a command.\n\n%s\n"
      "The schedule does not wait for answers, and response times count from when an operation "
      "was\n"
      "due. Ctrl-C ends a run early and still reports. Exit status: 0; 1 where nothing could be\n"
      "measured or written; 2 for wrong usage; 3 where the figures are void; 130 after Ctrl-C.\n",
      DescribeFlags().c_str());
}

void PrintFindMaxHelp() {
  std::printf(
      "Finds the highest rate at which a cluster meets goals.\n"
      "Usage: loadgen find-max GOALS [flags]\n\n"
      "  --p99 TIME       the 99th percentile of response times, at most (5ms, 800us, 1.5s)\n"
      "  --stale SHARE    stale reads, of all reads, at most (0.1%% or 0.001)\n"
      "  --errors SHARE   operations that failed, of all, at most\n\n"
      "At least one goal. The flags are those of a run: --qps is the first rate, --duration the\n"
      "seconds of one look. With --p99 no rate is tried at which a look would have too few\n"
      "operations to tell a p99 (about a thousand); a longer --duration allows lower ones. Flags\n"
      "that mean nothing here are refused: --closed_loop, --output,\n"
      "--raw_samples, --history, --history_operations, --json_lines and --followed_writes.\n"
      "The rate grows by half until the goals are missed twice running; then\n"
      "the span is halved until it is 5 %% wide, and the best rate is confirmed by a run three "
      "times "
      "as\n"
      "long. Exit status: 0; 1 where no rate keeps the goals; 2 for wrong usage; 130 after "
      "Ctrl-C.\n");
}

// Empty for counts that are no histogram's.
std::string EncodeCounts(const ValueCounts& counts) {
  const absl::StatusOr<LatencyHistogram> histogram = FromSparse(counts);
  return histogram.ok() ? EncodeHistogram(*histogram) : "";
}

int Misuse(const std::string& message) {
  std::fprintf(stderr, "loadgen: %s\n", message.c_str());
  return kUsageExitCode;
}

// Reads the flags among `arguments`, of which the first is the program's name. Returns an exit
// status where there is nothing to run.
std::optional<int> ReadFlags(std::vector<std::string> arguments, void (*print_help)(),
                             Options* options) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const ParsedCommandLine parsed =
      ParseFlags(static_cast<int>(arguments.size()), pointers.data(), kVersion);
  if (parsed.asked == CommandLine::kHelp) {
    print_help();
    return 0;
  }
  if (parsed.asked == CommandLine::kVersion) {
    std::printf("quorate loadgen %s\n", google::VersionString());
    return 0;
  }
  if (!parsed.words.empty()) {
    return Misuse("'" + parsed.words[0] + "' is neither a flag nor a command; see --help");
  }
  absl::StatusOr<Options> read = OptionsFromFlags();
  if (!read.ok()) return Misuse(std::string(read.status().message()));
  *options = *std::move(read);
  return std::nullopt;
}

int FindMax(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<std::string> rest;
  const absl::StatusOr<CapacityGoals> goals = ParseCapacityGoals(arguments, &rest);
  std::vector<std::string> flags = {program};
  flags.insert(flags.end(), goals.ok() ? rest.begin() : arguments.begin(),
               goals.ok() ? rest.end() : arguments.end());
  for (const std::string& flag : flags) {
    if (flag != "--help" && flag != "-help" && flag != "-h") continue;
    PrintFindMaxHelp();
    return 0;
  }
  if (!goals.ok()) return Misuse(std::string(goals.status().message()));
  Options options;
  if (const auto status = ReadFlags(flags, PrintFindMaxHelp, &options)) return *status;
  const absl::Status meaningful = CheckFlagsOfFindMax();
  if (!meaningful.ok()) return Misuse(std::string(meaningful.message()));
  const absl::Status judged = CheckGoalsCanBeJudged(*goals, options.write_ratio);
  if (!judged.ok()) return Misuse(std::string(judged.message()));
  options.output.clear();
  return FindMaxCommand(options, *goals);
}

int Main(const std::vector<std::string>& command) {
  const std::string word = command.size() > 1 ? command[1] : "";
  const std::vector<std::string> arguments(command.begin() + (command.size() > 1 ? 2 : 1),
                                           command.end());
  if (word == "check") return check::CheckCommand(arguments);
  if (word == "compare") return CompareCommand(arguments);
  if (word == "merge") return MergeCommand(arguments, EncodeCounts);
  if (word == "find-max") return FindMax(command[0], arguments);
  Options options;
  if (const auto status = ReadFlags(command, PrintHelp, &options)) return *status;
  return RunCommand(options, command);
}

}  // namespace
}  // namespace quorate::loadgen

int main(int argc, char** argv) {
  FLAGS_logtostderr = true;
  // Whoever reads the output may go away; result files are written all the same.
  std::signal(SIGPIPE, SIG_IGN);
  google::InitGoogleLogging(argv[0]);
  return quorate::loadgen::Main(std::vector<std::string>(argv, argv + argc));
}
