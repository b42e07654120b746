#include "tests/sim/event_queue.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace quorate::sim {

bool EventQueue::Later(const Event& a, const Event& b) {
  return std::tie(a.at, a.tie, a.sequence) > std::tie(b.at, b.tie, b.sequence);
}

void EventQueue::At(MonotonicTime at, std::function<void()> event) {
  heap_.push_back(Event{std::max(at, now_), ties_.Next(), ++last_sequence_, std::move(event)});
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
