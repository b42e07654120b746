#include "node/batch_queue.h"

#include <string>
#include <utility>

namespace quorate {
namespace {

// Batches that greet belong to none.
bool SameSession(const peer::v1::Batch& a, const peer::v1::Batch& b) {
  return a.session() != 0 && a.session() == b.session() && a.reply() == b.reply() &&
         a.from_incarnation() == b.from_incarnation() && a.to_incarnation() == b.to_incarnation();
}

// Appends `next` to `batch`. The numbers in between are never seen, as if they had been lost, which
// a session does not mind.
void Join(peer::v1::Batch* next, peer::v1::Batch* batch) {
  batch->set_sequence(next->sequence());
  batch->set_seen(next->seen());
  for (std::string& message : *next->mutable_messages()) {
    batch->add_messages(std::move(message));
  }
}

}  // namespace

bool BatchQueue::Push(MonotonicTime now, peer::v1::Batch batch, size_t bytes) {
  if (bytes_ + bytes > kMaxBytes || queue_.size() >= kMaxBatches) return false;
  bytes_ += bytes;
  queue_.push_back(Queued{std::move(batch), bytes, now});
  return true;
}

std::optional<peer::v1::Batch> BatchQueue::Pop(MonotonicTime now, size_t* dropped) {
  std::optional<peer::v1::Batch> popped;
  size_t bytes = 0;
  while (!queue_.empty()) {
    Queued& first = queue_.front();
    if (now - first.since > kMaxAge) {
      ++*dropped;
    } else if (!popped.has_value()) {
      bytes = first.bytes;
      popped = std::move(first.batch);
    } else if (bytes + first.bytes <= kMaxJoinedBytes && SameSession(*popped, first.batch)) {
      bytes += first.bytes;
      Join(&first.batch, &*popped);
    } else {
      break;
    }
    bytes_ -= first.bytes;
    queue_.pop_front();
  }
  return popped;
}

}  // namespace quorate
