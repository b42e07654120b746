// CheckCommand: `loadgen check FILE`, which judges a recorded history.
//
//   return CheckCommand({"run.history", "--model", "all"});
#ifndef QUORATE_LOADGEN_CHECK_CHECK_COMMAND_H_
#define QUORATE_LOADGEN_CHECK_CHECK_COMMAND_H_

#include <string>
#include <vector>

namespace quorate::check {

// Exit codes.
inline constexpr int kCheckHolds = 0;
inline constexpr int kCheckViolated = 1;
inline constexpr int kCheckUsage = 2;
inline constexpr int kCheckUnreadable = 3;  // the history, or the export that was asked for
inline constexpr int kCheckUnknown = 4;     // no conflict, but part of it could not be judged

// `arguments` are those after the word "check"; --help lists them. Reads and perhaps writes files,
// prints to standard output and standard error, and returns the exit code. Blocks until all is
// done.
int CheckCommand(const std::vector<std::string>& arguments);

// The same, but appends what would be printed.
int CheckCommand(const std::vector<std::string>& arguments, std::string* output,
                 std::string* errors);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_CHECK_COMMAND_H_
