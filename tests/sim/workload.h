// Workload: clients that set, get and delete a few keys at random nodes, each with one operation in
// flight. Every value is unique. Nothing is ever retried but writes that have a name. The
// operations are drawn according to a WorkloadPlan, or are those of a schedule.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_WORKLOAD_H_
#define QUORATE_TESTS_SIM_WORKLOAD_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

#include "replication/strategy.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/schedule.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_rng.h"

namespace quorate::sim {

struct WorkloadPlan {
  int clients = 8;
  int keys = 20;
  // How often, in percent; what remains is sets.
  int get_percent = 40;
  int delete_percent = 5;
  int local_read_percent = 10;
  // How often an operation overrides W or R, hands back the last context it saw, is cancelled.
  int hot_percent = 0;           // of operations, that go to two of the keys
  int linearizable_percent = 0;  // of gets, where they can be promised
  int override_percent = 10;
  int context_percent = 30;
  int session_percent = 0;  // of operations, that belong to their client's session
  int repeat_percent = 0;   // of writes, that are repeated where their outcome is not known
  int cancel_percent = 2;
  size_t value_bytes = 16;
  absl::Duration think_mean = absl::Milliseconds(20);
};

class Workload {
 public:
  // All must outlive the workload.
  Workload(const WorkloadPlan& plan, const Guarantee& promise, SimRng rng, EventQueue* queue,
           SimCluster* cluster);

  // One of the two, once.
  void Start();
  void Replay(const std::vector<ScheduledOperation>& operations);
  void Stop() { stopped_ = true; }
  // Called with each operation that ends. Before Start.
  void SetOnAnswer(std::function<void(const HistoryOperation&)> on_answer) {
    on_answer_ = std::move(on_answer);
  }

  // Those that were issued.
  const std::vector<ScheduledOperation>& operations() const { return operations_; }

  // Operations that completed, and the keys they were about. OK is what completes an operation; of
  // a strategy that promises nothing any answer does.
  int completed() const { return completed_; }
  int keys_completed() const { return static_cast<int>(keys_completed_.size()); }
  // What its operations take in the history, in bytes, about.
  size_t history_bytes() const { return history_bytes_; }

  static std::string KeyName(int number);
  const WorkloadPlan& plan() const { return plan_; }

 private:
  struct Client {
    int number = 0;
    int sequence = 0;  // drawn so far
    bool busy = false;
    std::deque<ScheduledOperation> waiting;  // for the end of the one in flight
    // By key: a context token and what it stands for.
    std::map<std::string, std::pair<std::string, Version>> contexts;
    std::map<std::string, std::pair<std::string, Version>> sessions;
  };

  void ScheduleNext(Client* client);
  ScheduledOperation Draw(Client* client);
  NodeId PickNode(OperationKind kind);
  void Issue(Client* client, ScheduledOperation drawn);
  // Repeats the write where that is to be done, at the first of `nodes`; or ends the operation.
  void OnTried(Client* client, size_t index, std::vector<NodeId> nodes);
  void OnDone(Client* client, const HistoryOperation& operation);

  const WorkloadPlan plan_;
  const bool any_answer_completes_;
  const bool can_be_linearizable_;
  SimRng rng_;
  EventQueue* const queue_;
  SimCluster* const cluster_;
  std::map<int, Client> clients_;
  std::vector<ScheduledOperation> operations_;
  bool replays_ = false;
  bool stopped_ = false;
  int completed_ = 0;
  size_t history_bytes_ = 0;
  std::set<std::string> keys_completed_;
  std::function<void(const HistoryOperation&)> on_answer_ = [](const HistoryOperation&) {};
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_WORKLOAD_H_
