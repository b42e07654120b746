// The command line that runs a nemesis's run again, for people to paste into a shell.
#ifndef QUORATE_TESTS_NEMESIS_RERUN_H_
#define QUORATE_TESTS_NEMESIS_RERUN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace quorate::nemesis {

// `argument` as a shell must be given it: in quotes where it says something to the shell.
std::string ForShell(absl::string_view argument);

// `arguments` are those of the first run, without the program. The folder that it has kept is left
// out: it is there by now, and a run takes no folder that is.
std::string RerunCommand(const std::vector<std::string>& arguments);

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_RERUN_H_
