// DelayLine: holds back what comes from other replicas, as a slower network and slower disks would
// (see replication/emulated_delays.h).
//
//   line.Add(MonotonicNow(), std::move(batch), [...](peer::v1::Batch batch) { its delivery });
//   next = line.Release(MonotonicNow());
//
// What comes on one stream is released, once, in the order in which it came.
#ifndef QUORATE_NODE_DELAY_LINE_H_
#define QUORATE_NODE_DELAY_LINE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "node/incoming_line.h"
#include "proto/peer.pb.h"
#include "replication/emulated_delays.h"
#include "replication/env.h"
#include "replication/storage/version.h"

namespace quorate {

// Not thread-safe.
class DelayLine : public IncomingLine {
 public:
  // For what comes to the node `self`. `random` gives 64 random bits.
  DelayLine(NodeId self, EmulatedDelays delays, std::function<uint64_t()> random);

  void Add(MonotonicTime now, peer::v1::Batch batch, Deliver deliver) override;
  MonotonicTime Release(MonotonicTime now) override;
  void Clear() override { streams_.clear(); }

 private:
  struct Held {
    MonotonicTime due;
    peer::v1::Batch batch;
    Deliver deliver;
  };

  const NodeId self_;
  const EmulatedDelays delays_;
  const std::function<uint64_t()> random_;
  // Of each peer its requests and its replies, which come on streams of their own.
  std::map<std::pair<NodeId, bool>, std::deque<Held>> streams_;
};

}  // namespace quorate

#endif  // QUORATE_NODE_DELAY_LINE_H_
