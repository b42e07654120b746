// Follower: applies the leader's sequence in order, and catches up where it cannot.
//
// It learns the leader, the epoch and the quorums from the leader's heartbeats. In every new epoch,
// and whenever the leader cannot send what is missing any more, it compares stores with the leader
// as of a number S, while it already applies the numbers from S+1 on. It tells the leader which
// numbers it holds: those in (base, through], where base is 0 once nothing below is missing.
//
// Epoch and numbers are kept in the store's state. A follower that has forgotten nothing goes on
// after a restart where it was, as long as its leader can still send what it missed.
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_LEADER_FOLLOWER_FOLLOWER_H_
#define QUORATE_REPLICATION_LEADER_FOLLOWER_FOLLOWER_H_

#include <string>

#include "absl/container/btree_map.h"

#include "replication/leader_follower/role.h"

namespace quorate {

class Follower : public Role {
 public:
  explicit Follower(StrategyContext* context);

  StrategyStatus Status() const override;
  bool KnowsItsPast() const override { return knows_past_; }
  void Start() override {}
  void OnWrite(OperationId id, const Operation& operation) override;
  void OnExpire(OperationId id) override;
  void OnLinearizableRead(OperationId id, const Operation& operation, Version session) override;
  void OnCancel(OperationId id) override { forwards_.erase(id); }
  void OnPeerUp(NodeId peer) override;
  void OnPeerDown(NodeId peer) override;
  void OnMessage(NodeId from, const peer::v1::Message& message) override;
  void OnTimer(TimerId) override {}
  void FillPing(peer::v1::Ping*) override {}
  void OnPing(NodeId from, const peer::v1::Ping& ping) override;
  void FillPong(peer::v1::Pong* pong) override;
  void OnPong(NodeId, const peer::v1::Pong&) override {}
  void FillCompareStart(NodeId, peer::v1::CompareReply*) override {}
  void OnPullStarted(NodeId from, const peer::v1::CompareReply& first_page) override;
  void OnPulledRecord(NodeId from, absl::string_view key, const Record& record) override;
  void OnPullDone(NodeId from, bool source_was_syncing) override;
  void OnDrainEnd() override;

 private:
  // What this follower holds of the epoch's sequence: (base, through].
  struct Held {
    uint64_t base = 0;
    uint64_t through = 0;
  };

  struct Forwarded {
    bool read = false;
    int w = 0;                    // 0: the cluster's
    Version session = Version();  // a read: return nothing less
  };

  // The result where the leader did not answer; `what` happened to the operation.
  OperationResult Unanswered(const Forwarded& forwarded, absl::StatusCode code,
                             absl::string_view what) const;
  void AdoptConfiguration(const peer::v1::LeaderState& state);
  void AdoptEpoch(NodeId leader, uint64_t epoch);
  void StoreProgress();
  void OnReplicate(NodeId from, const peer::v1::Replicate& replicate);
  void ForwardToLeader(OperationId id, const Operation& operation, Version session);
  void OnForwardReply(const peer::v1::ForwardReply& reply);
  // The half of it that only a read has. False where the leader is broken: the deadline ends it.
  static bool FillRead(const peer::v1::ForwardReply& reply, const Version& session,
                       OperationResult* result);
  void OnConfirmEpoch(NodeId from, const peer::v1::ConfirmEpoch& question);
  void FillAck(peer::v1::ReplicateAck* ack);

  StrategyContext* const context_;
  NodeId leader_ = 0;  // that has called in this life
  uint64_t epoch_;
  NodeId epoch_leader_;     // whose epoch_ it is
  uint64_t durable_epoch_;  // adopted for good: what the leader may count on
  bool leader_recovering_ = false;
  // In this epoch a pull has started (so that held_ means something); nothing at all is missing.
  bool attached_ = false;
  bool caught_up_ = false;
  bool knows_past_;
  Held held_;                   // merged
  uint64_t scheduled_ = 0;      // merged and waiting to be durable, up to here
  Held durable_;                // acknowledged
  bool pull_finished_ = false;  // since the last drain
  bool ack_due_ = false;
  bool resend_due_ = false;
  MonotonicTime last_resend_request_;
  std::string members_;                               // serialised, as last handed on
  absl::btree_map<OperationId, Forwarded> forwards_;  // in flight at the leader
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_LEADER_FOLLOWER_FOLLOWER_H_
