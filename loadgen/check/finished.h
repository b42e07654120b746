// FinishedQueue: hands out operations in the order of their ends while a sweep goes through them in
// the order of their starts.
//
//   for each operation b, by start:
//     queue.PopBefore(b.start, [&](const Finished& a) { ... a precedes b and all that follow ...
//     }); queue.Push({b.finish(), version, place});
//
// It holds only what is in flight, so it stays small and a sweep costs O(n log concurrency).
//
// Not thread-safe.
#ifndef QUORATE_LOADGEN_CHECK_FINISHED_H_
#define QUORATE_LOADGEN_CHECK_FINISHED_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "loadgen/check/history.h"

namespace quorate::check {

struct Finished {
  Nanos finish = 0;
  uint64_t version = 0;
  uint32_t operation = 0;
};

class FinishedQueue {
 public:
  // What never finishes is not kept.
  void Push(const Finished& entry) {
    if (entry.finish == kNever) return;
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), Later);
  }

  // Calls `take` for everything that finished before `start`, by finish.
  template <typename Take>
  void PopBefore(Nanos start, Take take) {
    while (!heap_.empty() && heap_.front().finish < start) {
      std::pop_heap(heap_.begin(), heap_.end(), Later);
      take(heap_.back());
      heap_.pop_back();
    }
  }

  void Clear() { heap_.clear(); }

 private:
  // The operation as tie-break keeps the order the same in every run.
  static bool Later(const Finished& a, const Finished& b) {
    return a.finish != b.finish ? a.finish > b.finish : a.operation > b.operation;
  }

  std::vector<Finished> heap_;
};

// The greatest version so far, and the first operation that showed it.
struct Highest {
  uint64_t version = 0;
  uint32_t operation = 0;
  bool any = false;

  void Take(const Finished& entry) {
    if (any && entry.version <= version) return;
    version = entry.version;
    operation = entry.operation;
    any = true;
  }
  bool IsAbove(uint64_t other) const { return any && version > other; }
};

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_FINISHED_H_
