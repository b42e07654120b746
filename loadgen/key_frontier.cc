#include "loadgen/key_frontier.h"

#include "glog/logging.h"

namespace quorate::loadgen {

uint64_t KeyFrontier::Take() {
  if (returned_.empty()) return next_++;
  return returned_.extract(returned_.begin()).value();
}

void KeyFrontier::OnAcknowledged(uint64_t key) {
  CHECK_LT(key, next_);
  if (key < born_) return;
  acknowledged_.insert(key);
  while (!acknowledged_.empty() && *acknowledged_.begin() == born_) {
    acknowledged_.erase(acknowledged_.begin());
    ++born_;
  }
}

void KeyFrontier::OnFailed(uint64_t key) {
  CHECK_LT(key, next_);
  if (key >= born_) returned_.insert(key);
}

}  // namespace quorate::loadgen
