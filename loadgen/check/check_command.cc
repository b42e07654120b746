#include "loadgen/check/check_command.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "loadgen/check/check_report.h"
#include "loadgen/check/check_result.h"
#include "loadgen/check/export.h"
#include "loadgen/check/history.h"
#include "loadgen/check/history_file.h"
#include "loadgen/check/judge.h"

namespace quorate::check {
namespace {

constexpr char kHelp[] =
    R"(Judges a recorded history: were the promises kept, and if not, which operations show it?
Usage: loadgen check FILE [flags]    (-flag=value or --flag value)

  --model M        linearizable (default), regular, sessions, or all
  --export FILE    also writes the history for other checkers: .edn (Jepsen, Knossos), .jsonl (Porcupine)
  --examples N     shows N conflicts of each kind, 0 to 5 (default: 1)
  --json           prints JSON in place of text

linearizable  versions: no operation shows less than one that ended before it began; and, trusting
              no version, zones: no two values were each there before the other
regular       versions: no read shows less than a write acknowledged before it began; and writes
              are in order, which is shown, but not judged, where nodes rank them by their clocks
sessions      read your writes, monotonic reads and writes, writes follow reads, key by key

Exit status: 0 holds, 1 violated, 2 wrong usage, 3 a file cannot be read or written, 4 unknown.
)";

struct CheckOptions {
  bool help = false;
  bool json = false;
  std::string path;
  Scope scope = Scope::kLinearizable;
  std::string export_path;
  ExportFormat export_format = ExportFormat::kEdn;
  size_t examples = 1;
};

std::optional<Scope> ParseScope(absl::string_view text) {
  if (text == "linearizable") return Scope::kLinearizable;
  if (text == "regular") return Scope::kRegular;
  if (text == "sessions") return Scope::kSessions;
  if (text == "all") return Scope::kAll;
  return std::nullopt;
}

absl::Status Wrong(absl::string_view why) { return absl::InvalidArgumentError(why); }

absl::Status SetOption(const std::string& name, const std::string& value, CheckOptions* options) {
  if (name == "model") {
    const std::optional<Scope> scope = ParseScope(value);
    if (!scope.has_value()) {
      return Wrong(
          absl::StrCat("model '", value, "' is none of linearizable, regular, sessions, all"));
    }
    options->scope = *scope;
  } else if (name == "export") {
    const std::optional<ExportFormat> format = ExportFormatOf(value);
    if (!format.has_value()) {
      return Wrong(absl::StrCat("export '", value, "' ends neither in .edn nor in .jsonl"));
    }
    options->export_path = value;
    options->export_format = *format;
  } else {
    int examples = 0;
    if (!absl::SimpleAtoi(value, &examples) || examples < 0 ||
        examples > static_cast<int>(CheckResult::kExamplesMax)) {
      return Wrong(absl::StrCat("examples '", value, "' is no number from 0 to ",
                                CheckResult::kExamplesMax));
    }
    options->examples = static_cast<size_t>(examples);
  }
  return absl::OkStatus();
}

// A flag without its dashes, and the value where it is given with '='.
struct Flag {
  std::string name;
  std::optional<std::string> value;
};

Flag SplitFlag(absl::string_view argument) {
  argument.remove_prefix(absl::StartsWith(argument, "--") ? 2 : 1);
  const size_t equals = argument.find('=');
  Flag flag;
  flag.name = std::string(argument.substr(0, equals));
  if (equals != absl::string_view::npos) flag.value = std::string(argument.substr(equals + 1));
  return flag;
}

absl::StatusOr<CheckOptions> ParseArguments(const std::vector<std::string>& arguments) {
  CheckOptions options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument.size() < 2 || argument[0] != '-') {
      if (!options.path.empty()) {
        return Wrong(absl::StrCat("one file at a time, not also '", argument, "'"));
      }
      options.path = argument;
      continue;
    }
    Flag flag = SplitFlag(argument);
    if (flag.name == "help" || flag.name == "h" || flag.name == "json") {
      if (flag.value.has_value()) return Wrong(absl::StrCat(argument, ": no value is expected"));
      (flag.name == "json" ? options.json : options.help) = true;
      continue;
    }
    if (flag.name != "model" && flag.name != "export" && flag.name != "examples") {
      return Wrong(absl::StrCat("'", argument, "' is no flag"));
    }
    if (!flag.value.has_value()) {
      if (i + 1 == arguments.size()) return Wrong(absl::StrCat(argument, " needs a value"));
      flag.value = arguments[++i];
    }
    const absl::Status status = SetOption(flag.name, *flag.value, &options);
    if (!status.ok()) return status;
  }
  if (options.path.empty() && !options.help) return Wrong("which file?");
  return options;
}

int ExitCodeOf(Verdict verdict) {
  if (verdict == Verdict::kViolated) return kCheckViolated;
  return verdict == Verdict::kHolds ? kCheckHolds : kCheckUnknown;
}

}  // namespace

int CheckCommand(const std::vector<std::string>& arguments, std::string* output,
                 std::string* errors) {
  const auto fail = [errors](const absl::Status& status, absl::string_view more) {
    absl::StrAppend(errors, "loadgen check: ", status.message(), more, "\n");
  };
  const absl::StatusOr<CheckOptions> options = ParseArguments(arguments);
  if (!options.ok()) {
    fail(options.status(), " (--help shows the usage)");
    return kCheckUsage;
  }
  if (options->help) {
    output->append(kHelp);
    return kCheckHolds;
  }
  const absl::StatusOr<History> history = ReadHistoryFile(options->path);
  if (!history.ok()) {
    fail(history.status(), "");
    return kCheckUnreadable;
  }
  const Judgement judgement = Judge(*history, options->scope);
  const auto format = options->json ? JudgementAsJson : FormatJudgement;
  output->append(format(options->path, *history, judgement, options->examples));
  if (!options->export_path.empty()) {
    const absl::Status exported =
        ExportHistory(*history, options->export_format, options->export_path);
    if (!exported.ok()) {
      fail(exported, "");
      return kCheckUnreadable;
    }
  }
  return ExitCodeOf(judgement.verdict);
}

int CheckCommand(const std::vector<std::string>& arguments) {
  std::string output;
  std::string errors;
  const int code = CheckCommand(arguments, &output, &errors);
  std::fputs(output.c_str(), stdout);
  std::fputs(errors.c_str(), stderr);
  // A report that nobody got is no success.
  if (std::fflush(stdout) != 0 && code == kCheckHolds) return kCheckUnreadable;
  return code;
}

}  // namespace quorate::check
