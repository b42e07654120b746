// LeaderFollower: one leader orders all writes; followers apply them in that order. Reads are
// answered by R replicas at any node.
//
// The leader is configured, not elected: while it is away there are no writes.
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_LEADER_FOLLOWER_LEADER_FOLLOWER_H_
#define QUORATE_REPLICATION_LEADER_FOLLOWER_LEADER_FOLLOWER_H_

#include <memory>

#include "replication/leader_follower/role.h"
#include "replication/quorum_reads.h"
#include "replication/strategy.h"

namespace quorate {

class LeaderFollower : public Strategy {
 public:
  static constexpr char kName[] = "leader_follower";

  // `context` must outlive the strategy.
  explicit LeaderFollower(StrategyContext* context);

  Guarantee Promise(const Quorums& quorums) const override;
  StrategyStatus Status() const override;
  bool KnowsItsPast() const override { return role_->KnowsItsPast(); }
  void Start() override;
  void OnSubmit(OperationId id, const Operation& operation) override;
  void OnExpire(OperationId id) override;
  void OnCancel(OperationId id) override;
  void OnPeerUp(NodeId peer) override { role_->OnPeerUp(peer); }
  void OnPeerDown(NodeId peer) override;
  void OnMessage(NodeId from, const peer::v1::Message& message) override;
  void OnTimer(TimerId id) override;
  void FillPing(NodeId, peer::v1::Ping* ping) override { role_->FillPing(ping); }
  void OnPing(NodeId from, const peer::v1::Ping& ping) override { role_->OnPing(from, ping); }
  void FillPong(NodeId, peer::v1::Pong* pong) override { role_->FillPong(pong); }
  void OnPong(NodeId from, const peer::v1::Pong& pong) override { role_->OnPong(from, pong); }
  void FillCompareStart(NodeId to, peer::v1::CompareReply* reply) override {
    role_->FillCompareStart(to, reply);
  }
  void OnPullStarted(NodeId from, const peer::v1::CompareReply& first_page) override {
    role_->OnPullStarted(from, first_page);
  }
  void OnPulledRecord(NodeId from, absl::string_view key, const Record& record) override {
    role_->OnPulledRecord(from, key, record);
  }
  void OnPullDone(NodeId from, bool source_was_syncing) override {
    role_->OnPullDone(from, source_was_syncing);
  }
  void OnDrainEnd() override { role_->OnDrainEnd(); }

 private:
  StrategyContext* const context_;
  std::unique_ptr<Role> role_;
  QuorumReads reads_;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_LEADER_FOLLOWER_LEADER_FOLLOWER_H_
