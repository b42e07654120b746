#include "node/strand.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace quorate {
namespace {

// A drain ends after this many pieces of work, even where the host counts them as nothing.
constexpr int kMaxWorkInDrain = 1024;

// A drain begins with so many pieces of new work.
constexpr int kNewFirst = 32;

}  // namespace

void Strand::Post(Kind kind, Work work) {
  {
    MutexLock lock(&mu_);
    queues_[static_cast<size_t>(kind)].push_back(std::move(work));
    if (owned_) return;
    owned_ = true;
  }
  if (DrainOnce()) host_->WakePoller();
}

void Strand::Enqueue(Kind kind, Work work) {
  MutexLock lock(&mu_);
  queues_[static_cast<size_t>(kind)].push_back(std::move(work));
}

bool Strand::Run() {
  {
    MutexLock lock(&mu_);
    if (owned_ || (QueuesEmpty() && TakenAll())) return false;
    owned_ = true;
  }
  return DrainOnce();
}

void Strand::Take() {
  MutexLock lock(&mu_);
  for (size_t kind = 0; kind < kKinds; ++kind) {
    std::move(queues_[kind].begin(), queues_[kind].end(), std::back_inserter(taken_[kind]));
    queues_[kind].clear();
  }
}

void Strand::RunNext(Kind kind) {
  std::deque<Work>& from = taken_[static_cast<size_t>(kind)];
  Work work = std::move(from.front());
  from.pop_front();
  work();
}

bool Strand::DrainOnce() {
  Take();
  int done = 0;
  for (; done < kNewFirst && Has(Kind::kNew) && !host_->DrainFull(); ++done) RunNext(Kind::kNew);
  if (Has(Kind::kOngoing)) RunNext(Kind::kOngoing);
  for (; done < kMaxWorkInDrain && !host_->DrainFull(); ++done) {
    if (TakenAll()) {
      Take();
      // Asked only now: it is what has been taken that must not be too late.
      if (TakenAll() || host_->DrainIsOld()) break;
    }
    RunNext(Has(Kind::kOngoing) ? Kind::kOngoing : Kind::kNew);
  }
  host_->EndDrain();
  host_->PerformEffects();
  MutexLock lock(&mu_);
  owned_ = false;
  return !TakenAll() || !QueuesEmpty();
}

}  // namespace quorate
