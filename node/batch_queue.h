// BatchQueue: batches that wait to be written to a peer's stream, bounded by bytes, number and age.
//
// Not thread-safe.
#ifndef QUORATE_NODE_BATCH_QUEUE_H_
#define QUORATE_NODE_BATCH_QUEUE_H_

#include <cstddef>
#include <deque>
#include <optional>

#include "absl/time/time.h"

#include "proto/peer.pb.h"
#include "replication/env.h"

namespace quorate {

// The largest batch. A batch closes at 1 MiB, but a record travels whole, with the largest value of
// every node that has written it at the same time as the others.
inline constexpr int kMaxPeerMessageBytes = 32 << 20;

class BatchQueue {
 public:
  // Far above what a leader has in flight to one follower, and room for the largest batch.
  static constexpr size_t kMaxBytes = size_t{64} << 20;
  static constexpr size_t kMaxBatches = 4096;
  // Nearly nobody waits any longer for what it says, and a peer that cannot take what it is sent
  // must not be kept busy with it.
  static constexpr absl::Duration kMaxAge = absl::Seconds(3);

  // False, and nothing is queued, where there is no room. `bytes`: of the batch as encoded.
  bool Push(MonotonicTime now, peer::v1::Batch batch, size_t bytes);

  // Batches of one session that have queued travel as one up to this size: a round trip carries
  // little more than one message of the transport where the way is long.
  static constexpr size_t kMaxJoinedBytes = size_t{1} << 20;

  // The first batch that is not too old; none where all are. What follows it in its session comes
  // with it, under the number of the last. Adds to `dropped` the batches that are too old.
  std::optional<peer::v1::Batch> Pop(MonotonicTime now, size_t* dropped);

  bool empty() const { return queue_.empty(); }
  size_t size() const { return queue_.size(); }

 private:
  struct Queued {
    peer::v1::Batch batch;
    size_t bytes = 0;
    MonotonicTime since;
  };

  std::deque<Queued> queue_;
  size_t bytes_ = 0;
};

}  // namespace quorate

#endif  // QUORATE_NODE_BATCH_QUEUE_H_
