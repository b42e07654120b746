#include "loadgen/check/recorder.h"

#include <algorithm>

#include "glog/logging.h"

namespace quorate::check {

Recorder::Slot Recorder::Allocate() {
  if (size_ % kChunk == 0) chunks_.push_back(std::make_unique<Entry[]>(kChunk));
  return size_++;
}

bool Recorder::HasRoomBefore(Nanos seen_at) {
  if (size_ < operations_max_) return true;
  // The history is whole as far as nothing has shown this write.
  cut_at_ = std::min(cut_at_.value_or(seen_at), seen_at);
  return false;
}

void Recorder::Perhaps(uint32_t key, uint64_t value, Nanos seen_at) {
  if (!HasRoomBefore(seen_at)) return;
  Begin(Began{key, /*session=*/0, Kind::kWrite, value, kBeforeAll});  // and no end
}

void Recorder::Initially(uint32_t key, uint64_t value, const std::optional<Order>& order,
                         Nanos seen_at) {
  if (!HasRoomBefore(seen_at)) return;
  const Slot slot = Begin(Began{key, /*session=*/0, Kind::kWrite, value, kBeforeAll});
  Ended ended;
  ended.order = order;
  ended.end = kBeforeAll;
  End(slot, ended);
}

Recorder::Slot Recorder::Begin(const Began& began) {
  if (size_ >= operations_max_) {
    cut_at_ = std::min(cut_at_.value_or(began.start), began.start);
    return kNotRecorded;
  }
  const Slot slot = Allocate();
  Operation& operation = At(slot).operation;
  operation.key = began.key;
  operation.session = began.session;
  operation.kind = began.kind;
  operation.outcome = Outcome::kUnknown;
  operation.value = began.value;
  operation.start = began.start;
  operation.end = kNever;
  return slot;
}

void Recorder::End(Slot slot, const Ended& ended) {
  if (slot == kNotRecorded) return;
  CHECK_LT(slot, size_) << "a slot that Begin() has not given";
  Entry& entry = At(slot);
  Operation& operation = entry.operation;
  operation.outcome = ended.outcome;
  operation.node = ended.node;
  operation.end = std::max(operation.start, ended.end);
  if (operation.is_read()) {
    operation.found = ended.found ? 1 : 0;
    operation.value = ended.found ? ended.value : 0;
  }
  // A write of version "never written" says nothing.
  if (!ended.order.has_value() || (operation.is_write() && *ended.order == Order())) return;
  operation.order_known = 1;
  entry.order = *ended.order;
}

void Recorder::MoveTo(std::vector<Entry>* entries) {
  for (size_t first = 0; first < size_; first += kChunk) {
    std::unique_ptr<Entry[]>& chunk = chunks_[first / kChunk];
    entries->insert(entries->end(), &chunk[0], &chunk[0] + std::min(kChunk, size_ - first));
    chunk.reset();
  }
  chunks_.clear();
  size_ = 0;
}

void Recorder::NumberOrders(std::vector<Entry>* entries) {
  std::vector<Order> orders;
  for (size_t first = 0; first < entries->size();) {
    size_t end = first;
    orders.clear();
    for (; end < entries->size(); ++end) {
      const Entry& entry = (*entries)[end];
      if (entry.operation.key != (*entries)[first].operation.key) break;
      if (entry.operation.order_known != 0 && !(entry.order == Order())) {
        orders.push_back(entry.order);
      }
    }
    std::sort(orders.begin(), orders.end());
    orders.erase(std::unique(orders.begin(), orders.end()), orders.end());
    for (; first < end; ++first) {
      Entry& entry = (*entries)[first];
      if (entry.operation.order_known == 0 || entry.order == Order()) continue;
      const auto place = std::lower_bound(orders.begin(), orders.end(), entry.order);
      entry.operation.order = static_cast<uint64_t>(place - orders.begin()) + 1;
    }
  }
}

History FinishRecording(absl::Span<Recorder* const> recorders) {
  History history;
  size_t operations = 0;
  for (Recorder* recorder : recorders) {
    operations += recorder->size_;
    if (!recorder->cut_at_.has_value()) continue;
    history.cut_at = std::min(history.cut_at.value_or(kNever), *recorder->cut_at_);
  }
  std::vector<Recorder::Entry> entries;
  entries.reserve(operations);
  for (Recorder* recorder : recorders) {
    recorder->MoveTo(&entries);
    recorder->cut_at_.reset();
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Recorder::Entry& a, const Recorder::Entry& b) {
                     return a.operation.key < b.operation.key;
                   });
  Recorder::NumberOrders(&entries);
  history.operations.reserve(entries.size());
  for (const Recorder::Entry& entry : entries) {
    const Operation& operation = entry.operation;
    const bool may_show_more =
        history.cut_at.has_value() && operation.is_read() && operation.finish() >= *history.cut_at;
    if (!may_show_more) history.operations.push_back(operation);
  }
  SortByKey(&history);
  return history;
}

}  // namespace quorate::check
