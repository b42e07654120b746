#include "tools/kvctl_command.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gflags/gflags.h"

namespace quorate::kvctl {
namespace {

// Flags of kvctl, for all commands.
constexpr const char* kAllFlags[] = {"target", "timeout",  "json",     "w",
                                     "r",      "context",  "file",     "raw",
                                     "watch",  "siblings", "interval", "linearizable"};

bool Takes(const Command& command, absl::string_view flag) {
  return std::any_of(command.flags.begin(), command.flags.end(),
                     [flag](const char* own) { return flag == own; });
}

constexpr char kExitCodes[] =
    "Exit status: 0 done; 1 no value under that key; 2 wrong usage, or a request that no\n"
    "retry helps; 3 nothing was written, a retry is safe; 4 the write may have been\n"
    "applied, or may still be; 5 no answer to a read or to status.\n";

}  // namespace

const std::vector<Command>& Commands() {
  static const auto* const commands = new std::vector<Command>{
      {"get",
       "KEY",
       1,
       1,
       "prints the value of a key",
       {"target", "timeout", "json", "r", "linearizable", "siblings", "raw"}},
      {"set",
       "KEY VALUE | KEY --file PATH",
       1,
       2,
       "writes a value",
       {"target", "timeout", "json", "w", "context", "file"}},
      {"delete", "KEY", 1, 1, "deletes a key", {"target", "timeout", "json", "w", "context"}},
      {"local-read",
       "KEY",
       1,
       1,
       "prints what one node alone holds, perhaps stale",
       {"target", "timeout", "json", "siblings", "raw"}},
      {"status",
       "",
       0,
       0,
       "shows the cluster and its nodes",
       {"target", "timeout", "json", "watch", "interval"}},
  };
  return *commands;
}

const Command* FindCommand(absl::string_view name) {
  for (const Command& command : Commands()) {
    if (name == command.name) return &command;
  }
  return nullptr;
}

absl::Status CheckCommandLine(const Command& command, const std::vector<std::string>& words) {
  for (const char* flag : kAllFlags) {
    if (google::GetCommandLineFlagInfoOrDie(flag).is_default || Takes(command, flag)) continue;
    return absl::InvalidArgumentError(absl::StrCat("--", flag, " is not for '", command.name,
                                                   "'; see kvctl ", command.name, " --help"));
  }
  if (words.size() < command.min_words) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", command.name, "' needs more: kvctl ", command.name, " ", command.words));
  }
  if (words.size() > command.max_words) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", words[command.max_words], "' is one word too many: kvctl ", command.name, " ",
        command.words, " (quote what has spaces; write -- before words that begin with -)"));
  }
  return absl::OkStatus();
}

std::string HelpText() {
  std::string text =
      "Reads and writes a Quorate cluster.\n"
      "Usage: kvctl COMMAND [WORDS] [FLAGS]\n\n";
  for (const Command& command : Commands()) {
    absl::StrAppendFormat(&text, "  %-11s %s\n", command.name, command.summary);
  }
  absl::StrAppend(&text, "\nkvctl COMMAND --help lists the flags of a command.\n", kExitCodes);
  return text;
}

std::string HelpText(const Command& command) {
  std::string text =
      absl::StrCat("kvctl ", command.name, ": ", command.summary, ".\nUsage: kvctl ", command.name,
                   *command.words == '\0' ? "" : " ", command.words, " [FLAGS]\n\n");
  for (const char* flag : command.flags) {
    const google::CommandLineFlagInfo info = google::GetCommandLineFlagInfoOrDie(flag);
    absl::StrAppendFormat(&text, "  --%-9s %s\n", flag, info.description);
  }
  absl::StrAppend(&text, "\n", kExitCodes);
  return text;
}

}  // namespace quorate::kvctl
