// NodeProcesses: what faults do to the processes and disks of a cluster's nodes, and see of them.
#ifndef QUORATE_TESTS_NEMESIS_NODE_PROCESSES_H_
#define QUORATE_TESTS_NEMESIS_NODE_PROCESSES_H_

#include <string>

#include "absl/status/status.h"

#include "replication/storage/version.h"

namespace quorate::nemesis {

// Nodes are numbered from 1. Not thread-safe.
class NodeProcesses {
 public:
  virtual ~NodeProcesses() = default;

  virtual NodeId size() const = 0;

  // Processes. UNAVAILABLE where the system refuses a new one. Starting a node that is up does
  // nothing.
  virtual absl::Status Start(NodeId node) = 0;
  virtual bool Up(NodeId node) = 0;
  // Blocks until the process is gone.
  virtual void Kill(NodeId node) = 0;
  // Asks it to end. Whether it has ended, and well, is seen later.
  virtual void Terminate(NodeId node) = 0;
  virtual bool EndedWell(NodeId node) const = 0;
  virtual std::string HowItEnded(NodeId node) const = 0;
  virtual void Pause(NodeId node) = 0;
  virtual void Resume(NodeId node) = 0;
  // Counts starts.
  virtual int life(NodeId node) const = 0;

  // Disks. A node must be down to lose what it stores.
  virtual void Wipe(NodeId node) = 0;
  // Leaves no room on its disk, and gives it back, if it was taken. REQUIRES, for the first: disks
  // can be filled.
  virtual absl::Status FillDisk(NodeId node) = 0;
  virtual void EmptyDisk(NodeId node) = 0;

  // The end of what a node has printed.
  virtual std::string LogTail(NodeId node) const = 0;
};

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_NODE_PROCESSES_H_
