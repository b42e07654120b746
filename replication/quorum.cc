#include "replication/quorum.h"

#include <algorithm>

#include "glog/logging.h"

#include "replication/storage/planted_bugs.h"

namespace quorate {

QuorumTracker::QuorumTracker(int replicas, int required)
    : replicas_(replicas), required_(required) {
  CHECK_GE(required, 1);
  CHECK_LE(required, replicas);
}

bool QuorumTracker::Accept(NodeId node) {
  if (Answered(node)) return false;
  accepted_.push_back(node);
  if (PlantedBug(Bug::kCountReplicaTwice) && accepted_.size() == 1) accepted_.push_back(node);
  return true;
}

bool QuorumTracker::Reject(NodeId node) {
  if (Answered(node)) return false;
  rejected_.push_back(node);
  return true;
}

void QuorumTracker::Withdraw(NodeId node) {
  accepted_.erase(std::remove(accepted_.begin(), accepted_.end(), node), accepted_.end());
}

QuorumState QuorumTracker::state() const {
  if (accepted() >= required_) return QuorumState::kMet;
  if (replicas_ - rejected() < required_) return QuorumState::kImpossible;
  return QuorumState::kPending;
}

bool QuorumTracker::Answered(NodeId node) const {
  return std::count(accepted_.begin(), accepted_.end(), node) > 0 ||
         std::count(rejected_.begin(), rejected_.end(), node) > 0;
}

int OthersToHear(int n, int w) { return std::max(0, std::min(n - 1, n - w + 1)); }

}  // namespace quorate
