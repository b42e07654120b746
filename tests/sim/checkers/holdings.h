// Holdings: who held which acknowledged write when, computed by walking a History.
//
//   Holdings holdings(history);
//   for (size_t i = 0; i < history.events().size(); ++i) {
//     holdings.Apply(i);
//     ... holdings.writes() is as of event i ...
//   }
//
// A node holds a write from the moment its store holds a record whose version descends from the
// write's: at the durability "synced", from the moment a crash cannot take that record away any
// more. It stops holding it when a crash or a lost disk takes that record away.
#ifndef QUORATE_TESTS_SIM_CHECKERS_HOLDINGS_H_
#define QUORATE_TESTS_SIM_CHECKERS_HOLDINGS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/history.h"

namespace quorate::sim {

// A set of nodes.
class NodeSet {
 public:
  bool Has(NodeId node) const { return ((bits_ >> node) & 1) != 0; }
  void Add(NodeId node) { bits_ |= uint64_t{1} << node; }
  void Remove(NodeId node) { bits_ &= ~(uint64_t{1} << node); }
  int Count() const { return __builtin_popcountll(bits_); }
  std::string DebugString() const;

 private:
  uint64_t bits_ = 0;
};

// The nodes that have forgotten something, and have not turned to serving since. At the durability
// "synced" that is something which their disk had synced: what a crash takes away beyond it, nobody
// has been told that they hold.
class ForgetfulNodes {
 public:
  explicit ForgetfulNodes(Durability durability) : synced_(durability == Durability::kSynced) {}

  // Takes in an event; they are applied in order, each once.
  void Apply(const HistoryEvent& event);

  bool Has(NodeId node) const { return nodes_.Has(node); }
  int Count() const { return nodes_.Count(); }

 private:
  const bool synced_;
  NodeSet nodes_;
  std::map<std::pair<NodeId, std::string>, Version> durable_;  // synced only: what cannot be lost
};

// A write that is answered OK at some time in the history, as of the current event.
struct TrackedWrite {
  size_t operation = 0;
  Version version;
  int w = 0;                  // what it waited for
  bool acknowledged = false;  // the answer is out
  NodeSet holders;            // hold it now
  NodeSet ever;               // have held it at some time
  NodeSet lost;               // have held it, forgot it, and do not hold it now
  bool spreading = false;     // a node does not hold it, and it has begun
  NodeSet served_without;     // since the answer: have served at a time when they did not hold it
  std::map<NodeId, size_t> held_since;  // for holders: the event since which they hold it
};

class Holdings {
 public:
  // `history` must outlive this and is complete.
  explicit Holdings(const History& history);

  // Takes in event `index`; events are applied in order, each once.
  void Apply(size_t index);

  const std::vector<TrackedWrite>& writes() const { return writes_; }
  // The writes of one key that are acknowledged by now, by place in writes(), in that order.
  const std::vector<size_t>& AcknowledgedOf(const std::string& key) const;
  // The writes that a node has forgotten since the last call.
  std::vector<size_t> TakeForgotten() { return std::exchange(forgotten_, {}); }
  // The place in writes() of an operation that is tracked.
  size_t PlaceOf(size_t operation) const { return by_operation_.at(operation); }

  bool Serving(NodeId node) const { return serving_.Has(node); }
  bool HasForgotten(NodeId node) const { return forgetful_.Has(node); }
  // A node has forgotten one of the writes, by now.
  bool anybody_forgot() const { return anybody_forgot_; }

 private:
  // What a node's store knows of a key, and the event since which.
  struct Known {
    Version version;
    size_t since = 0;
  };
  // Histories are long, and few of their writes are under way at a time.
  struct KeyWrites {
    std::vector<size_t> begun;
    std::vector<size_t> acknowledged;
    std::vector<size_t> spreading;  // begun, and not held by all nodes
    std::map<NodeId, Known> known;
  };

  void Begin(size_t place);
  void Acknowledge(size_t place);
  void Hold(size_t event, NodeId node, const std::string& key, const Version& version);
  void HoldOne(size_t event, NodeId node, TrackedWrite* write);
  void Forget(NodeId node, const std::string& key, const Version& left);
  const std::string& KeyOf(const TrackedWrite& write) const;

  const History& history_;
  const bool synced_;
  std::vector<TrackedWrite> writes_;
  std::map<std::string, KeyWrites> keys_;
  std::map<size_t, size_t> by_operation_;
  std::vector<size_t> forgotten_;
  NodeSet serving_;
  ForgetfulNodes forgetful_;
  bool anybody_forgot_ = false;
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_CHECKERS_HOLDINGS_H_
