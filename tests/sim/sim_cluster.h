// SimCluster: N replicas on one event queue. It owns their processes, disks and clocks, hands them
// what is due in bounded drains, and records in a History all that shows outside.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_SIM_CLUSTER_H_
#define QUORATE_TESTS_SIM_SIM_CLUSTER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

#include "replication/cluster_config.h"
#include "replication/replica.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/history.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_env.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_rng.h"
#include "tests/sim/trace.h"

namespace quorate::sim {

// What Observed() counts beside counters and lines: messages, and disks.
inline constexpr char kResendAsked[] = "message: resend";
inline constexpr char kReadRefused[] = "message: read refused";
inline constexpr char kWriteRefused[] = "message: acknowledged by one that may have forgotten";
inline constexpr char kNextPage[] = "message: compare a further page";
inline constexpr char kTornBatch[] = "disk: torn batch";
inline constexpr char kCutLog[] = "disk: cut log";
inline constexpr char kDamagedRead[] = "disk: damaged read";
inline constexpr char kNoRoom[] = "disk: no room";
inline constexpr char kFailedSync[] = "disk: failed sync";

struct ClusterPlan {
  // What all nodes share; `self` and `leader` are filled in by the cluster.
  ClusterConfig config;
  NodeId leader = 0;             // 0 where the strategy has none
  bool followers_know_n = true;  // else they wait for the leader's announcement
  NetworkPlan network;
  int drain_events_max = 16;  // a drain takes 1 to this many events
  absl::Duration drain_delay_mean = absl::Microseconds(50);
  absl::Duration sync_delay_mean = absl::Milliseconds(2);
  size_t log_batches = SimDisk::kUnlimited;  // a disk's log of so many goes into its tables
  absl::Duration clock_skew_max;             // a node's wall clock is off by up to this
};

class SimCluster : private SimWorld, private NetworkUser {
 public:
  // Called with an operation's place in the history when it is over for its client.
  using Done = std::function<void(size_t operation)>;

  // All must outlive the cluster. Nodes are numbered 1 to N; none runs yet.
  SimCluster(const ClusterPlan& plan, uint64_t seed, EventQueue* queue, History* history,
             Trace* trace);
  ~SimCluster() override;

  int size() const { return static_cast<int>(nodes_.size()); }
  const ClusterPlan& plan() const { return plan_; }
  const History& history() const { return *history_; }
  NodeId leader() const { return plan_.leader; }

  // Processes. Starting a node that is up does nothing, nor does ending one that is down, except
  // that its disk may be a new one from then on. A node whose disk is full does not start.
  void Start(NodeId node);
  enum class End {
    kCrash,      // the process dies, and the machine may lose its power with it
    kPowerLoss,  // the same, and it does
    kShutdown,   // the process ends cleanly, in good order where its disk is
    kNewDisk,    // the machine dies, and its successor has nothing
  };
  void Stop(NodeId node, End how);
  void Crash(NodeId node) { Stop(node, End::kCrash); }
  // The process stands still: what arrives waits.
  void Pause(NodeId node, absl::Duration how_long);
  bool Up(NodeId node) const override { return at(node).replica != nullptr; }
  bool Serving(NodeId node) const { return Up(node) && at(node).serving; }
  // Up, serving now, connected to all others, without open operations.
  bool AtRest(NodeId node) const;

  // The world around them.
  SimNetwork& network() { return network_; }
  SimDisk& disk(NodeId node) { return *at(node).disk; }
  void SetClockSkew(NodeId node, absl::Duration skew) { at(node).clock_skew = skew; }
  // Adds up; what was added is taken away by its negative.
  void AddSyncDelay(NodeId node, absl::Duration extra) { at(node).sync_extra += extra; }
  void FlipBit(NodeId node);
  // Network, disks, clocks and pauses are in order from now on. Starts what is down.
  void Heal();

  // Clients. Returns the operation's place in the history. `done` is called once, later: also where
  // the node is down or dies, but not where the operation never ends.
  size_t Submit(NodeId node, HistoryOperation operation, Done done);
  // The client does not know the outcome of a write that has ended, and tries it again at `node`.
  void Repeat(size_t operation, NodeId node, Done done);
  // The client takes the operation for lost. Its node does not hear of that.
  void GiveUp(size_t operation);
  // The client is gone.
  void Cancel(size_t operation);

  // How often what has been seen from outside of the replicas: the counters of their statuses,
  // summed over all lives, what they say (without the numbers in it), and what the names above say.
  std::map<std::string, uint64_t> Observed() const;

  // What a node is, for tests and for waiting; null where it is down.
  Replica* replica(NodeId node) { return at(node).replica.get(); }
  const Replica* replica(NodeId node) const { return at(node).replica.get(); }

 private:
  struct Work {
    MonotonicTime since;  // when it came
    std::function<void(Replica*)> run;
  };

  struct Node {
    NodeId id = 0;
    std::unique_ptr<SimDisk> disk;
    std::unique_ptr<SimEnv> env;
    std::unique_ptr<Replica> replica;  // null: down
    uint64_t life = 0;                 // counts starts
    uint64_t boots = 1;                // of its machine
    bool serving = false;              // its reads have counted in this life
    bool flushing = false;
    std::deque<Work> inbox;
    bool drain_due = false;
    MonotonicTime paused_until;
    bool sync_running = false;
    SyncTicket sync_wanted = 0;  // by the next sync; 0: none
    absl::Duration sync_extra;
    absl::Duration clock_skew;
    std::map<TimerId, uint64_t> timers;  // the generation that counts
    std::map<OperationId, size_t> open;  // in history_
    OperationId next_operation = 0;
    std::set<Incarnation> used_incarnations;
  };

  Node& at(NodeId node) { return nodes_[node - 1]; }
  const Node& at(NodeId node) const { return nodes_[node - 1]; }
  ClusterConfig ConfigOf(NodeId node) const;
  Incarnation NewIncarnation(Node* node);
  // Ends the process over the disk, and writes down what that takes away.
  void StopDisk(Node* node, End how);
  void RecordForgotten(NodeId node, const WriteBatch& before);
  void RecordRecovered(NodeId node);
  void RecordApplied(NodeId node, const WriteBatch& batch);
  void RecordSynced(NodeId node, const WriteBatch& batch);
  void RecordMessages(NodeId from, const peer::v1::Batch& batch);
  void RecordLine(const std::string& line);
  void AddCounters(const Replica& replica, std::map<std::string, uint64_t>* sums) const;
  void Flush(Node* node);
  void NoteServing(Node* node, bool answers = false);
  void NoteOverdue(const Node& node);
  void Enqueue(NodeId node, std::function<void(Replica*)> work);
  void ScheduleDrain(Node* node);
  void Drain(NodeId node, uint64_t life);
  void SendToNode(size_t operation, Done done);
  void EndOperation(size_t operation);
  void StartSync(NodeId node);

  // SimWorld.
  MonotonicTime Now() const override { return queue_->Now(); }
  absl::Time WallNow(NodeId node) const override;
  void OnSend(NodeId from, NodeId to, peer::v1::Batch batch) override;
  void OnSetTimer(NodeId node, TimerId id, MonotonicTime when) override;
  void OnExpireAt(NodeId node, OperationId id, MonotonicTime when) override;
  void OnComplete(NodeId node, OperationId id, OperationResult result) override;
  void OnRequestSync(NodeId node, SyncTicket ticket) override;
  void OnLog(NodeId node, const std::string& line) override;

  // NetworkUser.
  void Deliver(NodeId to, std::shared_ptr<const peer::v1::Batch> batch) override;
  void DeliverLink(NodeId node, NodeId peer, bool up) override;

  const ClusterPlan plan_;
  EventQueue* const queue_;
  History* const history_;
  Trace* const trace_;
  MomentRng rng_;          // stream "cluster": drains, incarnations, what replicas draw
  MomentRng storage_rng_;  // stream "storage": sync delays, what a crash keeps
  SimNetwork network_;
  std::vector<Node> nodes_;
  absl::flat_hash_map<std::pair<NodeId, OperationId>, size_t> operations_;  // in history_
  std::set<std::pair<NodeId, OperationId>> given_up_;                       // of the above
  std::map<size_t, Done> done_;
  std::map<std::string, uint64_t> observed_;
  absl::flat_hash_set<uint64_t> recorded_messages_;  // hashes: a message to four peers counts once
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_SIM_CLUSTER_H_
