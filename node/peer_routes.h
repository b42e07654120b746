// PeerRoutes: which stream carries batches to which node. Requests go out on the stream that this
// node has dialled, replies on the one that the other node has dialled.
#ifndef QUORATE_NODE_PEER_ROUTES_H_
#define QUORATE_NODE_PEER_ROUTES_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"

#include "node/peer_stream.h"
#include "proto/peer.pb.h"
#include "replication/storage/version.h"
#include "support/mutex.h"

namespace quorate {

// How a node introduces itself to its peers.
struct PeerIdentity {
  NodeId id = 0;
  std::string name;
  std::string cluster;
};

struct OutgoingBatch {
  NodeId to = 0;
  peer::v1::Batch batch;
};

// Thread-safe.
class PeerRoutes {
 public:
  // `counters` must outlive the routes.
  explicit PeerRoutes(PeerCounters* counters) : counters_(counters) {}

  // Makes `stream` the way to `peer`. Returns the stream that it replaces, if any.
  std::shared_ptr<PeerStream> Set(NodeId peer, bool reply, std::shared_ptr<PeerStream> stream);

  // Forgets `stream`, unless another has replaced it: returns whether it did.
  bool Remove(NodeId peer, bool reply, const PeerStream* stream);

  bool Has(NodeId peer, bool reply) const;

  // Hands all batches to their streams, then lets each stream write once. Batches without a stream
  // are dropped. Does not block.
  void Send(std::vector<OutgoingBatch> batches);

 private:
  std::shared_ptr<PeerStream> Find(NodeId peer, bool reply) const;

  PeerCounters* const counters_;
  mutable Mutex mu_;
  std::map<std::pair<NodeId, bool>, std::shared_ptr<PeerStream>> streams_ ABSL_GUARDED_BY(mu_);
};

}  // namespace quorate

#endif  // QUORATE_NODE_PEER_ROUTES_H_
