#include "tests/sim/event_queue.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace quorate::sim {

bool EventQueue::Later(const Due& a, const Due& b) {
  if (a.at != b.at) return a.at > b.at;
  return std::tie(a.inside, a.tie, a.sequence) > std::tie(b.inside, b.tie, b.sequence);
}

void EventQueue::At(MonotonicTime at, std::function<void()> event) {
  Due due;
  due.at = at;
  due.tie = ties_.WordAt(now_, static_cast<uint64_t>(absl::ToInt64Nanoseconds(at)));
  Push(due, std::move(event));
}

void EventQueue::OutsideAt(MonotonicTime at, uint64_t rank, std::function<void()> event) {
  Due due;
  due.at = at;
  due.inside = false;
  due.tie = rank;
  Push(due, std::move(event));
}

void EventQueue::Push(Due due, std::function<void()> event) {
  due.at = std::max(due.at, now_);
  due.sequence = ++last_sequence_;
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(events_.size()));
    events_.emplace_back();
  }
  due.event = free_.back();
  free_.pop_back();
  events_[due.event] = std::move(event);
  heap_.push_back(due);
  std::push_heap(heap_.begin(), heap_.end(), Later);
}

bool EventQueue::RunNext() {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), Later);
  const Due due = heap_.back();
  heap_.pop_back();
  const std::function<void()> event = std::exchange(events_[due.event], nullptr);
  free_.push_back(due.event);
  now_ = due.at;
  event();
  return true;
}

bool EventQueue::RunUntil(const std::function<bool()>& done, MonotonicTime deadline) {
  while (!done()) {
    if (heap_.empty() || heap_.front().at > deadline) {
      now_ = std::max(now_, deadline);
      return false;
    }
    RunNext();
  }
  return true;
}

}  // namespace quorate::sim
