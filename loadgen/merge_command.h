// The command `loadgen merge -output OUT A B ...`.
#ifndef QUORATE_LOADGEN_MERGE_COMMAND_H_
#define QUORATE_LOADGEN_MERGE_COMMAND_H_

#include <string>
#include <vector>

#include "loadgen/distribution.h"

namespace quorate::loadgen {

// `arguments`: all that stands behind "merge". Adds up the result files and writes the sum to OUT,
// which is whole or not there, whatever happens; says what it did on the standard output, and what
// is wrong on the standard error. `encoder` makes the compressed text of histograms; without one it
// is left empty. Returns the exit status: 0; 1 where a file cannot be read or written, or the files
// are unlike; 2 for wrong usage.
int MergeCommand(const std::vector<std::string>& arguments, const HistogramEncoder& encoder);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_MERGE_COMMAND_H_
