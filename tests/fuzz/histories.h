// Histories of one key: replicas that write and merge, as an input says.
//
// Functions end the program where a property does not hold. For fuzz targets.
#ifndef QUORATE_TESTS_FUZZ_HISTORIES_H_
#define QUORATE_TESTS_FUZZ_HISTORIES_H_

#include "replication/storage/record.h"
#include "tests/fuzz/fuzz_input.h"

namespace quorate::fuzz {

// Whether they agree in everything that a record says.
bool Same(const Record& a, const Record& b);

// Three replicas write and send each other what they hold, until the input ends. All along, records
// of the history form a semilattice: Merge is commutative, associative and idempotent, and never
// loses a value that nobody has replaced.
void CheckHistory(FuzzInput* input);

}  // namespace quorate::fuzz

#endif  // QUORATE_TESTS_FUZZ_HISTORIES_H_
