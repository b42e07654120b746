#include "node/test_cluster.h"

#include "absl/strings/str_cat.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"

#include "node/loopback.h"
#include "node/node_status.h"
#include "node/poll_loop.h"
#include "replication/registry.h"

namespace quorate {

OperationResult Execute(Node* node, Operation operation) {
  Waiter waiter;
  node->Start(std::move(operation), waiter.callback());
  return waiter.Await();
}

Operation Set(const std::string& key, const std::string& value) {
  Operation operation;
  operation.kind = OperationKind::kSet;
  operation.key = key;
  operation.value = value;
  return operation;
}

Operation Read(OperationKind kind, const std::string& key) {
  Operation operation;
  operation.kind = kind;
  operation.key = key;
  return operation;
}

std::string ValueOf(const OperationResult& result) {
  if (!result.status.ok()) return result.status.ToString();
  const Sibling* winner = result.record.has_value() ? result.record->Winner() : nullptr;
  return winner == nullptr || winner->tombstone ? "-" : winner->value;
}

bool Eventually(const std::function<bool()>& condition) {
  Mutex mu;
  CondVar never;
  const MonotonicTime end = MonotonicNow() + kPatience;
  while (!condition()) {
    if (MonotonicNow() > end) return false;
    MutexLock lock(&mu);
    never.WaitFor(&mu, absl::Milliseconds(10));
  }
  return true;
}

Cluster::Cluster(const std::string& strategy, int n, int w, int r, const Extra& extra) {
  for (int i = 0; i < n; ++i) addresses_.push_back(OwnLoopbackAddress());
  for (int i = 0; i < n; ++i) configs_.push_back(ConfigOf(strategy, i, w, r, extra));
  nodes_.resize(static_cast<size_t>(n));
}

void Cluster::SetPeerTimeout(absl::Duration timeout) {
  for (NodeConfig& config : configs_) config.cluster.peer_timeout = timeout;
}

void Cluster::StartAll() {
  for (size_t i = 0; i < nodes_.size(); ++i) Start(i);
}

void Cluster::Start(size_t i, const NodeStorage& storage) {
  absl::StatusOr<std::unique_ptr<Node>> node =
      Node::Start(configs_[i], NodeWorld{storage, nullptr, nullptr});
  ASSERT_TRUE(node.ok()) << node.status();
  nodes_[i] = *std::move(node);
}

bool Cluster::AwaitServing() {
  return Eventually([this] {
    for (const std::unique_ptr<Node>& node : nodes_) {
      if (node != nullptr && node->Status().state() != kServing) return false;
    }
    return true;
  });
}

std::shared_ptr<grpc::Channel> Cluster::Dial(size_t i) const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(
      absl::StrCat(configs_[i].listen_address, ":", configs_[i].grpc_port),
      grpc::InsecureChannelCredentials(), arguments);
}

NodeConfig Cluster::ConfigOf(const std::string& strategy, int i, int w, int r,
                             const Extra& extra) const {
  const bool leader = StrategyHasLeader(strategy);
  Settings settings;
  const auto set = [&settings](const std::string& name, const std::string& value) {
    settings[name] = Setting{value, "--" + name};
  };
  set("strategy", strategy);
  set("listen_address", addresses_[static_cast<size_t>(i)]);
  set("node_id", absl::StrCat(i + 1));
  if (leader) set("node_type", i == 0 ? "leader" : "follower");
  if (!leader || i == 0) {
    std::string others;
    for (size_t j = 0; j < addresses_.size(); ++j) {
      if (static_cast<int>(j) == i) continue;
      absl::StrAppend(&others, others.empty() ? "" : ",", "http://", addresses_[j], ":8080");
    }
    if (!others.empty()) set(leader ? "follower_urls" : "peer_urls", others);
    set("w", absl::StrCat(w));
    set("r", absl::StrCat(r));
  }
  for (const auto& [name, value] : extra) set(name, value);
  const absl::StatusOr<NodeConfig> config = MakeNodeConfig(settings);
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *config : NodeConfig();
}

}  // namespace quorate
