#include "support/command_line.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "absl/strings/string_view.h"
#include "gflags/gflags.h"

namespace google {
// What gflags calls where a flag cannot be parsed. gflags has this variable for its own tests and
// does not declare it in a header.
extern void (*gflags_exitfunc)(int);
}  // namespace google

namespace quorate {
namespace {

[[noreturn]] void ExitForUsage(int) { std::exit(kUsageExitCode); }

// Whoever asks for help in one of gflags' ways means no command to be run.
constexpr const char* kHelpFlags[] = {"help",   "helpshort", "helpfull", "helppackage",
                                      "helpon", "helpmatch", "helpxml"};

bool IsSet(const char* flag) {
  const google::CommandLineFlagInfo info = google::GetCommandLineFlagInfoOrDie(flag);
  return info.current_value != info.default_value;
}

}  // namespace

ParsedCommandLine ParseFlags(int argc, char** argv, const std::string& version) {
  google::gflags_exitfunc = &ExitForUsage;
  google::SetVersionString(version);
  // gflags would put the words behind -- before those that stand before it.
  char** const end = argv + argc;
  char** const dashes = std::find(argv, end, absl::string_view("--"));
  argc = static_cast<int>(dashes - argv);
  google::ParseCommandLineNonHelpFlags(&argc, &argv, /*remove_flags=*/true);
  ParsedCommandLine parsed;
  if (std::any_of(std::begin(kHelpFlags), std::end(kHelpFlags), &IsSet)) {
    parsed.asked = CommandLine::kHelp;
  } else if (IsSet("version")) {
    parsed.asked = CommandLine::kVersion;
  }
  parsed.words.assign(argv + 1, argv + argc);
  if (dashes != end) parsed.words.insert(parsed.words.end(), dashes + 1, end);
  return parsed;
}

}  // namespace quorate
