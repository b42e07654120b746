#include "tests/sim/event_queue.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace quorate::sim {

bool EventQueue::Later(const Event& a, const Event& b) {
  return std::tie(a.at, a.inside, a.tie, a.sequence) > std::tie(b.at, b.inside, b.tie, b.sequence);
}

void EventQueue::At(MonotonicTime at, std::function<void()> event) {
  const uint64_t tie = ties_.WordAt(now_, static_cast<uint64_t>(absl::ToInt64Nanoseconds(at)));
  Push({at, /*inside=*/true, tie, 0, std::move(event)});
}

void EventQueue::OutsideAt(MonotonicTime at, uint64_t rank, std::function<void()> event) {
  Push({at, /*inside=*/false, rank, 0, std::move(event)});
}

void EventQueue::Push(Event event) {
  event.at = std::max(event.at, now_);
  event.sequence = ++last_sequence_;
  heap_.push_back(std::move(event));
  std::push_heap(heap_.begin(), heap_.end(), Later);
}

bool EventQueue::RunNext() {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), Later);
  Event event = std::move(heap_.back());
  heap_.pop_back();
  now_ = event.at;
  event.run();
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
