#include "loadgen/compare_command.h"

#include <cstdio>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "loadgen/compare.h"
#include "loadgen/result_reader.h"

namespace quorate::loadgen {
namespace {

constexpr int kUnreadable = 1;
constexpr int kUsage = 2;

constexpr char kHelp[] =
    "Compares two result files: throughput, response times, failures and stale reads.\n"
    "Usage: loadgen compare [--json] A B\n\n"
    "  --json    prints JSON instead of a table\n\n"
    "A difference is marked with * where it is more than chance, at 95 %: throughput by Welch's\n"
    "test on the seconds of the runs, percentiles and shares by their confidence intervals, which\n"
    "allow for bursts as far as the runs have seen any. Not tested is what lies in a single\n"
    "burst, percentiles and shares of a file that does not tell how the run went over time (an\n"
    "older one, or another program's), and percentiles of a void run.\n"
    "Exit status: 0, 1 where a file cannot be read, 2 for wrong usage.\n";

int Fail(int status, const std::string& message) {
  std::fprintf(stderr, "loadgen compare: %s\n", message.c_str());
  return status;
}

absl::StatusOr<RunSummary> ReadSummary(const std::string& path) {
  const absl::StatusOr<ResultDocument> document = ReadResultFile(path);
  if (!document.ok()) return document.status();
  return Summarize(*document);
}

}  // namespace

int CompareCommand(const std::vector<std::string>& arguments) {
  bool json = false;
  std::vector<std::string> paths;
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-help" || argument == "-h") {
      std::fputs(kHelp, stdout);
      return 0;
    }
    if (argument == "--json" || argument == "-json") {
      json = true;
    } else if (absl::StartsWith(argument, "-")) {
      return Fail(kUsage, absl::StrCat("'", argument, "' is no flag; --help lists the flags"));
    } else {
      paths.push_back(argument);
    }
  }
  if (paths.size() != 2) {
    return Fail(kUsage, absl::StrCat("two result files are needed, not ", paths.size()));
  }
  const absl::StatusOr<RunSummary> a = ReadSummary(paths[0]);
  if (!a.ok()) return Fail(kUnreadable, std::string(a.status().message()));
  const absl::StatusOr<RunSummary> b = ReadSummary(paths[1]);
  if (!b.ok()) return Fail(kUnreadable, std::string(b.status().message()));
  const Comparison comparison = Compare(*a, *b);
  const std::string text =
      json ? ComparisonToJson(comparison)
                     .dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) +
                 "\n"
           : FormatComparison(comparison);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    return Fail(kUnreadable, "the standard output cannot be written");
  }
  return 0;
}

}  // namespace quorate::loadgen
