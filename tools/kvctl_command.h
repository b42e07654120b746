// The commands of kvctl: which words and flags each takes, and what its help says.
#ifndef QUORATE_TOOLS_KVCTL_COMMAND_H_
#define QUORATE_TOOLS_KVCTL_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace quorate::kvctl {

struct Command {
  const char* name;
  const char* words;  // as the help shows them
  size_t min_words;   // without the command's name
  size_t max_words;
  const char* summary;
  std::vector<const char*> flags;
};

// In the order of the help text.
const std::vector<Command>& Commands();

// Null where there is none.
const Command* FindCommand(absl::string_view name);

// INVALID_ARGUMENT, with a message for the user, where the words or the flags that gflags has read
// are not this command's.
absl::Status CheckCommandLine(const Command& command, const std::vector<std::string>& words);

// The text for `kvctl --help`, and for `kvctl COMMAND --help`.
std::string HelpText();
std::string HelpText(const Command& command);

}  // namespace quorate::kvctl

#endif  // QUORATE_TOOLS_KVCTL_COMMAND_H_
