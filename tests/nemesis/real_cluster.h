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
#include "replication/storage/version.h"
#include "tests/nemesis/child_process.h"
#include "tests/nemesis/node_processes.h"
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

class RealCluster final : public NodeProcesses {
 public:
  explicit RealCluster(const RealClusterOptions& options);
  // Kills all nodes, and takes their small disks away.
  ~RealCluster() override;

  std::string GrpcAddress(NodeId node) const;

  NodeId size() const override { return static_cast<NodeId>(options_.setting.n); }
  absl::Status Start(NodeId node) override;
  bool Up(NodeId node) override {
    return at(node).process != nullptr && !at(node).process->Ended();
  }
  void Kill(NodeId node) override;
  void Terminate(NodeId node) override;
  bool EndedWell(NodeId node) const override { return at(node).process->EndedWell(); }
  std::string HowItEnded(NodeId node) const override { return at(node).process->HowItEnded(); }
  void Pause(NodeId node) override { at(node).process->Signal(SIGSTOP); }
  void Resume(NodeId node) override { at(node).process->Signal(SIGCONT); }
  int life(NodeId node) const override { return at(node).life; }
  void Wipe(NodeId node) override;
  // REQUIRES: full_disks.
  absl::Status FillDisk(NodeId node) override;
  void EmptyDisk(NodeId node) override;
  std::string LogTail(NodeId node) const override;

  // What a node says of itself; nullopt where it does not answer within `patience`. Blocks.
  std::optional<v1::StatusResponse> Ask(NodeId node, absl::Duration patience) const;
  // Whether it answered, serves and reaches all others.
  bool AtRest(const std::optional<v1::StatusResponse>& status) const;
  // What a node holds; an error where it does not tell. Blocks.
  absl::StatusOr<Holding> Held(NodeId node, const std::vector<std::string>& keys) const;

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
