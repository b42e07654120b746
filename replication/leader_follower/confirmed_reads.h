// ConfirmedReads: linearizable reads at the leader. A read returns what the leader held when it
// came, once two things are certain: that W replicas, the leader among them, hold all of the
// sequence up to then, so that no later leader can lack it; and that W replicas still followed the
// leader's epoch after the read had come, so that no later leader had written by then. After
// Ongaro, "Consensus: Bridging Theory and Practice" (2014), 6.4 (doc/semantics.md 6, 49).
//
// Reads that come while a question is under way share the next one.
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_LEADER_FOLLOWER_CONFIRMED_READS_H_
#define QUORATE_REPLICATION_LEADER_FOLLOWER_CONFIRMED_READS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"

#include "proto/peer.pb.h"
#include "replication/operation.h"
#include "replication/quorum.h"
#include "replication/strategy.h"

namespace quorate {

class ConfirmedReads {
 public:
  // How many followers hold everything in the leader's sequence up to a number, durably.
  using CountHolders = std::function<int(uint64_t through)>;
  // Ends the read: once for each that was started and not cancelled.
  using Finish = std::function<void(OperationId, OperationResult)>;

  // `timer` is for this object alone: its owner calls OnTimer when it fires. `context` must outlive
  // this.
  ConfirmedReads(StrategyContext* context, TimerId timer, CountHolders holders, Finish finish);

  // A read at a leader that serves `epoch` and has given out numbers up to `through`. It fails
  // where it would return less than `session`.
  void Start(OperationId id, const Operation& operation, Version session, uint64_t epoch,
             uint64_t through);

  void OnConfirmed(NodeId from, const peer::v1::EpochConfirmed& confirmed);
  // Followers hold more than before.
  void OnProgress();
  void OnDrainEnd();
  void OnTimer();
  // Nothing happens where `id` is no read of this object.
  void OnExpire(OperationId id);
  void OnCancel(OperationId id);
  // The leader gives its epoch up.
  void FailAll(const absl::Status& why);

  size_t in_flight() const { return reads_.size(); }

 private:
  struct Read {
    uint64_t through = 0;
    uint64_t round = 0;  // the question that confirms it
    bool confirmed = false;
    bool durable = false;  // what it returns cannot be forgotten by this node
    OperationResult result;
    size_t bytes = 0;  // of `result`, counted in held_bytes_
  };

  void Ask();
  void FinishReady();
  void Erase(absl::btree_map<OperationId, Read>::iterator it);

  StrategyContext* const context_;
  const TimerId timer_;
  const CountHolders holders_;
  const Finish finish_;
  absl::btree_map<OperationId, Read> reads_;
  size_t held_bytes_ = 0;
  uint64_t epoch_ = 0;  // of the reads
  // The last question, and who has answered it.
  uint64_t round_ = 0;
  bool asking_ = false;
  QuorumTracker answers_;
  bool timer_set_ = false;
  bool wanted_ = false;      // reads wait for a question that has not been asked yet
  bool progressed_ = false;  // since the last look at what is ready
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_LEADER_FOLLOWER_CONFIRMED_READS_H_
