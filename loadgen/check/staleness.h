// Staleness after the run: which reads were stale, by how many versions and for how long.
//
//   const Staleness staleness = MeasureStaleness(history, [](const StaleRead& read) { ... });
//
// A read is stale where a write was acknowledged before the read was sent and has a greater version
// than the read returned (doc/semantics.md 85); writes that failed, or whose outcome is unknown,
// oblige no read to anything (86). Since it sees the whole history this misses nothing, while a
// count made during the load can miss an acknowledgement that is being noted at that moment.
//
// O(n log n). Pure functions.
#ifndef QUORATE_LOADGEN_CHECK_STALENESS_H_
#define QUORATE_LOADGEN_CHECK_STALENESS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "loadgen/check/history.h"

namespace quorate::check {

struct StaleRead {
  size_t operation = 0;  // the read's place in the history
  size_t newest = 0;     // the place of the write with the greatest version it should have known
  uint64_t missed = 0;   // k-staleness: acknowledged writes before it with greater versions
  // t-staleness: how long, when the read was sent, its value had surely been obsolete; and how long
  // it can have been obsolete at most when the read ended.
  Nanos obsolete_at_least = 0;
  Nanos obsolete_at_most = 0;
};

struct Staleness {
  // Index k: reads that missed k acknowledged writes; the last: as many or more.
  static constexpr size_t kMissedMax = 64;

  uint64_t reads = 0;  // that succeeded and could be judged
  uint64_t stale = 0;
  // Not stale, but less than a read that ended before this one began had returned. A reader may see
  // a write before it is acknowledged, so an inversion is no stale read; it is no linearizable
  // history either.
  uint64_t inversions = 0;
  uint64_t future = 0;      // ended before their write began
  uint64_t phantom = 0;     // returned what nobody wrote, or a version with another value
  uint64_t not_judged = 0;  // reads and writes whose version is not known
  std::array<uint64_t, kMissedMax + 1> missed = {};
  std::vector<Nanos> obsolete_at_least;  // of each stale read, in the order of the history

  // The value below which the share `p` (0..1) of obsolete_at_least lies; 0 where none is stale.
  Nanos ObsoletePercentile(double p) const;
};

// REQUIRES: `history` is sorted by key. Calls `on_stale` for every stale read.
Staleness MeasureStaleness(const History& history,
                           const std::function<void(const StaleRead&)>& on_stale);

// The same for one key; adds to `staleness`.
void MeasureStalenessOfKey(const KeyOperations& key, bool order_is_total,
                           const std::function<void(const StaleRead&)>& on_stale,
                           Staleness* staleness);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_STALENESS_H_
