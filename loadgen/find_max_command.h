// The command `loadgen find-max`: finds the highest rate at which a cluster meets goals.
#ifndef QUORATE_LOADGEN_FIND_MAX_COMMAND_H_
#define QUORATE_LOADGEN_FIND_MAX_COMMAND_H_

#include "loadgen/capacity_search.h"
#include "loadgen/options.h"

namespace quorate::loadgen {

// Runs loads at many rates against the same targets, each for options.duration_seconds or a
// multiple of it, and prints what came of each, and the answer. Blocks until it is found, or until
// SIGINT or SIGTERM. Returns the exit status: 0 where a rate was confirmed, kNothingMeasured where
// none was, kInterrupted.
int FindMaxCommand(const Options& options, const CapacityGoals& goals);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_FIND_MAX_COMMAND_H_
