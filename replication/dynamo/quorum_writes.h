// QuorumWrites: records on their way to all replicas, each answered once enough of these have
// acknowledged it. The other half of QuorumReads; for strategies in which every node coordinates.
//
// A record goes to every peer, whatever W says. Answered records wait for the other replicas only
// to know what these have missed, which the strategy is told.
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_DYNAMO_QUORUM_WRITES_H_
#define QUORATE_REPLICATION_DYNAMO_QUORUM_WRITES_H_

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/inlined_vector.h"

#include "proto/peer.pb.h"
#include "replication/operation.h"
#include "replication/quorum.h"
#include "replication/strategy.h"

namespace quorate {

// A record that this node has merged into its own store.
struct OutgoingRecord {
  std::string key;
  std::string record;  // encoded
  int required = 1;    // acknowledgements to answer at, this node's included
  // Replicas that are known to hold it: they count at once, and are sent nothing.
  std::vector<NodeId> holders = {};
  // What the client gets when they are there. `answers` and `required` are filled in.
  OperationResult result = {};
  // A read makes sure of what it returns: nothing of the client's own is under way.
  bool read = false;
};

class QuorumWrites {
 public:
  // `on_missed` is told of every peer that may lack a record. `context` must outlive this.
  QuorumWrites(StrategyContext* context, std::function<void(NodeId)> on_missed)
      : context_(context), on_missed_(std::move(on_missed)) {}

  // Sends the record to all `peers`, at the end of the drain. Those not connected have missed it.
  void Start(OperationId id, OutgoingRecord outgoing, const std::vector<NodeId>& peers);
  // The peer holds the record of `id` durably.
  void OnAcknowledged(OperationId id, NodeId node);
  // The peer holds it, but what it holds counts for nothing now.
  void OnRefused(OperationId id, NodeId node);
  // What the peer has acknowledged it may have forgotten, if it has started anew.
  void OnPeerDown(NodeId peer);
  // Nothing happens where `id` is no operation of this object.
  void OnExpire(OperationId id);
  // Nobody waits for the result; the replicas still get the record.
  void OnCancel(OperationId id);

  // Gives up those that were answered and were sent before a time.
  void GiveUpAnswered(MonotonicTime sent_before);

  // What was started leaves now.
  void SendGathered();
  // SendGathered, and this node's own acknowledgements once they are durable.
  void OnDrainEnd();

  size_t in_flight() const { return pending_.size(); }

 private:
  struct Pending {
    QuorumTracker acks;
    absl::InlinedVector<NodeId, 8> unacknowledged;  // sent to, and may still answer
    OperationResult result;                         // to give when the quorum is met
    MonotonicTime sent;
    bool read = false;
    bool answered = false;
  };

  void Gather(OperationId id, OutgoingRecord outgoing, const Pending& pending);
  void StopAwaiting(Pending* pending, NodeId node);
  void Advance(OperationId id);
  void CompleteFailed(OperationId id, Pending* pending, absl::StatusCode code,
                      absl::string_view why);
  // Counts the record as missed by whoever has not acknowledged it.
  void GiveUp(OperationId id);

  StrategyContext* const context_;
  const std::function<void(NodeId)> on_missed_;
  absl::btree_map<OperationId, Pending> pending_;
  // This drain.
  peer::v1::Message gathered_;  // records to send, encoded once for all that get them
  std::vector<NodeId> gathered_for_;
  size_t gathered_bytes_ = 0;
  std::vector<OperationId> own_acks_;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_DYNAMO_QUORUM_WRITES_H_
