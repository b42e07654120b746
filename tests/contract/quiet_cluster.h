// QuietCluster: a simulated cluster in which nothing goes wrong by itself, for tests that say what
// goes wrong and when.
//
//   QuietCluster cluster("leaderless", Quorums{3, 2, 2});
//   cluster.StartAll();
//   const OperationResult result = cluster.Do(1, Set("key", "value"));
//
// Not thread-safe.
#ifndef QUORATE_TESTS_CONTRACT_QUIET_CLUSTER_H_
#define QUORATE_TESTS_CONTRACT_QUIET_CLUSTER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "replication/cluster_config.h"
#include "replication/operation.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/history.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/trace.h"

namespace quorate {

// Operations, in the words of a client.
Operation Set(const std::string& key, const std::string& value);
Operation Delete(const std::string& key);
Operation Get(const std::string& key);
Operation LocalRead(const std::string& key);

// The value that a read returned: "absent" for none, where a value would be 'value'.
std::string ValueOf(const OperationResult& read);

class QuietCluster {
 public:
  // `adjust` may change the configuration that all nodes share.
  QuietCluster(
      const std::string& strategy, const Quorums& quorums,
      Durability durability = Durability::kMemory,
      const std::function<void(ClusterConfig*)>& adjust = [](ClusterConfig*) {});

  // Starts every node and waits until all are at rest.
  void StartAll();

  // Runs an operation to its end: as a call of a client that waits. The program stops where it does
  // not end within a minute of virtual time.
  OperationResult Do(NodeId node, Operation operation);

  // Submits without waiting; returns the operation's place in the history.
  size_t Begin(NodeId node, Operation operation);
  const sim::HistoryOperation& At(size_t operation) const {
    return history_.operations()[operation];
  }

  void Wait(absl::Duration how_long);
  // Whether it came true within a minute of virtual time.
  bool WaitUntil(const std::function<bool()>& done);
  // All up, serving and connected, and no operation open.
  bool AtRest() const;

  // Both directions between two nodes; or all between one node and the others.
  void Cut(NodeId a, NodeId b);
  void Mend(NodeId a, NodeId b);
  void Isolate(NodeId node);
  void Rejoin(NodeId node);

  // The nodes by which the strategy's writes go first: its leader, or node 1.
  NodeId Coordinator() const;
  // All nodes but one.
  std::vector<NodeId> Others(NodeId node) const;
  // Whether no node stores anything.
  bool NothingStored();
  const Guarantee& Promise() const { return history_.promise(); }

  sim::SimCluster& nodes() { return cluster_; }
  sim::History& history() { return history_; }

 private:
  sim::EventQueue queue_;
  sim::Trace trace_;
  sim::History history_;
  sim::SimCluster cluster_;
};

}  // namespace quorate

#endif  // QUORATE_TESTS_CONTRACT_QUIET_CLUSTER_H_
