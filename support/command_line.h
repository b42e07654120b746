// What the command lines of the project's programs have in common, over gflags.
#ifndef QUORATE_SUPPORT_COMMAND_LINE_H_
#define QUORATE_SUPPORT_COMMAND_LINE_H_

#include <string>
#include <vector>

namespace quorate {

// The exit status of a program that was called wrongly.
inline constexpr int kUsageExitCode = 2;

// What a command line asks for.
enum class CommandLine { kRun, kHelp, kVersion };

struct ParsedCommandLine {
  CommandLine asked = CommandLine::kRun;
  // What is no flag, without the program's name; all that stands behind a -- is none.
  std::vector<std::string> words;
};

// Reads the flags into gflags. An unknown flag, or a value that its type cannot hold, ends the
// process with kUsageExitCode and a message that names the flag. Neither help nor version is
// printed: gflags would print the flags of every library. Call once, before any thread is started.
ParsedCommandLine ParseFlags(int argc, char** argv, const std::string& version);

}  // namespace quorate

#endif  // QUORATE_SUPPORT_COMMAND_LINE_H_
