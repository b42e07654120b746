// LogWindow: the newest part of a leader's sequence, kept so that it can be sent again. Bounded in
// bytes: what falls out of it, a follower gets by catch-up.
//
// Not thread-safe.
#ifndef QUORATE_REPLICATION_LEADER_FOLLOWER_LOG_WINDOW_H_
#define QUORATE_REPLICATION_LEADER_FOLLOWER_LOG_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "proto/peer.pb.h"

namespace quorate {

class LogWindow {
 public:
  explicit LogWindow(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Forgets everything; the next number to append is `next`.
  void Reset(uint64_t next);

  // `number` must follow last(). Drops the oldest entries above max_bytes.
  void Append(uint64_t number, std::string key, std::string record);

  // The numbers held: [first, last]; first == last + 1 where the window is empty.
  uint64_t first() const { return first_; }
  uint64_t last() const { return first_ + entries_.size() - 1; }

  // Bytes of the entries in [from, to), as far as they are held.
  size_t Bytes(uint64_t from, uint64_t to) const;

  // Adds entries from `from` (held) on to `out`, at most max_bytes of them but at least one.
  // Returns the number that follows.
  uint64_t Copy(uint64_t from, size_t max_bytes, peer::v1::Replicate* out) const;

 private:
  struct Entry {
    std::string key;
    std::string record;
    size_t end_offset = 0;  // bytes appended since the start, up to and with this entry
  };

  size_t OffsetBefore(uint64_t number) const;

  const size_t max_bytes_;
  uint64_t first_ = 1;
  size_t start_offset_ = 0;
  std::deque<Entry> entries_;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_LEADER_FOLLOWER_LOG_WINDOW_H_
