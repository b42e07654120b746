// RealCluster: node processes on addresses of their own, with folders of their own, started, ended,
// paused and looked at by their owner.
//
// Not thread-safe, and of the thread that made it: nodes end with that thread.
#ifndef QUORATE_TESTS_NEMESIS_REAL_CLUSTER_H_
#define QUORATE_TESTS_NEMESIS_REAL_CLUSTER_H_

#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "proto/kv.grpc.pb.h"
#include "replication/env.h"
#include "replication/storage/stored_state.h"
#include "tests/nemesis/child_process.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {

struct RealClusterOptions {
  sim::ScheduleSetting setting;
  Durability durability = Durability::kMemory;
  std::string node_program;
  std::string folder;         // takes what nodes store and print
  std::string schedule_file;  // what the nodes' world does
  std::string board_file;
  bool full_disks = false;  // each node's data lie on a small disk of its own
};

// What a node holds of some keys, in a form that can be compared; by key.
using Holding = std::map<std::string, std::string>;

class RealCluster {
 public:
  explicit RealCluster(const RealClusterOptions& options);
  // Kills all nodes, and takes their small disks away.
  ~RealCluster();

  NodeId size() const { return static_cast<NodeId>(options_.setting.n); }
  std::string GrpcAddress(NodeId node) const;

  // Processes. UNAVAILABLE where the system refuses a new one. Starting a node that is up does
  // nothing.
  absl::Status Start(NodeId node);
  bool Up(NodeId node) { return at(node).process != nullptr && !at(node).process->Ended(); }
  // Blocks until the process is gone.
  void Kill(NodeId node);
  // Asks it to end. Whether it has ended, and well, is seen later.
  void Terminate(NodeId node);
  bool EndedWell(NodeId node) const { return at(node).process->EndedWell(); }
  std::string HowItEnded(NodeId node) const { return at(node).process->HowItEnded(); }
  void Pause(NodeId node) { at(node).process->Signal(SIGSTOP); }
  void Resume(NodeId node) { at(node).process->Signal(SIGCONT); }
  // Counts starts.
  int life(NodeId node) const { return at(node).life; }

  // Disks. A node must be down to lose what it stores.
  void Wipe(NodeId node);
  // Leaves no room on its disk, and gives it back. REQUIRES: full_disks.
  absl::Status FillDisk(NodeId node);
  void EmptyDisk(NodeId node);

  // What a node says of itself; nullopt where it does not answer within `patience`. Blocks.
  std::optional<v1::StatusResponse> Ask(NodeId node, absl::Duration patience) const;
  // Whether it answered, serves and reaches all others.
  bool AtRest(const std::optional<v1::StatusResponse>& status) const;
  // What a node holds; an error where it does not tell. Blocks.
  absl::StatusOr<Holding> Held(NodeId node, const std::vector<std::string>& keys) const;

  // The end of what a node has printed.
  std::string LogTail(NodeId node) const;

 private:
  struct Node {
    NodeId id = 0;
    std::string address;
    std::string data;  // folder; empty: in memory
    std::string log;
    std::unique_ptr<ChildProcess> process;  // null: never started
    int life = 0;
    std::unique_ptr<v1::KeyValue::Stub> stub;
  };

  Node& at(NodeId node) { return nodes_[node - 1]; }
  const Node& at(NodeId node) const { return nodes_[node - 1]; }
  std::vector<std::string> ArgumentsOf(const Node& node) const;
  std::vector<std::string> EnvironmentOf(const Node& node) const;

  const RealClusterOptions options_;
  std::vector<Node> nodes_;
};

// Gives this process a view of its own of what is mounted, so that small disks can be mounted that
// end with it. UNAVAILABLE, with the reason, where that takes more rights than it has. To be called
// before any thread is started.
absl::Status SeparateMounts();
// Mounts a small disk at `folder`, which exists.
absl::Status MountSmallDisk(const std::string& folder);

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_REAL_CLUSTER_H_
