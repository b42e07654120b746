// Dotted versions only. A value whose dot a record covers, but which is not among the record's
// siblings, was replaced. So for every write that was answered OK and is covered but not there in
// the end, there must be another write that replaced it: one whose context, as its client gave it,
// covers the dot; or one without a context whose coordinator knew the dot. What a coordinator knew
// is the version of the record in which its write was first seen anywhere, which is its own
// store's.
//
// Without this, a merge that drops a concurrent value would pass every check that compares versions
// alone.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {
namespace {

// What is known of one write of a key.
struct Known {
  Dot dot;
  const WriteContent* content = nullptr;
  // The context that its client gave, and that counts; null where there is none, or where the write
  // is a delete that no answer tells from others.
  const Version* context = nullptr;
};

using KnownByKey = std::map<std::string, std::vector<Known>>;

KnownByKey CollectWrites(const History& history) {
  std::map<std::pair<std::string, std::string>, const HistoryOperation*> by_value;
  // Where each key is a register, a write replaces all that its coordinator knew.
  const bool contexts_count = !history.promise().linearizable;
  for (const HistoryOperation& operation : history.operations()) {
    if (operation.operation.kind != OperationKind::kSet || !contexts_count) continue;
    by_value[{operation.operation.key, operation.operation.value}] = &operation;
  }
  KnownByKey known;
  for (const auto& [name, contents] : history.writes()) {
    if (name.key.empty()) continue;
    for (const WriteContent& content : contents) {
      Known write{name.dot, &content, nullptr};
      const auto it = by_value.find({name.key, content.value});
      if (!content.tombstone && it != by_value.end() && !it->second->operation.context.empty()) {
        write.context = &it->second->context;
      }
      known[name.key].push_back(write);
    }
  }
  return known;
}

bool Replaces(const Known& other, const Dot& dot) {
  if (other.dot == dot) return false;
  return other.context != nullptr ? other.context->Contains(dot)
                                  : other.content->first_seen.Contains(dot);
}

// The dot that an acknowledged write was given; nullptr where it cannot be told.
const Known* FindOwn(const std::vector<Known>& writes, const HistoryOperation& operation) {
  const Version version = ReturnedVersion(operation);
  const auto own = std::find_if(writes.begin(), writes.end(), [&](const Known& write) {
    return !write.content->tombstone && write.content->value == operation.operation.value &&
           version.Contains(write.dot);
  });
  return own == writes.end() ? nullptr : &*own;
}

}  // namespace

void CheckSupersededWrites(const History& history, Report* report) {
  if (!history.promise().keeps_acknowledged_writes) return;
  const KnownByKey known = CollectWrites(history);
  for (const auto& [node, records] : DecodeFinalContents(history)) {
    for (size_t i = 0; i < history.operations().size(); ++i) {
      const HistoryOperation& operation = history.operations()[i];
      const auto writes = known.find(operation.operation.key);
      const auto record = records.find(operation.operation.key);
      if (operation.operation.kind != OperationKind::kSet || !operation.ok()) continue;
      if (writes == known.end() || record == records.end()) continue;
      const Known* own = FindOwn(writes->second, operation);
      if (own == nullptr || !record->second.version.Contains(own->dot)) continue;
      const auto& siblings = record->second.siblings;
      if (std::any_of(siblings.begin(), siblings.end(),
                      [own](const Sibling& sibling) { return sibling.dot == own->dot; })) {
        continue;
      }
      if (std::any_of(writes->second.begin(), writes->second.end(),
                      [own](const Known& other) { return Replaces(other, own->dot); })) {
        continue;
      }
      report->Add("a value goes only when it is replaced",
                  absl::StrCat("in the end node ", node,
                               " covers the dot of an acknowledged write "
                               "but has lost its value, and no write that knew of it replaced it"),
                  {i});
    }
  }
}

}  // namespace quorate::sim
