#include "loadgen/check/recorder.h"

#include <algorithm>

#include "glog/logging.h"

namespace quorate::check {
namespace {

bool IsForeign(const Operation& operation) { return operation.session == kNoSession; }

// Whether `read` says of `write` that the key held it.
bool Shows(const Operation& read, const Operation& write) {
  return read.is_read() && read.order == write.order && read.value == write.value &&
         (read.found != 0) == (write.kind == Kind::kWrite);
}

// Takes the least foreign write of a key for acknowledged before all else, where everything that
// succeeded is certainly above it or shows it. So it accuses no operation that the order does not
// accuse anyway; but by values alone, too, a return to it is seen for what it is. Not the first one
// that was seen, nor any other: a key may show a write first that an earlier user of the cluster
// has left under way, or that somebody makes at this moment, and what it held before afterwards.
void SettleWhatWasHeld(absl::Span<Operation> key) {
  Operation* least = nullptr;
  for (Operation& operation : key) {
    if (!IsForeign(operation) || operation.order_known == 0) continue;
    if (least == nullptr || operation.order < least->order) least = &operation;
  }
  if (least == nullptr) return;
  bool shown = false;
  for (const Operation& operation : key) {
    if (&operation == least || (!operation.ok() && !IsForeign(operation))) continue;
    if (operation.order_known == 0) return;
    if (Shows(operation, *least)) {
      shown = true;
    } else if (operation.order <= least->order) {
      return;
    }
  }
  if (!shown) return;
  least->outcome = Outcome::kOk;
  least->end = kBeforeAll;
}

void SettleWhatKeysHeld(std::vector<Operation>* operations) {
  const absl::Span<Operation> all = absl::MakeSpan(*operations);
  for (size_t first = 0; first < all.size();) {
    size_t end = first;
    while (end < all.size() && all[end].key == all[first].key) ++end;
    SettleWhatWasHeld(all.subspan(first, end - first));
    first = end;
  }
}

}  // namespace

Recorder::Slot Recorder::Allocate() {
  if (size_ % kChunk == 0) chunks_.push_back(std::make_unique<Entry[]>(kChunk));
  return size_++;
}

void Recorder::Note(const ForeignWrite& write) {
  if (size_ >= operations_max_) {
    // The history is whole as far as nothing has shown this write.
    cut_at_ = std::min(cut_at_.value_or(write.seen_at), write.seen_at);
    return;
  }
  const Slot slot = Begin(Began{write.key, kNoSession, write.kind, write.value, kBeforeAll});
  Ended ended;
  ended.outcome = Outcome::kUnknown;
  ended.order = write.order;
  ended.end = kNever;
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
  SettleWhatKeysHeld(&history.operations);
  SortByKey(&history);
  return history;
}

}  // namespace quorate::check
