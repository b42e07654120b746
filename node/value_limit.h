// How long values may be at most, whatever a node is told.
#ifndef QUORATE_NODE_VALUE_LIMIT_H_
#define QUORATE_NODE_VALUE_LIMIT_H_

#include <algorithm>
#include <cstdint>

#include "node/batch_queue.h"
#include "replication/cluster_config.h"
#include "replication/registry.h"

namespace quorate {

// In bytes. A client's request has at most 8 MiB. Without a leader all nodes may write one key at
// the same time, and a record with all their values travels between nodes in one message, of which
// a part is left to keys and versions.
inline int64_t LongestValueBytes(const ClusterConfig& cluster) {
  constexpr int64_t kInARequest = int64_t{7} << 20;
  constexpr int64_t kForValues = kMaxPeerMessageBytes - (int64_t{1} << 20);
  if (StrategyHasLeader(cluster.strategy)) return kInARequest;
  return std::min(kInARequest, kForValues / cluster.quorums.n);
}

}  // namespace quorate

#endif  // QUORATE_NODE_VALUE_LIMIT_H_
