#include "client/node_directory.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace quorate {
namespace {

// More nodes than any cluster has, and more addresses than they are likely to move through.
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
  if (!usable(i)) return 0;
  if (i == previous) return 1;
  if (Doubtful(node, write, now)) return 2;
  return node.serving ? 4 : 3;
}

size_t NodeDirectory::Pick(bool write, size_t previous, SteadyTime now) {
  if (write && !leader_.empty()) {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      if (node.name == leader_ && usable(i) && !Doubtful(node, write, now)) return i;
    }
  }
  size_t best = nodes_.size();
  int best_rank = 0;
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

absl::Status NodeDirectory::NobodyToAsk() const {
  std::string message = absl::StrCat("no address of cluster '", cluster_, "' is left:");
  for (const Node& node : nodes_) {
    if (node.cluster.empty() || !Foreign(node)) continue;
    absl::StrAppend(&message, " ", node.address, " is of '", node.cluster, "';");
  }
  absl::StrAppend(&message, " make a connection with targets of the cluster that is meant");
  return absl::UnavailableError(message);
}

bool NodeDirectory::HasAnother(size_t node, bool write, SteadyTime now) const {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (i != node && usable(i) && !Doubtful(nodes_[i], write, now)) return true;
  }
  return false;
}

bool NodeDirectory::Reaches(const std::string& name) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [this, &name](const Node& node) {
    return node.name == name && node.failures == 0 && !Foreign(node);
  });
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
      // Nodes of two clusters may well have the same names.
      const bool same = nodes_[other].name == nodes_[i].name &&  //
                        nodes_[other].cluster == nodes_[i].cluster;
      if (same && Better(other, i)) nodes_[i].duplicate = true;
    }
  }
}

void NodeDirectory::LearnPeer(const PeerInfo& peer) {
  if (peer.node.empty() || peer.grpc_address.empty() || Reaches(peer.node)) return;
  const auto same = std::find_if(nodes_.begin(), nodes_.end(), [&peer](const Node& node) {
    return node.address == peer.grpc_address;
  });
  if (same == nodes_.end()) {
    if (nodes_.size() >= kMaxNodes) return;
    nodes_.emplace_back();
    nodes_.back().address = peer.grpc_address;
    nodes_.back().name = peer.node;
    nodes_.back().cluster = cluster_;
    nodes_.back().serving = false;
  } else if (same->name.empty() || same->failures > 0) {
    // Otherwise who answers there has said who it is, and knows better.
    same->name = peer.node;
    same->cluster = cluster_;
  }
}

void NodeDirectory::Learn(size_t from, const NodeStatus& status) {
  if (status.node.empty()) return;  // no node says that
  Node& node = nodes_[from];
  const bool told_already = node.cluster == status.cluster;
  node.name = status.node;
  node.cluster = status.cluster;
  node.serving = status.state == "serving";
  if (cluster_.empty()) cluster_ = status.cluster;
  if (Foreign(node)) {
    if (!told_already) {
      LOG(ERROR) << node.address << " is a node of cluster '" << node.cluster
                 << "' and is not asked, since this connection is to cluster '" << cluster_
                 << "': name targets of one cluster only";
    }
    return FindDuplicates();
  }
  // A node that knows no leader does not mean that there is none.
  if (!status.leader.empty()) leader_ = status.leader;
  for (const PeerInfo& peer : status.peers) LearnPeer(peer);
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
