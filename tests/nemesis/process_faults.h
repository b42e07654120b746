// ProcessFaults: what a schedule does to the processes and disks of a cluster: it kills, ends,
// pauses and starts them, and keeps account of who may have forgotten what.
#ifndef QUORATE_TESTS_NEMESIS_PROCESS_FAULTS_H_
#define QUORATE_TESTS_NEMESIS_PROCESS_FAULTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "replication/storage/stored_state.h"
#include "replication/storage/version.h"
#include "tests/nemesis/fault_timeline.h"
#include "tests/nemesis/forgotten.h"
#include "tests/nemesis/node_processes.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {

// Not thread-safe.
class ProcessFaults {
 public:
  // All must outlive the faults. `timeline` says which disks to fill.
  ProcessFaults(const sim::Schedule& schedule, Durability durability, const FaultTimeline& timeline,
                NodeProcesses* cluster);

  // Does what is due at `at` of the run's time. An error where the system refuses a process. Blocks
  // for as long as it takes to kill one.
  absl::Status Advance(absl::Duration at);
  // No more faults: starts whoever is down or has a failed disk, and lets all go on.
  absl::Status Heal(absl::Duration at);

  // The node has been seen to serve in this life.
  void OnServing(NodeId node, int life, absl::Duration at);
  bool Serves(NodeId node) const { return nodes_.at(node).serves; }

  const std::vector<Forgotten>& forgotten() const { return forgotten_; }
  const std::map<std::string, int>& done() const { return done_; }
  const std::vector<std::string>& left_out() const { return left_out_; }
  int restarts() const { return restarts_; }
  // What no fault explains: nodes that ended by themselves, or badly when asked to end.
  const std::vector<std::string>& defects() const { return defects_; }

 private:
  enum class What { kFault, kStart, kDiskMended };
  struct Event {
    What what = What::kFault;
    sim::Fault fault;
    NodeId node = 0;
  };
  struct Node {
    bool down = false;    // on purpose
    bool ending = false;  // was asked to end
    bool serves = false;
    bool disk_failed = false;                           // under this process
    bool disk_full = false;                             // so that none can begin
    absl::Duration kill_at = absl::InfiniteDuration();  // where ending takes too long
    absl::Duration resume_at = absl::InfiniteDuration();
  };

  absl::Status Do(const Event& event, absl::Duration at);
  absl::Status DoFault(const sim::Fault& fault, absl::Duration at);
  void Stop(const sim::Fault& fault, absl::Duration at);
  absl::Status FailDisk(const sim::Fault& fault, absl::Duration at);
  absl::Status MendDisk(const Event& event, absl::Duration at);
  void MakeRoom(NodeId node);
  absl::Status StartNode(NodeId node);
  void KillNode(NodeId node, absl::Duration at);
  void Down(NodeId node, absl::Duration at, bool forgets);
  void LeaveOut(const sim::Fault& fault, const std::string& why);
  void WatchEnds(NodeId node, absl::Duration at);
  void OnEnded(NodeId node, absl::Duration at);

  const sim::Schedule& schedule_;
  const Durability durability_;
  const FaultTimeline& timeline_;
  NodeProcesses* const cluster_;
  std::multimap<absl::Duration, Event> events_;  // not done yet, by their time
  std::map<NodeId, Node> nodes_;
  std::vector<Forgotten> forgotten_;
  std::map<std::string, int> done_;
  std::vector<std::string> left_out_;
  std::vector<std::string> defects_;
  int restarts_ = 0;
};

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_PROCESS_FAULTS_H_
