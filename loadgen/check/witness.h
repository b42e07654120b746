// Witness: the operations of a conflict as a small timeline, for people.
//
//   std::fputs(RenderWitness(history, conflict).c_str(), stdout);
//
//   stale read on k7: a read returned less than a write that was acknowledged before it began
//     (only a clock error of 3.000 ms or more would excuse it)
//     write value 11, version 1  |====|                  0.000 to 1.000 ms  session 1, n1  #0
//     write value 12, version 2         |====|           2.000 to 4.000 ms  session 1, n1  #1
//     read  value 11, version 1                  |====|  7.000 to 8.000 ms  session 2, n2  #2
//
// Pure functions.
#ifndef QUORATE_LOADGEN_CHECK_WITNESS_H_
#define QUORATE_LOADGEN_CHECK_WITNESS_H_

#include <string>

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"

namespace quorate::check {

// What an operation did and was told: "read  value 11, version 1", "write value 12", "delete".
std::string DescribeOperation(const Operation& operation);

// Several lines, each with its end. Times are since the earliest of the operations; a bar that ends
// with > has no known end, one that begins with < was there before the recording. REQUIRES:
// `conflict` comes from a checker of `history`.
std::string RenderWitness(const History& history, const Conflict& conflict);

// 1500000 -> "1.500 ms"; "ever" for kNever.
std::string FormatNanos(Nanos nanos);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_WITNESS_H_
