// QuorumTracker: counts the answers of distinct replicas towards a quorum. Pure arithmetic.
//
//   QuorumTracker acks(/*replicas=*/5, /*required=*/3);
//   acks.Accept(1); acks.Accept(1); acks.Accept(2); acks.Reject(3);
//   acks.state();   // kPending: two distinct acceptances, one refusal, 3 are possible still
//
// Values: thread-compatible.
#ifndef QUORATE_REPLICATION_QUORUM_H_
#define QUORATE_REPLICATION_QUORUM_H_

#include "absl/container/inlined_vector.h"

#include "replication/storage/version.h"

namespace quorate {

enum class QuorumState { kPending, kMet, kImpossible };

class QuorumTracker {
 public:
  // 1 <= required <= replicas, else the program is wrong and stops.
  QuorumTracker(int replicas, int required);

  // A replica's first answer counts; any later one of the same replica changes nothing.
  // Returns whether this answer counted.
  bool Accept(NodeId node);
  bool Reject(NodeId node);

  // Takes back an acceptance: the replica may have forgotten what it accepted. It may accept again.
  void Withdraw(NodeId node);

  QuorumState state() const;

  bool Answered(NodeId node) const;
  int accepted() const { return static_cast<int>(accepted_.size()); }
  int rejected() const { return static_cast<int>(rejected_.size()); }
  int required() const { return required_; }
  int replicas() const { return replicas_; }

 private:
  using Nodes = absl::InlinedVector<NodeId, 8>;

  int replicas_;
  int required_;
  Nodes accepted_;
  Nodes rejected_;
};

// How many other replicas a node must hear before it knows of every write that W replicas
// acknowledged: any N-W+1 of them meet every such set (doc/semantics.md 46). There are N-1 others,
// so at W=1 it is all of them.
int OthersToHear(int n, int w);

}  // namespace quorate

#endif  // QUORATE_REPLICATION_QUORUM_H_
