// History: what clients asked of keys and what they were told, one record of 48 bytes an operation.
//
//   History history = recorder.Finish();
//   SortByKey(&history);
//   for (const KeyOperations& key : SplitByKey(history)) { ... key.operations ... }
//
// All checkers read histories and nothing else. Times come from one monotonic clock and intervals
// are closed: operation a precedes b where a.end < b.start, and ties are concurrent. `start` is
// when an operation was really sent, never when it was due.
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_CHECK_HISTORY_H_
#define QUORATE_LOADGEN_CHECK_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace quorate::check {

// A time or a duration in nanoseconds; times count from the run's start on the monotonic clock.
using Nanos = int64_t;

inline constexpr Nanos kBeforeAll = std::numeric_limits<Nanos>::min();
inline constexpr Nanos kNever = std::numeric_limits<Nanos>::max();

inline constexpr uint16_t kNoNode = std::numeric_limits<uint16_t>::max();

// Of writes that no session of the recording made.
inline constexpr uint32_t kNoSession = std::numeric_limits<uint32_t>::max();

enum class Kind : uint8_t { kRead = 0, kWrite = 1, kDelete = 2 };

enum class Outcome : uint8_t {
  kOk = 0,       // answered
  kFailed = 1,   // certainly without effect
  kUnknown = 2,  // no answer, or one that leaves open whether a write has happened
};

// Also the layout in history files (doc/history_format.md), in little-endian order.
struct Operation {
  uint32_t key = 0;
  uint32_t session = 0;
  Kind kind = Kind::kRead;
  Outcome outcome = Outcome::kOk;
  uint16_t node = kNoNode;  // that answered; kNoNode where that is not known
  uint8_t order_known = 0;  // 1 where `order` says something
  uint8_t found = 0;        // reads: 1 where the key had a value
  uint16_t reserved = 0;    // 0
  // The place of the version written or read among those of the key, from 1; 0: never written.
  // Only its comparison with other orders of the key means anything.
  uint64_t order = 0;
  // Names the value, uniquely among the key's writes. 0: no value, or one that cannot be read.
  uint64_t value = 0;
  Nanos start = 0;
  Nanos end = 0;  // of an unknown outcome: when the client gave up, or kNever

  bool is_read() const { return kind == Kind::kRead; }
  bool is_write() const { return kind != Kind::kRead; }
  bool ok() const { return outcome == Outcome::kOk; }
  // When what the operation did was certainly done: kNever for an unknown outcome.
  Nanos finish() const { return ok() ? end : kNever; }
};
static_assert(sizeof(Operation) == 48, "the documented size of a record");

struct History {
  std::string description;         // of the run, for people; may be empty
  std::vector<std::string> keys;   // names, by number; empty where they are not known
  std::vector<std::string> nodes;  // likewise
  // False where two concurrent writes of a key may have got the same order. Then the order shows
  // stale reads, but not whether a history is linearizable.
  bool order_is_total = true;
  // Nodes have ranked the writes by their clocks, which may differ: so a write may rank below one
  // that was acknowledged before it began. False where they have not, or it is not known.
  bool ranked_by_clocks = false;
  // Set where recording stopped before the load did: all writes that began before then are here,
  // and reads that ended before then.
  std::optional<Nanos> cut_at;
  std::vector<Operation> operations;
};

// What a key, a node or an operation is called in reports.
std::string KeyName(const History& history, uint32_t key);
std::string NodeName(const History& history, uint16_t node);

// The most operations that a history can have: their places fit into 32 bits, with room to spare.
inline constexpr size_t kOperationsMax = 4'000'000'000;

// Sorts operations by key, then start, with every other field as tie-break; quick where they are
// sorted already.
void SortByKey(History* history);

// The operations of one key, by start.
struct KeyOperations {
  uint32_t key = 0;
  size_t first = 0;  // the place of operations[0] in the history
  absl::Span<const Operation> operations;
};

// REQUIRES: SortByKey() has been called. The result points into `history`.
std::vector<KeyOperations> SplitByKey(const History& history);

// later - earlier, or kNever where that does not fit or a time is infinite. REQUIRES: earlier <=
// later.
Nanos Between(Nanos earlier, Nanos later);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_HISTORY_H_
