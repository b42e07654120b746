// KeyFrontier: hands out the keys that inserts create, and knows how many exist for certain.
//
// Keys are numbered in the order of their birth. Replies come in any order, so a key counts as born
// once it and all before it are acknowledged; reads of the newest keys choose among these. The key
// of a failed insert is handed out again, so that it is not missing for ever.
//
//   const uint64_t key = frontier.Take();
//   frontier.OnAcknowledged(key);   // or OnFailed(key)
//   chooser.Choose(index, due, frontier.born());
//
// Holds what is under way, no more. Not thread-safe: belongs to one thread.
#ifndef QUORATE_LOADGEN_KEY_FRONTIER_H_
#define QUORATE_LOADGEN_KEY_FRONTIER_H_

#include <cstdint>
#include <limits>
#include <set>

namespace quorate::loadgen {

class KeyFrontier {
 public:
  // Keys 0..born-1 exist already; there can be `limit` keys, at least `born`.
  explicit KeyFrontier(uint64_t born, uint64_t limit = std::numeric_limits<uint64_t>::max())
      : limit_(limit), born_(born), next_(born) {}

  // Whether there can be one more.
  bool CanTake() const { return next_ < limit_ || !returned_.empty(); }

  // The key that the next insert creates: the lowest one that no insert has now or has had.
  // REQUIRES: CanTake().
  uint64_t Take();

  // How the insert of a key that Take has given ended. An unknown outcome counts as failed: writing
  // the key once more does no harm. CHECK-fails for a key that Take never gave.
  void OnAcknowledged(uint64_t key);
  void OnFailed(uint64_t key);

  // Keys 0..born()-1 are acknowledged.
  uint64_t born() const { return born_; }

 private:
  const uint64_t limit_;
  uint64_t born_;
  uint64_t next_;
  std::set<uint64_t> acknowledged_;  // those above born_
  std::set<uint64_t> returned_;      // by failed inserts
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_KEY_FRONTIER_H_
