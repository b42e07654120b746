// The version sweep: whether a history is linearizable, or regular, in the order of the versions
// that the servers returned, and whether that order goes with time.
//
//   const CheckResult result = CheckVersionSweep(history, Model::kLinearizable);
//
// Keys are judged one by one, since linearizability is local. A key's history is linearizable in
// the order of versions exactly where every read returned a written version with its value, no read
// ended before its write began, no two writes share a version, and no operation has a smaller
// version than one that ended before it began. (Sort by version, a write first, then its reads by
// start: that is the linearization.) The last of these takes one pass over the starts with a
// running maximum over the ends: O(n log c) at c operations in flight, for sorted operations.
//
// Regular means that a read returns no less than any write that was acknowledged before it began
// (doc/claims.md), so reads oblige no later reads: an inversion is no conflict. Nor does it say
// which of two writes is greater. Where nodes rank writes by their clocks, a write may rank below
// one that was acknowledged before it began, and the reads that go on to return that one are fresh.
// Where a leader ranks them, this would be a write that is lost, so the order of the writes is a
// question of its own: no write has a smaller version than what ended before it began.
//
// Pure functions.
#ifndef QUORATE_LOADGEN_CHECK_VERSION_SWEEP_H_
#define QUORATE_LOADGEN_CHECK_VERSION_SWEEP_H_

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"

namespace quorate::check {

enum class Model { kLinearizable, kRegular, kWriteOrder };

// REQUIRES: `history` is sorted by key. Unknown where the order is not total, or where operations
// that count have no version.
CheckResult CheckVersionSweep(const History& history, Model model);

// The same for one key; adds to `result`.
void SweepKey(const KeyOperations& key, bool order_is_total, Model model, CheckResult* result);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_VERSION_SWEEP_H_
