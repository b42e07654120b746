// For tests with whole nodes: a cluster of them in this process, and calls that wait.
#ifndef QUORATE_NODE_TEST_CLUSTER_H_
#define QUORATE_NODE_TEST_CLUSTER_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"

#include "node/node.h"
#include "node/node_config.h"
#include "node/node_store.h"
#include "replication/operation.h"
#include "support/mutex.h"

namespace quorate {

// How long these helpers wait for what must happen.
inline constexpr absl::Duration kPatience = absl::Seconds(20);

// Waits for one result.
class Waiter {
 public:
  KvApi::Callback callback() {
    return [this](OperationResult result) {
      MutexLock lock(&mu_);
      result_ = std::move(result);
      changed_.SignalAll();
    };
  }
  OperationResult Await() {
    MutexLock lock(&mu_);
    while (!result_.has_value()) changed_.Wait(&mu_);
    return *result_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::optional<OperationResult> result_ ABSL_GUARDED_BY(mu_);
};

// Does the operation and waits for its result.
OperationResult Execute(Node* node, Operation operation);

Operation Set(const std::string& key, const std::string& value);
Operation Read(OperationKind kind, const std::string& key);

// The value that a read found; "-" where the key is absent, the error where the read failed.
std::string ValueOf(const OperationResult& result);

// Asks again and again until `condition` holds. False when patience has ended.
bool Eventually(const std::function<bool()>& condition);

// Nodes in this process, each on an address of its own.
class Cluster {
 public:
  // Settings beyond strategy, names, places and quorums: the same for all nodes.
  using Extra = std::map<std::string, std::string>;

  Cluster(const std::string& strategy, int n, int w, int r, const Extra& extra = {});

  void StartAll();
  // Ends the test where the node does not start. `storage` is for nodes with a data_dir.
  void Start(size_t i, const NodeStorage& storage = {});
  void Stop(size_t i) { nodes_[i].reset(); }
  // From the next start on.
  void SetPeerTimeout(absl::Duration timeout);
  void SetDataDir(size_t i, const std::string& data_dir) { configs_[i].data_dir = data_dir; }

  // Whether all nodes that run come to serve.
  bool AwaitServing();

  Node* node(size_t i) { return nodes_[i].get(); }
  const NodeConfig& config(size_t i) const { return configs_[i]; }
  std::shared_ptr<grpc::Channel> Dial(size_t i) const;

 private:
  NodeConfig ConfigOf(const std::string& strategy, int i, int w, int r, const Extra& extra) const;

  std::vector<std::string> addresses_;
  std::vector<NodeConfig> configs_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace quorate

#endif  // QUORATE_NODE_TEST_CLUSTER_H_
