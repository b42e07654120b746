// QuorumReads: reads answered by R replicas, for every strategy. The coordinator counts its own
// store as one answer, asks every connected peer for the others, answers at R, and keeps listening
// so that the strategy can repair the replicas that were behind.
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_QUORUM_READS_H_
#define QUORATE_REPLICATION_QUORUM_READS_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/inlined_vector.h"

#include "proto/peer.pb.h"
#include "replication/operation.h"
#include "replication/quorum.h"
#include "replication/strategy.h"

namespace quorate {

// A read after which no more answers are awaited.
struct SettledRead {
  std::string key;
  Record merged;               // an empty version where nobody had a record
  std::vector<NodeId> behind;  // answered with less than `merged`; may include the coordinator
};

class QuorumReads {
 public:
  // `on_settled` is called once for each read that asked a peer and was not cancelled. `context`
  // must outlive this.
  QuorumReads(StrategyContext* context, std::function<void(const SettledRead&)> on_settled)
      : context_(context), on_settled_(std::move(on_settled)) {}

  // A valid get at a node that knows its past.
  void Start(OperationId id, const Operation& operation);
  void OnReply(NodeId from, const peer::v1::ReadReply& reply);
  void OnPeerDown(NodeId peer);
  // Returns false where `id` is no read.
  bool OnExpire(OperationId id);
  void OnCancel(OperationId id);

  // Settles answered reads that have waited for the other answers since before `started`: these may
  // have been lost.
  void SettleOld(MonotonicTime started);

  // Answers a coordinator. `knows_past` false: tells it not to count on this node.
  void Serve(NodeId from, const peer::v1::Read& read, bool knows_past);

 private:
  struct Answer {
    NodeId node = 0;
    Version version;
  };
  struct PendingRead {
    std::string key;
    QuorumTracker answers;
    Record merged;
    absl::InlinedVector<Answer, 5> versions;
    absl::InlinedVector<NodeId, 8> awaited;  // asked, and may still answer
    MonotonicTime started;
    bool completed = false;
    size_t bytes = 0;  // of `merged`, counted in held_bytes_
  };

  // Bytes of values that this node's reads in flight keep.
  size_t held_bytes() const;
  bool HoldsTooMuch() const;
  // A read at R=1: nobody is asked.
  void AnswerAlone(OperationId id, const std::string& key);
  // Whether `node` was awaited; it no longer is.
  static bool NoLongerAwait(PendingRead* read, NodeId node);
  void Take(OperationId id, NodeId node, const std::optional<Record>& record);
  void Refuse(OperationId id, NodeId node);
  // Completes and settles as far as the answers allow; may erase the read.
  void Advance(OperationId id);
  void Settle(OperationId id);
  static bool Disagree(const PendingRead& read);

  StrategyContext* const context_;
  const std::function<void(const SettledRead&)> on_settled_;
  absl::btree_map<OperationId, PendingRead> reads_;
  size_t held_bytes_ = 0;  // of the records of all reads
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_QUORUM_READS_H_
