// The command `loadgen compare A B`.
#ifndef QUORATE_LOADGEN_COMPARE_COMMAND_H_
#define QUORATE_LOADGEN_COMPARE_COMMAND_H_

#include <string>
#include <vector>

namespace quorate::loadgen {

// `arguments`: all that stands behind "compare". Prints the comparison of two result files to the
// standard output, and what is wrong to the standard error. Returns the exit status: 0 where both
// could be compared, however they differ; 1 where a file could not be read; 2 for wrong usage.
int CompareCommand(const std::vector<std::string>& arguments);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_COMPARE_COMMAND_H_
