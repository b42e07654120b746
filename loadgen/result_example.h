// A result with something in every section, for tests.
//
// Pure functions: thread-safe.
#ifndef QUORATE_LOADGEN_RESULT_EXAMPLE_H_
#define QUORATE_LOADGEN_RESULT_EXAMPLE_H_

#include "loadgen/result_file.h"

namespace quorate::loadgen {

ResultFile ExampleResult();

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RESULT_EXAMPLE_H_
