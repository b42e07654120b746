#include "client/node_directory.h"

#include <algorithm>
#include <cmath>

namespace quorate {
namespace {

// More nodes than any cluster has.
constexpr size_t kMaxNodes = 256;

constexpr absl::Duration kFirstAvoidance = absl::Milliseconds(100);
constexpr absl::Duration kLongestAvoidance = absl::Seconds(2);

}  // namespace

NodeDirectory::NodeDirectory(const std::vector<std::string>& targets) {
  for (const std::string& target : targets) {
    nodes_.emplace_back();
    nodes_.back().address = target;
  }
}

int NodeDirectory::Rank(size_t i, bool write, size_t previous, SteadyTime now) const {
  const Node& node = nodes_[i];
  if (node.duplicate) return 0;
  if (i == previous) return 1;
  if (Doubtful(node, write, now)) return 2;
  return node.serving ? 4 : 3;
}

size_t NodeDirectory::Pick(bool write, size_t previous, SteadyTime now) {
  if (write && !leader_.empty()) {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      if (node.name == leader_ && !node.duplicate && !Doubtful(node, write, now)) return i;
    }
  }
  size_t best = 0;
  int best_rank = -1;
  ++turn_;
  for (size_t step = 0; step < nodes_.size(); ++step) {
    const size_t i = (turn_ + step) % nodes_.size();
    const int rank = Rank(i, write, previous, now);
    if (rank <= best_rank) continue;
    best = i;
    best_rank = rank;
  }
  // The next turn begins behind this one, so that nodes that are passed over burden no neighbour.
  turn_ = best;
  return best;
}

bool NodeDirectory::HasAnother(size_t node, bool write, SteadyTime now) const {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (i != node && !nodes_[i].duplicate && !Doubtful(nodes_[i], write, now)) return true;
  }
  return false;
}

bool NodeDirectory::Knows(const std::string& name) const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [&name](const Node& node) { return node.name == name; });
}

bool NodeDirectory::Better(size_t a, size_t b) const {
  const bool a_fails = nodes_[a].failures > 0;
  const bool b_fails = nodes_[b].failures > 0;
  return a_fails != b_fails ? b_fails : a < b;
}

void NodeDirectory::FindDuplicates() {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].duplicate = false;
    for (size_t other = 0; other < nodes_.size() && !nodes_[i].name.empty(); ++other) {
      if (nodes_[other].name == nodes_[i].name && Better(other, i)) nodes_[i].duplicate = true;
    }
  }
}

void NodeDirectory::Learn(size_t from, const NodeStatus& status) {
  if (status.node.empty()) return;  // no node says that
  nodes_[from].name = status.node;
  nodes_[from].serving = status.state == "serving";
  // A node that knows no leader does not mean that there is none.
  if (!status.leader.empty()) leader_ = status.leader;
  for (const PeerInfo& peer : status.peers) {
    if (peer.node.empty() || peer.grpc_address.empty() || Knows(peer.node)) continue;
    const auto same = std::find_if(nodes_.begin(), nodes_.end(), [&peer](const Node& node) {
      return node.address == peer.grpc_address;
    });
    if (same != nodes_.end()) {
      same->name = peer.node;
    } else if (nodes_.size() < kMaxNodes) {
      nodes_.emplace_back();
      nodes_.back().address = peer.grpc_address;
      nodes_.back().name = peer.node;
      nodes_.back().serving = false;
    }
  }
  FindDuplicates();
}

void NodeDirectory::Failed(size_t i, SteadyTime now) {
  Node& node = nodes_[i];
  if (Avoided(node, now)) return;  // one failure, of many calls
  const absl::Duration avoidance =
      std::min(kLongestAvoidance, kFirstAvoidance * std::exp2(std::min(node.failures, 30)));
  ++node.failures;
  node.avoid_until = After(now, avoidance);
  if (node.failures == 1) FindDuplicates();
}

void NodeDirectory::Answered(size_t i) {
  if (nodes_[i].failures == 0) return;
  nodes_[i].failures = 0;
  FindDuplicates();
}

}  // namespace quorate
