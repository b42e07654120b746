// What StalenessRecorder (loadgen/staleness_recorder.h) remembers of a key and of a session, each
// in bounded memory.
//
// All of it errs to one side only: what has been forgotten obliges no read to anything, so it can
// hide a violation but never make one up.
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_STALENESS_MEMORY_H_
#define QUORATE_LOADGEN_STALENESS_MEMORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "client/messages.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

struct AcknowledgedWrite {
  Order order;
  uint64_t version = 0;
  Nanos sent = 0;
  Nanos acknowledged = 0;
};

// The writes of a key that were acknowledged last, and the greatest of all.
class AcknowledgedWrites {
 public:
  // Remembers `write`, and forgets the one that was added first where there are more than `limit`.
  void Add(const AcknowledgedWrite& write, size_t limit);

  // The write of the greatest order among those acknowledged before `time`, not at it; of equal
  // ones that which was acknowledged first. Null where there is none. Valid until the next Add.
  const AcknowledgedWrite* GreatestBefore(Nanos time) const;

  // The write of the greatest order, whenever acknowledged; null where there is none.
  const AcknowledgedWrite* Greatest() const { return greatest_ ? &*greatest_ : nullptr; }

  // The writes above `order` that were acknowledged before `time`.
  struct Newer {
    uint64_t count = 0;
    Nanos first_acknowledged = 0;  // the earliest of these times; 0 where count is 0
    Nanos first_sent = 0;
    bool some_forgotten = false;  // there may be more of them
  };
  Newer NewerThan(const Order& order, Nanos time) const;

 private:
  std::vector<AcknowledgedWrite> ring_;
  size_t next_ = 0;  // where the next one goes once the ring is full
  std::optional<AcknowledgedWrite> greatest_;
  std::optional<AcknowledgedWrite> greatest_forgotten_;
};

// The greatest order that finished reads of a key have returned, as a function of time.
class ReturnedOrders {
 public:
  void Add(const Order& order, Nanos finished);

  // Of the reads that had finished before `time`, not at it. {} where none is known.
  Order GreatestBefore(Nanos time) const;

 private:
  // Steps at which the greatest order rose, ascending in both. A read that is in flight while more
  // of them are taken than there is room for is compared with nothing.
  struct Step {
    Nanos finished = 0;
    Order order;
  };
  std::array<Step, 6> steps_;
  size_t size_ = 0;
};

// The greatest orders that each session has read and written, by key. As a processor's cache does,
// it holds sets of four pairs (session, key), and forgets the oldest of a set that is full.
class SessionMemory {
 public:
  struct Seen {
    Order read;     // {} where it has read nothing
    Order written;  // {} where no write of its own has been acknowledged
  };

  // Remembers at least `pairs` pairs, rounded up to a power of two, as long as they spread evenly.
  explicit SessionMemory(size_t pairs);

  // {} where the pair is not known.
  Seen Find(uint32_t session, size_t key) const;
  void OnRead(uint32_t session, size_t key, const Order& order);
  void OnWritten(uint32_t session, size_t key, const Order& order);

  // Pairs that had to make room for others.
  uint64_t forgotten() const { return forgotten_; }

 private:
  static constexpr size_t kWays = 4;

  struct Entry {
    bool used = false;
    uint32_t session = 0;
    size_t key = 0;
    Seen seen;
  };
  struct Set {
    std::array<Entry, kWays> entries;
    uint8_t oldest = 0;
  };

  size_t SetOf(uint32_t session, size_t key) const;
  Seen* FindOrAdd(uint32_t session, size_t key);

  std::vector<Set> sets_;
  uint64_t forgotten_ = 0;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_STALENESS_MEMORY_H_
