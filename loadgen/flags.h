// The flags of a load, from the command line to Options.
#ifndef QUORATE_LOADGEN_FLAGS_H_
#define QUORATE_LOADGEN_FLAGS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "loadgen/options.h"

namespace quorate::loadgen {

// A line or more for each flag, in an order that makes sense to people.
std::string DescribeFlags();

// Valid options from what gflags has read, with a random seed where none was given.
// INVALID_ARGUMENT, with a message that names the flag.
absl::StatusOr<Options> OptionsFromFlags();

// INVALID_ARGUMENT, with a message that names the flag, where one was set that means nothing to
// find-max: it would be ignored.
absl::Status CheckFlagsOfFindMax();

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_FLAGS_H_
