// The zone test: whether a history is linearizable in any order, by values alone.
//
//   const CheckResult result = CheckZones(history);
//
// After Gibbons and Korach, "Testing shared memories" (SIAM J. Comput. 26(4), 1997). Each value of
// a key has a cluster: its write and all reads that returned it. With f the earliest end and s the
// latest start in a cluster, two clusters A and B conflict where f_A < s_B and f_B < s_A: each was
// there before the other. A key's history is linearizable exactly where no two clusters conflict,
// no read ended before its write began, and no read returned what nobody wrote. Where f < s the
// zone is forward, else backward; so forward zones must be disjoint, and no backward zone may lie
// inside a forward one. O(n log n).
//
// It trusts no version, so it also finds what the sweep over versions cannot: that versions are
// wrong though some order explains what clients saw.
//
// Pure functions.
#ifndef QUORATE_LOADGEN_CHECK_ZONES_H_
#define QUORATE_LOADGEN_CHECK_ZONES_H_

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"

namespace quorate::check {

// REQUIRES: `history` is sorted by key. Unknown where one value was written twice and read, or
// where reads found nothing and it cannot be told which delete they saw. Each zone that conflicts
// with one before it counts once, with the one that reaches furthest.
CheckResult CheckZones(const History& history);

// The same for one key; adds to `result`.
void CheckZonesOfKey(const KeyOperations& key, CheckResult* result);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_ZONES_H_
