#include "node/strand.h"

#include <utility>

namespace quorate {
namespace {

// A drain ends after this many pieces of work, even where the host counts them as nothing.
constexpr int kMaxWorkInDrain = 1024;

}  // namespace

void Strand::Post(Work work) {
  {
    MutexLock lock(&mu_);
    queue_.push_back(std::move(work));
    if (owned_) return;
    owned_ = true;
  }
  if (DrainOnce()) host_->WakePoller();
}

void Strand::Enqueue(Work work) {
  MutexLock lock(&mu_);
  queue_.push_back(std::move(work));
}

bool Strand::Run() {
  {
    MutexLock lock(&mu_);
    if (owned_ || (queue_.empty() && next_ == taken_.size())) return false;
    owned_ = true;
  }
  return DrainOnce();
}

bool Strand::DrainOnce() {
  for (int done = 0; done < kMaxWorkInDrain && !host_->DrainFull(); ++done) {
    if (next_ == taken_.size()) {
      taken_.clear();
      next_ = 0;
      MutexLock lock(&mu_);
      taken_.swap(queue_);
      if (taken_.empty()) break;
    }
    Work work = std::move(taken_[next_++]);
    work();
  }
  host_->EndDrain();
  host_->PerformEffects();
  MutexLock lock(&mu_);
  owned_ = false;
  return next_ < taken_.size() || !queue_.empty();
}

}  // namespace quorate
