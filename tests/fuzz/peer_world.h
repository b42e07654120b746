// PeerWorld: three real replicas whose network, disks, clock and clients do what a fuzz target
// says.
//
// It watches what must hold whatever messages arrive, and ends the program where it does not:
//   * no record that a replica holds goes back, or cannot be read any more;
//   * an operation ends once, and ends when its time is over;
//   * a replica fails only where its disk has.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_FUZZ_PEER_WORLD_H_
#define QUORATE_TESTS_FUZZ_PEER_WORLD_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "proto/peer.pb.h"
#include "replication/cluster_config.h"
#include "replication/operation.h"
#include "replication/replica.h"
#include "replication/storage/stored_state.h"

namespace quorate::fuzz {

class PeerWorld {
 public:
  static constexpr int kNodes = 3;  // named 1..kNodes; node 1 leads where the strategy has a leader
  static constexpr std::array<const char*, 3> kKeys = {"a", "b", "c"};
  // Longer than any operation's.
  static constexpr absl::Duration kLongestTimeout = absl::Milliseconds(500);

  // All have started and are linked, and nothing has been delivered. Where they keep data, it is
  // not their first life: they know that they hold all there is.
  explicit PeerWorld(const ClusterConfig& settings);
  ~PeerWorld();

  // The batches on their way from one node to another, oldest first.
  std::deque<peer::v1::Batch>& Way(NodeId from, NodeId to);
  // A batch that says what the newest one of that way says, with the next number and no messages.
  peer::v1::Batch NextLike(NodeId from, NodeId to);

  void Receive(NodeId node, const peer::v1::Batch& batch);
  void Submit(NodeId node, Operation operation);
  void CancelOldest(NodeId node);
  void Link(NodeId node, NodeId peer, bool up);
  // The oldest sync that the node waits for is done, or will never be.
  void Sync(NodeId node, bool works);
  // With an empty disk where `forget`, or where it keeps nothing anyway.
  void Restart(NodeId node, bool forget);
  // Time passes, and what it makes due happens; nothing is delivered.
  void Advance(absl::Duration duration);
  // All that is on its way arrives, all disks sync, and time passes.
  void RunHonestly(absl::Duration duration);
  // Until sessions are open, and replicas that have kept nothing have compared with the others.
  void FindEachOther();

  void Check();
  // All operations have had their time: none may be open.
  void CheckEnd();

  // What messages may refer to.
  const ClusterConfig& settings() const { return settings_; }
  const std::vector<OperationId>& operations() const { return operations_; }
  uint64_t EpochOf(NodeId node) const;
  Incarnation IncarnationOf(NodeId node) const;

 private:
  class Node;

  Node& At(NodeId node) { return *nodes_[node - 1]; }
  const Node& At(NodeId node) const { return *nodes_[node - 1]; }
  void Start(NodeId node);
  // When the next timer or expiry is due.
  MonotonicTime NextDue() const;
  void RunDue();
  NewLife NextLife(NodeId node);
  bool DeliverAll();

  const ClusterConfig settings_;
  MonotonicTime now_;
  Incarnation last_incarnation_ = 100;
  uint64_t last_random_ = 0;
  std::map<std::pair<NodeId, NodeId>, std::deque<peer::v1::Batch>> ways_;
  std::map<std::pair<NodeId, NodeId>, peer::v1::Batch> newest_;
  std::array<std::unique_ptr<Node>, kNodes> nodes_;
  std::vector<OperationId> operations_;
};

}  // namespace quorate::fuzz

#endif  // QUORATE_TESTS_FUZZ_PEER_WORLD_H_
