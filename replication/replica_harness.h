// ReplicaHarness: a few replicas on a perfect network that a test can cut, for scripted tests of
// one behaviour at a time. Faults drawn from seeds belong to tests/sim.
//
// Not thread-safe; tests only.
#ifndef QUORATE_REPLICATION_REPLICA_HARNESS_H_
#define QUORATE_REPLICATION_REPLICA_HARNESS_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "replication/env.h"
#include "replication/replica.h"
#include "replication/storage/memory_engine.h"

namespace quorate {

class ReplicaHarness {
 public:
  // Nodes 1..n; node 1 leads where the strategy has a leader. All start, connect and are serving
  // when the constructor returns.
  ReplicaHarness(const std::string& strategy, Quorums quorums,
                 const std::function<void(ClusterConfig*)>& adjust = nullptr);
  ~ReplicaHarness();

  Replica& replica(NodeId node);

  // Lets virtual time pass; messages arrive in order after one millisecond.
  void Run(absl::Duration duration);

  // Submits at a node and runs until the result is there, or the deadline and some more has passed
  // (the test then fails).
  OperationResult Do(NodeId node, Operation operation);
  OperationId Submit(NodeId node, Operation operation);
  // Null while the operation is open.
  const OperationResult* ResultOf(OperationId id) const;

  // Changes a message on its way, before `lose` sees it: what a faulty or another version's peer
  // may send.
  std::function<void(NodeId from, NodeId to, peer::v1::Message* message)> alter;

  // Messages for which this returns true are lost.
  std::function<bool(NodeId from, NodeId to, const peer::v1::Message& message)> lose;

  // How long a sync takes that a node asks for from now on; a millisecond where there is none.
  std::map<NodeId, absl::Duration> sync_times;

  // Of every message sent from now on.
  absl::Duration latency = absl::Milliseconds(1);

  void Crash(NodeId node);
  // Empty, with a new incarnation; or with the data that it had.
  void Restart(NodeId node);
  void RestartWithData(NodeId node);

  // What a node's store holds: "value", "(tombstone)", "(none)", siblings joined by '|'.
  std::string Held(NodeId node, const std::string& key);

 private:
  class Node;
  struct Event {
    NodeId node = 0;
    std::function<void(Replica*)> action;
    Incarnation incarnation = 0;  // the node's, when the event was made; 0: any
  };

  void At(MonotonicTime time, Event event);
  void Step();
  void Start(NodeId node, MemoryEngine engine);
  void Deliver(NodeId from, NodeId to, peer::v1::Batch batch);

  const std::string strategy_;
  const Quorums quorums_;
  const std::function<void(ClusterConfig*)> adjust_;
  MonotonicTime now_;
  Incarnation last_incarnation_ = 100;
  OperationId last_operation_ = 1000000;
  uint64_t last_random_ = 0;
  std::multimap<MonotonicTime, Event> events_;
  std::map<NodeId, std::unique_ptr<Node>> nodes_;
  std::map<OperationId, OperationResult> results_;
};

// Operations with the defaults.
Operation GetOf(const std::string& key);
Operation SetOf(const std::string& key, const std::string& value);
Operation DeleteOf(const std::string& key);

// A read's value in the notation of ReplicaHarness::Held.
std::string ValueOf(const OperationResult& result);

}  // namespace quorate

#endif  // QUORATE_REPLICATION_REPLICA_HARNESS_H_
