// Resolving: which operations of a key count for a checker, and which write each read returned.
//
//   const Resolved resolved = ResolveByOrder(key, history.order_is_total);
//   resolved.source[i]    // for a read: the place of the write it returned, within the key
//   resolved.version[i]   // what the order makes of operation i
//
// Left out are failed operations, reads of unknown outcome, and writes of unknown outcome whose
// value nobody read: they oblige nobody to anything. The state before the first write is a write
// of "absent" that was over before all else.
//
// Pure functions.
#ifndef QUORATE_LOADGEN_CHECK_RESOLVE_H_
#define QUORATE_LOADGEN_CHECK_RESOLVE_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"

namespace quorate::check {

// In Resolved::source, beside places.
inline constexpr uint32_t kInitial = 0xFFFF'FFFF;  // a read of the state before the first write
inline constexpr uint32_t kLeftOut = 0xFFFF'FFFE;  // does not count
inline constexpr uint32_t kNobody = 0xFFFF'FFFD;   // a read of what no write wrote: an anomaly
inline constexpr uint32_t kUnclear = 0xFFFF'FFFC;  // cannot be told

inline constexpr uint64_t kNoVersion = std::numeric_limits<uint64_t>::max();

struct Resolved {
  // For each operation of the key: its write, where it is a read; itself, where it is a write.
  std::vector<uint32_t> source;
  // ResolveByOrder() only: 0 for the initial state; kNoVersion where the operation does not count
  // or its version is not known.
  std::vector<uint64_t> version;
  // What no order of operations can explain.
  std::vector<Conflict> anomalies;
  size_t reads = 0;    // that count
  size_t writes = 0;   // that count
  size_t unclear = 0;  // operations that count and could not be placed
};

// By the versions that the servers returned. The order of a write without one is learnt from reads
// of its value. Anomalies: phantom reads, wrong values, shared versions (where the order is total)
// and writes under two versions.
Resolved ResolveByOrder(const KeyOperations& key, bool order_is_total);

// By values alone, as if servers returned no versions. Only where a read that found nothing may
// have seen one of several deletes is its order used, to tell which. Anomalies: phantom reads.
Resolved ResolveByValue(const KeyOperations& key);

// The operations a and b, within the key, and the writes they stand for: places in the history for
// Conflict::operations.
std::vector<size_t> WitnessOf(const KeyOperations& key, const Resolved& resolved,
                              const std::vector<uint32_t>& operations);

// A read that ended before its write began; adds a conflict for each.
void AddFutureReads(const KeyOperations& key, const Resolved& resolved, CheckResult* result);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_RESOLVE_H_
