// QuorumReads: reads answered by R replicas, for every strategy. The coordinator counts its own
// store as one answer, asks R-1 connected peers for the others, answers at R, and keeps listening
// so that the strategy can repair those asked that were behind.
//
// It asks the peers that owe it the fewest answers, in turn where these are equal, so that a slow
// or silent one is soon avoided. One that refuses, or whose session is lost, is replaced at once.
// A read that takes longer than most have taken lately asks one peer more: a hedge, as long as the
// budget allows (doc/semantics.md 18). A read that has waited for config().peer_timeout asks one
// more whatever the budget says, since a silence of that length means a lost peer; where none is
// left, it asks the silent ones again, since questions and answers may be lost without their peer.
//
// With config().read_all every connected peer is asked at once, so there are no hedges.
//
// A read of a session (Operation::session) goes on until it knows all that the session has seen
// (doc/semantics.md 52): where R answers fall short of it, all others are asked, and all again now
// and then until the deadline.
//
// A strategy can have answers collected for itself, as the first step of an operation that goes on.
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_QUORUM_READS_H_
#define QUORATE_REPLICATION_QUORUM_READS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"

#include "proto/peer.pb.h"
#include "replication/hedge_budget.h"
#include "replication/latency_quantile.h"
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

// What Collect was asked for.
struct Collected {
  Operation operation;
  Record merged;  // an empty version where nobody had a record
  std::vector<NodeId>
      holders;  // answered with `merged`, and were not lost since; ordered by answer
  int answers = 0;
  int required = 0;
  bool disagreed = false;
};

class QuorumReads {
 public:
  // `timer` is one of the strategy's, for this object alone: the strategy calls OnTimer when it
  // fires. `on_settled` is called once for each started read that asked a peer and was not
  // cancelled. `context` must outlive this.
  QuorumReads(StrategyContext* context, TimerId timer,
              std::function<void(const SettledRead&)> on_settled)
      : context_(context), timer_(timer), on_settled_(std::move(on_settled)) {}

  // A valid get at a node that knows its past, which must not return less than `session`.
  void Start(OperationId id, const Operation& operation, Version session);

  // What `required` replicas hold of the operation's key, this node's store among them. `then` is
  // called once with it, possibly before this returns; the operation stays open. Where it cannot be
  // had the operation is completed instead, as a read would be: nothing was written. It is never
  // settled.
  using OnCollected = std::function<void(OperationId, Collected)>;
  void Collect(OperationId id, Operation operation, int required, OnCollected then);

  void OnReply(NodeId from, const peer::v1::ReadReply& reply);
  void OnPeerDown(NodeId peer);
  void OnTimer();
  // Returns false where `id` is no read.
  bool OnExpire(OperationId id);
  void OnCancel(OperationId id);

  // Settles answered reads that have waited for the other answers since before `started`: these may
  // have been lost. To be called now and then.
  void SettleOld(MonotonicTime started);

  // Answers a coordinator. `knows_past` false: tells it not to count on this node.
  void Serve(NodeId from, const peer::v1::Read& read, bool knows_past);

  // reads_hedged; hedges_denied: how often one was due while the budget was used up;
  // reads_behind_session: where R answers fell short of the session.
  void AddCounters(StrategyStatus* status) const;

 private:
  struct Answer {
    NodeId node = 0;
    Version version;
  };
  struct Question {
    NodeId node = 0;
    MonotonicTime asked;
  };
  struct Collection {
    Operation operation;
    OnCollected then;
  };
  struct PendingRead {
    std::string key;
    QuorumTracker answers;
    MonotonicTime started;
    Record merged = {};
    absl::InlinedVector<Answer, 5> versions = {};
    absl::InlinedVector<NodeId, 8> asked = {};          // whatever became of it
    absl::InlinedVector<Question, 4> awaited = {};      // of these, who may still answer
    absl::Duration patience = absl::ZeroDuration();     // before the next hedge
    MonotonicTime hedge_at = absl::InfiniteDuration();  // its place in hedges_
    bool completed = false;
    size_t bytes = 0;                             // of `merged`, counted in held_bytes_
    std::unique_ptr<Collection> collection = {};  // null for a client's get
    Version session = {};                         // return nothing less
    bool behind_session = false;                  // R answers fell short of it
    bool own_awaited = false;                     // this node's answer waits for its disk
  };
  using Reads = absl::btree_map<OperationId, PendingRead>;
  struct Peer {
    int unanswered = 0;    // reads that await it
    bool refuses = false;  // as far as known: forgotten now and then
  };

  // Bytes of values that this node's reads in flight keep.
  size_t held_bytes() const;
  bool HoldsTooMuch() const;
  // Settles answered reads where there is no room for more: others can be repaired another time.
  void MakeRoom();
  void Begin(OperationId id, const Operation& operation, int required, Version session,
             std::unique_ptr<Collection> collection);
  // A read at R=1: nobody is asked. Returns false where this node's store falls short of `session`.
  bool AnswerAlone(OperationId id, const std::string& key, const Version& session);
  // Lets this node's own store answer, now or when that is durable; one answer at a time waits.
  void AnswerFromStore(OperationId id, const std::string& key);
  // Up to `count` connected peers that the read has not asked, the best to ask first.
  std::vector<NodeId> Choose(const PendingRead& read, int count);
  void Ask(OperationId id, PendingRead* read, const std::vector<NodeId>& peers);
  void SendQuestion(OperationId id, const PendingRead& read, const std::vector<NodeId>& peers);
  static bool IsWrite(const PendingRead& read);
  static void Disown(PendingRead* read, NodeId peer);
  // When `node` was asked, if it was awaited; it no longer is.
  std::optional<MonotonicTime> StopAwaiting(PendingRead* read, NodeId node);
  // How long an answer is waited for before one more peer is asked.
  absl::Duration UsualWait() const;
  void PlanHedge(OperationId id, PendingRead* read);
  void DropHedge(OperationId id, PendingRead* read);
  void Hedge(OperationId id, PendingRead* read);
  // What is done while the answers fall short of the session: all others are asked, and then all.
  void AwaitSession(OperationId id, PendingRead* read);
  void AskAllAgain(OperationId id, PendingRead* read);
  void ArmTimer();
  void Take(OperationId id, NodeId node, const std::optional<Record>& record);
  // Asks others where those asked are too few, completes and settles as far as the answers allow;
  // may erase the read.
  void Advance(OperationId id);
  void Complete(OperationId id, PendingRead* read, OperationResult result);
  void CompleteMet(OperationId id, PendingRead* read);
  void HandOver(OperationId id, PendingRead* read);
  void Settle(OperationId id);
  void Erase(Reads::iterator it);
  static bool Disagree(const PendingRead& read);
  static bool KnowsSession(const PendingRead& read);
  // Why the read was not answered by its deadline, for people.
  static std::string WhyLate(const PendingRead& read);

  StrategyContext* const context_;
  const TimerId timer_;
  const std::function<void(const SettledRead&)> on_settled_;
  Reads reads_;
  absl::btree_set<OperationId> answered_;  // of these, those that only wait for further answers
  size_t held_bytes_ = 0;                  // of the records of all reads
  absl::btree_map<NodeId, Peer> peers_;
  size_t turn_ = 0;  // whose turn it is among peers that are equally good to ask
  // Hedging.
  LatencyQuantile waits_{0.95};
  HedgeBudget budget_;
  absl::btree_set<std::pair<MonotonicTime, OperationId>> hedges_;  // due then; of open reads
  MonotonicTime timer_at_ = absl::InfiniteDuration();
  uint64_t hedged_ = 0;
  uint64_t denied_ = 0;
  uint64_t behind_session_ = 0;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_QUORUM_READS_H_
