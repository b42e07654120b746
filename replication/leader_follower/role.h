// Role: what differs between the leader and a follower. LeaderFollower (the strategy) owns one and
// keeps what both share: reads.
#ifndef QUORATE_REPLICATION_LEADER_FOLLOWER_ROLE_H_
#define QUORATE_REPLICATION_LEADER_FOLLOWER_ROLE_H_

#include <cstdint>

#include "replication/storage/version.h"
#include "replication/strategy.h"

namespace quorate {

// Whether a peer may honestly tell of this epoch, and of this number. A broken one must not use up
// what later epochs and numbers are to lie above: it has half of each range.
inline bool IsPlausible(uint64_t epoch, uint64_t number) {
  return epoch < Version::kMaxEpoch / 2 && number < Version::kMaxNumber / 2;
}

// Not thread-safe: runs on the replica's strand. The methods are those of Strategy.
class Role {
 public:
  virtual ~Role() = default;

  virtual StrategyStatus Status() const = 0;
  virtual bool KnowsItsPast() const = 0;
  virtual void Start() = 0;
  virtual void OnWrite(OperationId id, const Operation& operation) = 0;
  // Returns nothing less than `session`.
  virtual void OnLinearizableRead(OperationId id, const Operation& operation, Version session) = 0;
  virtual void OnExpire(OperationId id) = 0;
  virtual void OnCancel(OperationId id) = 0;
  virtual void OnPeerUp(NodeId peer) = 0;
  virtual void OnPeerDown(NodeId peer) = 0;
  virtual void OnMessage(NodeId from, const peer::v1::Message& message) = 0;
  virtual void OnTimer(TimerId id) = 0;
  virtual void FillPing(peer::v1::Ping* ping) = 0;
  virtual void OnPing(NodeId from, const peer::v1::Ping& ping) = 0;
  virtual void FillPong(peer::v1::Pong* pong) = 0;
  virtual void OnPong(NodeId from, const peer::v1::Pong& pong) = 0;
  virtual void FillCompareStart(NodeId to, peer::v1::CompareReply* reply) = 0;
  virtual void OnPullStarted(NodeId from, const peer::v1::CompareReply& first_page) = 0;
  virtual void OnPulledRecord(NodeId from, absl::string_view key, const Record& record) = 0;
  virtual void OnPullDone(NodeId from, bool source_was_syncing) = 0;
  virtual void OnDrainEnd() = 0;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_LEADER_FOLLOWER_ROLE_H_
