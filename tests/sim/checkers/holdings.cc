#include "tests/sim/checkers/holdings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {

std::string NodeSet::DebugString() const {
  std::string text = "{";
  for (NodeId node = 0; node < 64; ++node) {
    if (Has(node)) absl::StrAppend(&text, text.size() > 1 ? ", " : "", node);
  }
  return absl::StrCat(text, "}");
}

void ForgetfulNodes::Apply(const HistoryEvent& event) {
  if (event.kind == EventKind::kServing) nodes_.Remove(event.node);
  const bool durable = event.kind == EventKind::kDurable || event.kind == EventKind::kRecovered;
  const bool forgot = event.kind == EventKind::kForgot;
  if (!synced_) {
    if (forgot) nodes_.Add(event.node);
  } else if (durable || forgot) {
    Version& known = durable_[{event.node, event.key}];
    if (forgot && !event.version.Descends(known)) nodes_.Add(event.node);
    known = event.version;
  }
}

Holdings::Holdings(const History& history)
    : history_(history),
      synced_(history.setting().durability == Durability::kSynced),
      forgetful_(history.setting().durability) {
  for (size_t i = 0; i < history.operations().size(); ++i) {
    const HistoryOperation& operation = history.operations()[i];
    if (!operation.operation.is_write() || !operation.ok()) continue;
    TrackedWrite write;
    write.operation = i;
    write.version = ReturnedVersion(operation);
    write.w = AskedW(history, operation);
    by_operation_[i] = writes_.size();
    writes_.push_back(std::move(write));
  }
}

const std::vector<size_t>& Holdings::AcknowledgedOf(const std::string& key) const {
  static const auto& none = *new std::vector<size_t>();
  const auto it = keys_.find(key);
  return it == keys_.end() ? none : it->second.acknowledged;
}

const std::string& Holdings::KeyOf(const TrackedWrite& write) const {
  return history_.operations()[write.operation].operation.key;
}

void Holdings::Apply(size_t index) {
  const HistoryEvent& event = history_.events()[index];
  forgetful_.Apply(event);
  switch (event.kind) {
    case EventKind::kStart:
    case EventKind::kTryEnd:
      return;
    case EventKind::kSubmit:
      if (const auto it = by_operation_.find(event.operation); it != by_operation_.end()) {
        Begin(it->second);
      }
      return;
    case EventKind::kServing:
      serving_.Add(event.node);
      for (TrackedWrite& write : writes_) {
        if (write.acknowledged && !write.holders.Has(event.node)) {
          write.served_without.Add(event.node);
        }
      }
      return;
    case EventKind::kCrash:
      serving_.Remove(event.node);
      return;
    case EventKind::kForgot:
      Forget(event.node, event.key, event.version);
      return;
    case EventKind::kEnd:
      if (const auto it = by_operation_.find(event.operation); it != by_operation_.end()) {
        Acknowledge(it->second);
      }
      return;
    case EventKind::kStored:
      if (!synced_) Hold(index, event.node, event.key, event.version);
      return;
    case EventKind::kDurable:
    case EventKind::kRecovered:
      Hold(index, event.node, event.key, event.version);
      return;
  }
}

void Holdings::Begin(size_t place) {
  TrackedWrite& write = writes_[place];
  KeyWrites& writes = keys_[KeyOf(write)];
  writes.begun.push_back(place);
  writes.spreading.push_back(place);
  write.spreading = true;
  // What descends from it may be there before it begins: of a higher epoch, that all forgot since.
  for (const auto& [node, known] : writes.known) {
    if (known.version.Descends(write.version)) HoldOne(known.since, node, &write);
  }
}

void Holdings::Acknowledge(size_t place) {
  TrackedWrite& write = writes_[place];
  write.acknowledged = true;
  keys_[KeyOf(write)].acknowledged.push_back(place);
  for (int node = 1; node <= history_.setting().quorums.n; ++node) {
    if (Serving(node) && !write.holders.Has(node)) write.served_without.Add(node);
  }
}

void Holdings::Hold(size_t event, NodeId node, const std::string& key, const Version& version) {
  KeyWrites& writes = keys_[key];
  writes.known[node] = Known{version, event};
  for (const size_t place : writes.spreading) {
    TrackedWrite& write = writes_[place];
    if (write.holders.Has(node) || !version.Descends(write.version)) continue;
    HoldOne(event, node, &write);
  }
  const auto everywhere = [this](size_t place) {
    TrackedWrite& write = writes_[place];
    write.spreading = write.holders.Count() < history_.setting().quorums.n;
    return !write.spreading;
  };
  writes.spreading.erase(
      std::remove_if(writes.spreading.begin(), writes.spreading.end(), everywhere),
      writes.spreading.end());
}

void Holdings::HoldOne(size_t event, NodeId node, TrackedWrite* write) {
  write->holders.Add(node);
  write->ever.Add(node);
  write->lost.Remove(node);
  write->held_since[node] = event;
}

void Holdings::Forget(NodeId node, const std::string& key, const Version& left) {
  KeyWrites& writes = keys_[key];
  writes.known[node].version = left;
  for (const size_t place : writes.begun) {
    TrackedWrite& write = writes_[place];
    if (!write.holders.Has(node) || left.Descends(write.version)) continue;
    anybody_forgot_ = true;
    write.holders.Remove(node);
    write.lost.Add(node);
    write.held_since.erase(node);
    forgotten_.push_back(place);
    if (!write.spreading) writes.spreading.push_back(place);
    write.spreading = true;
  }
}

}  // namespace quorate::sim
