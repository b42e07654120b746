// NodeDirectory: the nodes that a connection knows, which of them leads, and whom to ask next.
#ifndef QUORATE_CLIENT_NODE_DIRECTORY_H_
#define QUORATE_CLIENT_NODE_DIRECTORY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "client/event_loop.h"
#include "client/messages.h"

namespace quorate {

// Nodes are numbered from 0 in the order in which they became known, the targets first; numbers
// stay. A directory is of one cluster, that of the first node which has told its own: from then on
// an address is asked only where a node of that cluster answers, or is said to by one that does.
// Not thread-safe: belongs to a connection's thread.
class NodeDirectory {
 public:
  explicit NodeDirectory(const std::vector<std::string>& targets);

  size_t size() const { return nodes_.size(); }
  const std::string& address(size_t node) const { return nodes_[node].address; }
  // Whether calls may go there: not to another cluster, nor to another address of a node that has a
  // better one.
  bool usable(size_t node) const { return !nodes_[node].duplicate && !Foreign(nodes_[node]); }

  // Whom to ask. A write goes to the leader, where one is known. Otherwise nodes take turns: those
  // that serve and have not failed lately, or else those that have not failed, or else any. A read
  // may find out whether a node that has failed is back. A write should not: where the node is
  // silent, its outcome is unknown; so it goes there when the node has answered something.
  // `previous` is what failed last time, or size(): it is asked again only where it leads or there
  // is no other. size() where nobody may be asked: see NobodyToAsk.
  size_t Pick(bool write, size_t previous, SteadyTime now);

  // UNAVAILABLE: every address that is known leads to another cluster by now. It names them.
  absl::Status NobodyToAsk() const;

  // Whether there is a node other than `node` that has not failed lately; for a write, one that has
  // answered since it failed.
  bool HasAnother(size_t node, bool write, SteadyTime now) const;

  // What `node` has said of itself. May add nodes, up to a limit; they count as not serving until
  // they say that they do, since an address may be good for other nodes only. Another address of a
  // node is taken where those that are known have failed: it may have moved. A node of another
  // cluster is logged, and nothing else that it says counts.
  void Learn(size_t node, const NodeStatus& status);
  // An error has named the leader.
  void LearnLeader(const std::string& name) { leader_ = name; }

  // `node` could not be reached, or was silent: it is left alone for a while, longer each time.
  void Failed(size_t node, SteadyTime now);
  void Answered(size_t node);
  // Until when a node that has failed is left alone.
  SteadyTime avoided_until(size_t node) const { return nodes_[node].avoid_until; }

 private:
  struct Node {
    std::string address;
    std::string name;     // empty: not known yet
    std::string cluster;  // likewise
    bool duplicate = false;
    bool serving = true;
    int failures = 0;  // since it last answered
    SteadyTime avoid_until;
  };

  bool Foreign(const Node& node) const { return node.cluster != cluster_; }
  bool Avoided(const Node& node, SteadyTime now) const {
    return node.failures > 0 && now < node.avoid_until;
  }
  bool Doubtful(const Node& node, bool write, SteadyTime now) const {
    return Avoided(node, now) || (write && node.failures > 0);
  }
  // How good an idea it is to ask the node; 0: none at all.
  int Rank(size_t node, bool write, size_t previous, SteadyTime now) const;
  // Whether an address of the node has not failed since it answered.
  bool Reaches(const std::string& name) const;
  // Whether address `a` is rather to be used than `b`, of the same node.
  bool Better(size_t a, size_t b) const;
  // To be called whenever a name, or what Better looks at, has changed.
  void FindDuplicates();

  // Takes down a peer that a node has named.
  void LearnPeer(const PeerInfo& peer);

  std::vector<Node> nodes_;
  std::string cluster_;  // empty: no node has told it yet
  std::string leader_;
  size_t turn_ = 0;
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_NODE_DIRECTORY_H_
