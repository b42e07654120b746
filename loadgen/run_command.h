// The command `loadgen [flags]`: offers a load, shows it, and leaves a report and files behind.
#ifndef QUORATE_LOADGEN_RUN_COMMAND_H_
#define QUORATE_LOADGEN_RUN_COMMAND_H_

#include <string>
#include <vector>

#include "loadgen/options.h"

namespace quorate::loadgen {

inline constexpr int kNothingMeasured = 1;  // or what was measured could not be written
inline constexpr int kVoidRun = 3;
inline constexpr int kInterrupted = 130;

// Blocks until the run is over. `command` is the whole command line, for the result file. Prints
// the report to the standard output, and what is wrong to the standard error. Returns the exit
// status: 0, kNothingMeasured, kVoidRun where the verdict is "void", or kInterrupted after SIGINT
// or SIGTERM; what was measured until then is reported and written all the same.
int RunCommand(const Options& options, const std::vector<std::string>& command);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RUN_COMMAND_H_
