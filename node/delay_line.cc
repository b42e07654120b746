#include "node/delay_line.h"

#include <algorithm>
#include <iterator>

namespace quorate {

DelayLine::DelayLine(NodeId self, EmulatedDelays delays, std::function<uint64_t()> random)
    : self_(self), delays_(std::move(delays)), random_(std::move(random)) {}

void DelayLine::Add(MonotonicTime now, peer::v1::Batch batch, Deliver deliver) {
  std::deque<Held>& stream = streams_[{batch.from(), batch.reply()}];
  MonotonicTime due = now + delays_.For(batch.from(), self_, batch, random_);
  if (!stream.empty()) due = std::max(due, stream.back().due);
  stream.push_back(Held{due, std::move(batch), std::move(deliver)});
}

MonotonicTime DelayLine::Release(MonotonicTime now) {
  MonotonicTime next = absl::InfiniteDuration();
  for (auto it = streams_.begin(); it != streams_.end();) {
    std::deque<Held>& held = it->second;
    while (!held.empty() && held.front().due <= now) {
      held.front().deliver(std::move(held.front().batch));
      held.pop_front();
    }
    if (!held.empty()) next = std::min(next, held.front().due);
    it = held.empty() ? streams_.erase(it) : std::next(it);
  }
  return next;
}

}  // namespace quorate
