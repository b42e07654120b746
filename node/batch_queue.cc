#include "node/batch_queue.h"

#include <utility>

namespace quorate {

bool BatchQueue::Push(MonotonicTime now, peer::v1::Batch batch, size_t bytes) {
  if (bytes_ + bytes > kMaxBytes || queue_.size() >= kMaxBatches) return false;
  bytes_ += bytes;
  queue_.push_back(Queued{std::move(batch), bytes, now});
  return true;
}

std::optional<peer::v1::Batch> BatchQueue::Pop(MonotonicTime now, size_t* dropped) {
  while (!queue_.empty()) {
    Queued first = std::move(queue_.front());
    queue_.pop_front();
    bytes_ -= first.bytes;
    if (now - first.since <= kMaxAge) return std::move(first.batch);
    ++*dropped;
  }
  return std::nullopt;
}

}  // namespace quorate
