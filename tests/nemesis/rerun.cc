#include "tests/nemesis/rerun.h"

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace quorate::nemesis {
namespace {

// Without a meaning to any shell, wherever they stand behind a first `-` or letter.
constexpr char kPlain[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=/.,:+@%";

}  // namespace

std::string ForShell(absl::string_view argument) {
  const bool plain = !argument.empty() && argument.find_first_not_of(kPlain) == argument.npos;
  if (plain) return std::string(argument);
  return absl::StrCat("'", absl::StrReplaceAll(argument, {{"'", "'\\''"}}), "'");
}

std::string RerunCommand(const std::vector<std::string>& arguments) {
  std::string command = "bazel run //tests/nemesis --";
  for (size_t i = 0; i < arguments.size(); ++i) {
    absl::string_view flag = arguments[i];
    // One or two of them, as gflags has it.
    if (absl::ConsumePrefix(&flag, "-")) absl::ConsumePrefix(&flag, "-");
    const bool is_flag = flag.size() < arguments[i].size();
    if (is_flag && absl::StartsWith(flag, "output=")) continue;
    if (is_flag && flag == "output") {
      ++i;  // its value
      continue;
    }
    absl::StrAppend(&command, " ", ForShell(arguments[i]));
  }
  return command;
}

}  // namespace quorate::nemesis
