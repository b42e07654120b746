// History: all that a simulation has shown to the outside, in order. Checkers read nothing else.
//
// An event's place in `events()` is its place in time: everything happens on one thread, so any two
// events are ordered even where the virtual time is the same.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_HISTORY_H_
#define QUORATE_TESTS_SIM_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"

#include "replication/cluster_config.h"
#include "replication/env.h"
#include "replication/operation.h"
#include "replication/strategy.h"

namespace quorate::sim {

// As reports write it.
const char* KindName(OperationKind kind);

// What happened; and which fields of HistoryEvent say more.
enum class EventKind {
  kStart,      // node: a process starts
  kServing,    // node: from now on, in this life, its reads count as answers
  kForgot,     // node, key, version: a crash that comes next leaves no more than this
  kCrash,      // node: the process is gone
  kSubmit,     // node, operation: the replica gets it
  kEnd,        // node, operation: the result is out
  kTryEnd,     // node, operation: the same, of a try after which the client has repeated a write
  kStored,     // node, key, version, content, winner: the store shows this from now on
  kDurable,    // node, key, version: a crash cannot take this away any more
  kRecovered,  // node, key, version, content: found on the disk by a start
};

struct HistoryEvent {
  EventKind kind = EventKind::kStart;
  MonotonicTime at;
  NodeId node = 0;
  size_t operation = 0;
  std::string key;
  Version version;
  uint64_t content = 0;  // hash of the encoded record
  WriteOrder winner;     // kStored: the place of the value that the record shows
};

enum class Outcome {
  kOpen,            // not ended yet
  kEnded,           // the node gave a result
  kConnectionLost,  // the node died first
  kRefused,         // the node was down: nothing was submitted
};

struct HistoryOperation {
  int client = 0;
  NodeId node = 0;
  bool final_phase = false;  // submitted after healing
  Operation operation;
  Version context;  // what operation.context stands for
  Version session;  // what operation.session stands for
  Outcome outcome = Outcome::kOpen;
  int results = 0;  // how often the node gave a result
  bool cancelled = false;
  int tries = 1;               // of a write that is repeated where its outcome is not known
  bool submitted = false;      // the replica got it
  size_t submit_event = 0;     // submitted only
  size_t end_event = 0;        // kEnded only
  MonotonicTime called_at;     // when the client sent it
  MonotonicTime submitted_at;  // submitted only: when the replica got it, at its last try
  MonotonicTime ended_at;
  // Its node had dealt with all that came until the operation's time was over, and had not ended
  // it.
  bool overdue = false;
  // The node's reads did not count when the operation was submitted, nor when it ended.
  bool node_not_serving = false;
  OperationResult result;  // kEnded only

  bool ok() const { return outcome == Outcome::kEnded && result.status.ok(); }
};

// What names a write: (epoch, number) in a whole cluster, or a dot of one key.
struct WriteName {
  std::string key;  // dotted only
  uint64_t epoch = 0;
  uint64_t number = 0;
  Dot dot;

  friend bool operator<(const WriteName& a, const WriteName& b) {
    return std::tie(a.key, a.epoch, a.number, a.dot) < std::tie(b.key, b.epoch, b.number, b.dot);
  }
  std::string DebugString() const;
};

// One write as it was seen somewhere: in a store, a message or a reply.
struct WriteContent {
  std::string key;
  bool tombstone = false;
  std::string value;
  uint64_t clock = 0;
  std::string request;
  NodeId seen_at = 0;  // the node that stored, sent or returned it
  Version least;       // the least version of the records in which it was seen: its author's

  bool Is(const std::string& of_key, const Sibling& sibling) const {
    return key == of_key && tombstone == sibling.tombstone && value == sibling.value &&
           clock == sibling.clock && request == sibling.request;
  }
};

// What the run was about.
struct HistorySetting {
  std::string strategy;
  Quorums quorums;
  Durability durability = Durability::kMemory;
  // Judge whether all reads and writes are linearizable, though only W+R>N is promised: to show
  // what is not.
  bool expect_linearizable = false;
  // What the strategy promises where a write waits for W and a read for R, for every (W, R).
  std::map<std::pair<int, int>, Guarantee> promises;
};

class History {
 public:
  explicit History(HistorySetting setting) : setting_(std::move(setting)) {}

  const HistorySetting& setting() const { return setting_; }
  const Guarantee& promise() const { return PromiseFor(setting_.quorums.w, setting_.quorums.r); }
  // For a write that waited for `w` and a read that waited for `r`.
  const Guarantee& PromiseFor(int w, int r) const;

  // Recording.
  void Happened(EventKind kind, MonotonicTime at, NodeId node);
  void Changed(EventKind kind, MonotonicTime at, NodeId node, const std::string& key,
               const Record& record, const std::string& encoded);
  size_t Called(MonotonicTime at, HistoryOperation operation);
  void Refused(MonotonicTime at, size_t operation);
  void Submitted(MonotonicTime at, size_t operation, bool node_not_serving);
  void Ended(MonotonicTime at, size_t operation, bool node_not_serving, OperationResult result);
  void ConnectionLost(MonotonicTime at, size_t operation);
  // The client tries the write again, at `node`: it goes on.
  void Repeated(size_t operation, NodeId node);
  // A node gave a result for an operation that it never got.
  void StrayResult(NodeId node) { stray_results_.push_back(node); }
  void Cancelled(size_t operation) { operations_[operation].cancelled = true; }
  void Overdue(size_t operation) { operations_[operation].overdue = true; }
  // Every record in a store, a message or a reply.
  void Saw(NodeId at, const std::string& key, const Record& record);
  // After healing: what a node holds (key, encoded record), and why the cluster did not come to
  // rest.
  void SetFinalContents(NodeId node, std::vector<std::pair<std::string, std::string>> contents);
  void Stalled(std::string why) { stalls_.push_back(std::move(why)); }

  // Reading.
  const std::vector<HistoryEvent>& events() const { return events_; }
  const std::deque<HistoryOperation>& operations() const { return operations_; }
  const absl::btree_map<WriteName, std::vector<WriteContent>>& writes() const { return writes_; }
  const std::map<NodeId, std::vector<std::pair<std::string, std::string>>>& final_contents() const {
    return final_contents_;
  }
  const std::vector<std::string>& stalls() const { return stalls_; }
  const std::vector<NodeId>& stray_results() const { return stray_results_; }

  // One line for people: who did what, when, with which result.
  std::string Describe(size_t operation) const;

 private:
  const HistorySetting setting_;
  std::vector<HistoryEvent> events_;
  std::deque<HistoryOperation> operations_;  // large, and many: never moved
  absl::btree_map<WriteName, std::vector<WriteContent>> writes_;
  std::map<NodeId, std::vector<std::pair<std::string, std::string>>> final_contents_;
  std::vector<std::string> stalls_;
  std::vector<NodeId> stray_results_;
};

// A key or value for people: long ones are cut.
std::string Shown(const std::string& bytes);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_HISTORY_H_
