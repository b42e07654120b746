#include "node/strand.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace quorate {
namespace {

// A drain ends after this many pieces of work, even where the host counts them as nothing.
constexpr int kMaxWorkInDrain = 1024;

// After so many pieces of ongoing work a new one has its turn.
constexpr int kOngoingInARow = 3;

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

Strand::Work Strand::Next() {
  std::deque<Work>& ongoing = taken_[static_cast<size_t>(Kind::kOngoing)];
  std::deque<Work>& fresh = taken_[static_cast<size_t>(Kind::kNew)];
  const bool is_new = ongoing.empty() || (!fresh.empty() && ongoing_in_a_row_ >= kOngoingInARow);
  ongoing_in_a_row_ = is_new ? 0 : ongoing_in_a_row_ + 1;
  std::deque<Work>& from = is_new ? fresh : ongoing;
  Work work = std::move(from.front());
  from.pop_front();
  return work;
}

bool Strand::DrainOnce() {
  Take();
  for (int done = 0; done < kMaxWorkInDrain && !host_->DrainFull(); ++done) {
    if (TakenAll()) Take();
    if (TakenAll()) break;
    Work work = Next();
    work();
  }
  host_->EndDrain();
  host_->PerformEffects();
  MutexLock lock(&mu_);
  owned_ = false;
  return !TakenAll() || !QueuesEmpty();
}

}  // namespace quorate
