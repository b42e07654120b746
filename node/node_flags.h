// The command line and the environment of the node's program.
#ifndef QUORATE_NODE_NODE_FLAGS_H_
#define QUORATE_NODE_NODE_FLAGS_H_

#include <string>

#include "absl/status/statusor.h"

#include "node/node_config.h"
#include "support/command_line.h"

namespace quorate {

inline constexpr char kVersionText[] = "quorate 0.1.0";

// Reads the flags into gflags. An unknown flag, or a value that its type cannot hold, ends the
// process with exit code 2 and a message that names the flag. INVALID_ARGUMENT for words that are
// no flags. Call once, before any thread is started.
absl::StatusOr<CommandLine> ParseCommandLine(int argc, char** argv);

// The settings that were given, by flag or else by environment variable. An empty variable counts
// as not given. Not thread-safe.
Settings ReadSettings();

// One line a flag, with its environment variable.
std::string HelpText();

}  // namespace quorate

#endif  // QUORATE_NODE_NODE_FLAGS_H_
