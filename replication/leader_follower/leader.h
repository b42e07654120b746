// Leader: gives every write its place in one sequence and sends it to all followers in parallel.
//
// Each start takes a new epoch, after hearing enough followers to know of every write that an
// earlier life acknowledged (doc/semantics.md 46): it compares stores with them, then takes an
// epoch above all it has seen and numbers above all it holds. A record that only a follower holds,
// from a write that never got its acknowledgements, is taken over with its version and given a
// place in the sequence, so that replicas converge.
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_LEADER_FOLLOWER_LEADER_H_
#define QUORATE_REPLICATION_LEADER_FOLLOWER_LEADER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"

#include "replication/leader_follower/confirmed_reads.h"
#include "replication/leader_follower/log_window.h"
#include "replication/leader_follower/role.h"
#include "replication/named_writes.h"
#include "replication/quorum.h"

namespace quorate {

class Leader : public Role {
 public:
  explicit Leader(StrategyContext* context);

  StrategyStatus Status() const override;
  bool KnowsItsPast() const override;
  void Start() override;
  void OnWrite(OperationId id, const Operation& operation) override;
  void OnLinearizableRead(OperationId id, const Operation& operation, Version session) override;
  void OnExpire(OperationId id) override;
  void OnCancel(OperationId id) override;
  void OnPeerUp(NodeId peer) override;
  void OnPeerDown(NodeId peer) override;
  void OnMessage(NodeId from, const peer::v1::Message& message) override;
  void OnTimer(TimerId id) override;
  void FillPing(peer::v1::Ping* ping) override;
  void OnPing(NodeId, const peer::v1::Ping&) override {}
  void FillPong(peer::v1::Pong* pong) override { pong->set_highest_epoch(epoch_); }
  void OnPong(NodeId from, const peer::v1::Pong& pong) override;
  void FillCompareStart(NodeId to, peer::v1::CompareReply* reply) override;
  void OnPullStarted(NodeId, const peer::v1::CompareReply&) override {}
  void OnPulledRecord(NodeId from, absl::string_view key, const Record& record) override;
  void OnPullDone(NodeId from, bool source_was_syncing) override;
  void OnDrainEnd() override;

 private:
  static constexpr TimerId kResendTimer = 0;
  static constexpr TimerId kScanTimer = 1;
  static constexpr TimerId kConfirmTimer = 2;

  // Where a follower's operation came from, when it was forwarded.
  struct Origin {
    NodeId peer = 0;
    OperationId operation = 0;
    bool read = false;
  };
  struct PendingWrite {
    OperationId id = 0;
    Version version;
    QuorumTracker acks;
  };
  struct Follower {
    bool connected = false;
    // Reconciliation: whether this start of the leader has compared stores with this start of the
    // follower, and whether the follower knew its past then.
    Incarnation incarnation = 0;
    bool compared = false;
    bool trusted = false;
    std::optional<uint64_t> highest_epoch;
    // Replication; meaningful while attached.
    bool attached = false;
    uint64_t next = 0;  // to send
    uint64_t base = 0;  // the follower holds (base, through]
    uint64_t through = 0;
    // The last time that sending started again at a place without acknowledgement, and how long
    // there must have been none before.
    uint64_t through_at_rewind = 0;
    MonotonicTime rewound;
    absl::Duration patience;
    // How long an entry waits for its acknowledgement: measured for one at a time (0: none), and
    // never for one that is sent again, since nobody knows which of both an acknowledgement is for
    // (Karn and Partridge, 1987).
    uint64_t sent = 0;  // the highest number so far
    uint64_t timed = 0;
    MonotonicTime timed_since;
    absl::Duration usual_wait;
  };

  // The steps of a start (leader_start.cc): hear enough followers, choose an epoch, have enough of
  // them adopt it.
  void ScanOwnStore();
  void CompareWithNext();
  void TryClaimEpoch();
  void ClaimEpoch();
  void TryServe();
  int CountAdopted() const;  // the connected followers that know the epoch
  // Whether a write may be answered once so many replicas hold it. Fewer than W: not before W-1
  // others know the epoch, one of whom a later start hears before it chooses its own. Else what
  // only a lost follower holds of this epoch could rank above that start's writes for fewer than W.
  bool MayAskFor(int required) const;
  // Gives up the epoch because a higher one was seen, and claims one above that.
  void Abdicate(uint64_t higher_epoch);
  void Note(const Version& version);
  // Sends a write that has `version` to the followers, and answers at `required`. `record` is
  // encoded, and knows of the write.
  void Replicate(OperationId id, std::string key, const Version& version, std::string record,
                 int required);
  // A write with a name that an earlier try may have begun. Returns false where it is to begin now.
  bool Repeat(OperationId id, const Operation& operation, int required);
  void FinishNamed(OperationId id, const NamedWrite& write, const Operation& operation,
                   int required);
  // `record` is encoded.
  void Append(std::string key, std::string record);
  // Gives a place in the sequence to a record that only a follower held.
  void Adopt(std::string key, const Version& version, std::string record);
  // Of a write that was given `version`.
  OperationResult ResultOf(const Version& version) const;
  void Finish(OperationId id, OperationResult result);
  void OnAck(NodeId from, const peer::v1::ReplicateAck& ack);
  void Acknowledge(NodeId node, uint64_t base, uint64_t through);
  void OnForward(NodeId from, const peer::v1::Forward& forward);
  void OnEpochConfirmed(NodeId from, const peer::v1::EpochConfirmed& confirmed);
  // From now on the follower is sent what follows `through`; it holds (base, through] for sure.
  void Attach(Follower* follower, uint64_t base, uint64_t through);
  void TakeTime(Follower* follower);
  absl::Duration UsualPatience(const Follower& follower) const;
  void Rewind(Follower* follower);
  void SendEntries();
  // Entries that fewer than `required` replicas hold, where these are attached at all: writes whose
  // time is over are still among them.
  uint64_t Backlog(int required) const;
  // Followers that hold everything up to a number.
  int CountHolders(uint64_t through) const;
  // Whether the follower has enough unacknowledged bytes before `next` is sent.
  bool Full(const Follower& follower, uint64_t next) const;

  StrategyContext* const context_;
  // Recovery.
  bool own_store_scanned_ = false;
  std::optional<std::string> scanned_to_;
  uint64_t highest_epoch_;
  uint64_t epoch_ = 0;          // claimed; 0 before
  uint64_t durable_epoch_ = 0;  // the highest that this store cannot forget any more
  bool serving_ = false;
  bool widely_adopted_ = false;  // W-1 others know the epoch, at one time
  uint64_t next_number_ = 1;
  uint64_t durable_scheduled_ = 0;  // own acknowledgement asked for up to here
  LogWindow window_;
  absl::btree_map<NodeId, Follower> followers_;
  absl::btree_map<uint64_t, PendingWrite> writes_;  // by number
  absl::btree_map<OperationId, uint64_t> numbers_;  // of the writes above
  absl::btree_map<OperationId, Origin> origins_;    // forwarded operations in flight
  ConfirmedReads reads_;
  NamedWrites named_;
  uint64_t resent_ = 0;
  uint64_t adopted_ = 0;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_LEADER_FOLLOWER_LEADER_H_
