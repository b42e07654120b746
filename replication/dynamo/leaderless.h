// Leaderless: every node coordinates reads and writes, as in Dynamo (DeCandia et al., 2007). A
// write goes to all replicas and is answered at W; a read is answered at R and repairs the replicas
// that were behind after the reply.
//
// In a linearizable cluster (WriteMode) each key is an atomic register, after Attiya, Bar-Noy and
// Dolev, "Sharing Memory Robustly in Message-Passing Systems" (1995), and Lynch and Shvartsman
// (1997): a write first asks a majority what is newest and takes a greater clock, and a read makes
// sure that a majority holds what it returns. Order is by the hybrid clock. It holds since whatever
// a version dominates has a smaller clock (doc/semantics.md 8).
//
// Records carry dotted version vectors, so concurrent writes are recognised: they stand side by
// side until a later write settles them, and a hybrid clock picks the one that a plain read
// returns.
//
// What a replica misses, it gets by comparing stores: with a coordinator that tells it so in its
// heartbeats, with all peers after one of them has started anew, and with one peer in turn now and
// then. It compares with one peer after the other, so that each record comes once. Comparisons take
// a small part of the time only: replicas that miss writes because they have too much to do would
// otherwise have even more. A node that may have forgotten acknowledged writes
// takes and acknowledges writes at once, but neither coordinates nor answers reads before it has
// compared with enough peers (doc/semantics.md 57).
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_DYNAMO_LEADERLESS_H_
#define QUORATE_REPLICATION_DYNAMO_LEADERLESS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"

#include "replication/catch_up.h"
#include "replication/dynamo/hybrid_clock.h"
#include "replication/dynamo/quorum_writes.h"
#include "replication/named_writes.h"
#include "replication/quorum_reads.h"
#include "replication/strategy.h"

namespace quorate {

class Leaderless : public Strategy {
 public:
  static constexpr char kName[] = "leaderless";

  // Concurrent values that one key may have where a write adds one; merging may exceed it.
  static constexpr size_t kMaxSiblings = 100;

  // `context` must outlive the strategy.
  explicit Leaderless(StrategyContext* context);

  Guarantee Promise(const Quorums& quorums) const override;
  StrategyStatus Status() const override;
  bool KnowsItsPast() const override { return !syncing_; }
  void Start() override;
  void OnSubmit(OperationId id, const Operation& operation) override;
  void OnExpire(OperationId id) override;
  void OnCancel(OperationId id) override;
  void OnPeerUp(NodeId peer) override;
  void OnPeerDown(NodeId peer) override;
  void OnMessage(NodeId from, const peer::v1::Message& message) override;
  void OnTimer(TimerId id) override;
  void FillPing(NodeId to, peer::v1::Ping* ping) override;
  void OnPing(NodeId from, const peer::v1::Ping& ping) override;
  void FillPong(NodeId, peer::v1::Pong*) override {}
  void OnPong(NodeId, const peer::v1::Pong&) override {}
  void FillCompareStart(NodeId, peer::v1::CompareReply*) override {}
  void OnPullStarted(NodeId, const peer::v1::CompareReply&) override {}
  void OnPulledRecord(NodeId from, absl::string_view key, const Record& record) override;
  void OnPullDone(NodeId from, bool source_was_syncing) override;
  void OnDrainEnd() override;

 private:
  // Reasons to compare stores with a peer, as figures that grow.
  struct Reasons {
    uint64_t missed = 0;  // writes of the peer that this node may have missed, by the peer's word
    uint64_t wanted = 0;  // everything else
  };
  struct Peer {
    // Writes of this node that the peer may have missed. Starts at 1, so that the peer compares
    // once with every new incarnation of this node.
    uint64_t missed = 1;
    Incarnation last_incarnation = 0;
    Reasons due;
    Reasons comparing;  // what was due when the comparison under way began
    Reasons compared;   // what was due when the last complete one began
    MonotonicTime comparing_since;
    MonotonicTime rests_until;  // after a comparison
    Incarnation compared_incarnation = 0;
    bool ever_compared = false;   // since this node's start
    bool compared_whole = false;  // with a peer that knew its past
  };

  // A write with a name that an earlier try may have begun (leaderless_repeats.cc). Returns false
  // where it is to begin now.
  bool Repeat(OperationId id, const Operation& operation);
  void OnCollectedForRepeat(OperationId id, Collected collected);
  void FinishNamed(OperationId id, const NamedWrite& write, const Operation& operation);
  void StartWrite(OperationId id, const Operation& operation);
  // A write in a linearizable cluster begins like a read: by what a majority holds.
  void OnCollected(OperationId id, Collected collected);
  void ReturnCollected(OperationId id, Collected collected);
  // Puts the write into this node's store and sends it out, or completes it as not sent.
  // `required`: acknowledgements to answer at.
  void WriteAndSend(OperationId id, const Operation& operation, const Version& context,
                    int required);
  // The record after a write of this node, encoded, or why there can be none.
  absl::StatusOr<std::string> Write(const Operation& operation, const Version& context,
                                    OperationResult* result);
  // Whether the record is small enough to be sent and stored after one more concurrent write.
  absl::Status CheckBounds(const Record& record) const;
  std::vector<NodeId> Peers() const;
  bool linearizable() const { return context_->config().write_mode == WriteMode::kLinearizable; }
  void Miss(NodeId peer) { ++peers_[peer].missed; }
  // Returns whether the store now holds the record.
  bool MergeFrom(absl::string_view key, Record record);
  void OnReplicate(NodeId from, const peer::v1::Replicate& replicate);
  void OnReplicateAck(NodeId from, const peer::v1::ReplicateAck& ack);
  void Repair(const SettledRead& read);
  // Starts the comparison that is due, if any.
  void Compare();
  // Starts one in the background, only to be sure.
  void CompareInTurn();
  bool MayCompare(NodeId id) const;
  bool IsUrgent(NodeId id, const Peer& peer) const;
  void Pull(NodeId id, CatchUp::Pace pace);
  // Peers compared with so far: those that knew their past, and any.
  std::pair<int, int> CountCompared() const;
  void CheckSynced();

  StrategyContext* const context_;
  bool syncing_;
  HybridClock clock_;
  QuorumReads reads_;
  QuorumWrites writes_;
  NamedWrites named_;
  absl::btree_map<NodeId, Peer> peers_;
  MonotonicTime counts_from_;  // comparisons that began earlier prove nothing
  NodeId last_compared_ = 0;   // the round of background comparisons
  NodeId last_urgent_ = 0;     // the round of all others
  // This drain.
  absl::btree_map<NodeId, peer::v1::Message> acks_;          // merged, not yet durable
  absl::btree_map<NodeId, peer::v1::Message> durable_acks_;  // to send
  uint64_t conflicts_ = 0;
  uint64_t repairs_ = 0;
  uint64_t write_backs_ = 0;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_DYNAMO_LEADERLESS_H_
