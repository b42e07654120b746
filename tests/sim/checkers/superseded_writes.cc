// Dotted versions only. A value or tombstone whose dot a record covers, but which is not among the
// record's siblings, was replaced. So for every write that was answered OK and is covered but not
// there in the end, there must be another write that replaced it: one whose context, as its client
// gave it, covers the dot; or one without a context whose coordinator knew the dot. What a
// coordinator knew is the least version of the records in which its write was seen anywhere, which
// is that of the record that it made.
//
// The same holds of what each read returns: of the newest writes that it has seen of every node, it
// shows those that no other write that it has seen replaced.
//
// Without this, a merge that drops a concurrent value, or a read that returns the newest version
// with an older value, would pass every check that compares versions alone. Of a delete that got no
// answer nobody can tell which tombstone is its own: such a one counts as without a context.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {
namespace {

constexpr char kProperty[] = "a value goes only when it is replaced";

// What is known of one write of a key.
struct Known {
  Dot dot;
  const WriteContent* content = nullptr;
  // The context that its client gave, and that counts; null where there is none, or where the write
  // is a delete that got no answer.
  const Version* context = nullptr;
};

using KnownByKey = std::map<std::string, std::vector<Known>>;

// Values are unique. Of deletes the answer has the clock and the node, and the dot is among what it
// covers.
bool IsOf(const HistoryOperation& operation, const Dot& dot, const WriteContent& content) {
  if (content.tombstone != (operation.operation.kind == OperationKind::kDelete)) return false;
  if (!content.tombstone) return content.value == operation.operation.value;
  const Sibling tombstone{dot, content.clock, /*tombstone=*/true, ""};
  return operation.ok() && ReturnedVersion(operation).Contains(dot) &&
         OrderOf(Version(), tombstone) == operation.result.order;
}

KnownByKey CollectWrites(const History& history) {
  std::map<std::string, std::vector<const HistoryOperation*>> with_context;
  for (const HistoryOperation& operation : history.operations()) {
    // Where each key is a register, a write replaces all that its coordinator knew.
    if (history.promise().linearizable || operation.operation.context.empty()) continue;
    with_context[operation.operation.key].push_back(&operation);
  }
  KnownByKey known;
  for (const auto& [name, contents] : history.writes()) {
    if (name.key.empty()) continue;
    const std::vector<const HistoryOperation*>& candidates = with_context[name.key];
    for (const WriteContent& content : contents) {
      const auto is_of = [&dot = name.dot, &content](const HistoryOperation* operation) {
        return IsOf(*operation, dot, content);
      };
      const auto it = std::find_if(candidates.begin(), candidates.end(), is_of);
      known[name.key].push_back(
          Known{name.dot, &content, it == candidates.end() ? nullptr : &(*it)->context});
    }
  }
  return known;
}

bool Replaces(const Known& other, const Dot& dot) {
  if (other.dot == dot) return false;
  return other.context != nullptr ? other.context->Contains(dot)
                                  : other.content->least.Contains(dot);
}

// The dot that an acknowledged write was given; nullptr where it cannot be told.
const Known* FindOwn(const std::vector<Known>& writes, const HistoryOperation& operation) {
  const auto own = std::find_if(writes.begin(), writes.end(), [&](const Known& write) {
    return IsOf(operation, write.dot, *write.content) &&
           ReturnedVersion(operation).Contains(write.dot);
  });
  return own == writes.end() ? nullptr : &*own;
}

// Whether the record has seen the write, but has none of it.
bool HasDropped(const Record& record, const Dot& dot) {
  return record.version.Contains(dot) &&
         std::none_of(record.siblings.begin(), record.siblings.end(),
                      [&dot](const Sibling& sibling) { return sibling.dot == dot; });
}

// Whether the record lacks the write although nothing that the record has seen replaced it.
bool LacksUnreplaced(const Record& record, const Known& write, const std::vector<Known>& writes) {
  return HasDropped(record, write.dot) &&
         std::none_of(writes.begin(), writes.end(), [&](const Known& other) {
           return record.version.Contains(other.dot) && Replaces(other, write.dot);
         });
}

void CheckReads(const History& history, const KnownByKey& known, Report* report) {
  // A register shows one value of those that stand beside one another: linearizable.cc.
  if (history.promise().linearizable) return;
  std::map<std::string, std::map<Dot, const Known*>> by_dot;
  for (const auto& [key, writes] : known) {
    for (const Known& write : writes) by_dot[key][write.dot] = &write;
  }
  for (size_t i = 0; i < history.operations().size(); ++i) {
    const HistoryOperation& read = history.operations()[i];
    if (read.operation.is_write() || !read.ok() || !read.result.record.has_value()) continue;
    const auto writes = known.find(read.operation.key);
    if (writes == known.end()) continue;
    const std::map<Dot, const Known*>& of_key = by_dot[read.operation.key];
    for (const Dot& newest : read.result.record->version.vector()) {
      const auto write = of_key.find(newest);
      if (write == of_key.end()) continue;
      if (!LacksUnreplaced(*read.result.record, *write->second, writes->second)) continue;
      report->Add(kProperty, "a read has seen a write, but shows neither that nor what replaced it",
                  {i});
      break;
    }
  }
}

}  // namespace

void CheckSupersededWrites(const History& history, Report* report) {
  if (!history.promise().keeps_acknowledged_writes) return;
  const KnownByKey known = CollectWrites(history);
  CheckReads(history, known, report);
  const FinalRecords final = DecodeFinalContents(history);
  for (size_t i = 0; i < history.operations().size(); ++i) {
    const HistoryOperation& operation = history.operations()[i];
    if (!operation.operation.is_write() || !operation.ok()) continue;
    const auto writes = known.find(operation.operation.key);
    if (writes == known.end()) continue;
    const Known* own = FindOwn(writes->second, operation);
    if (own == nullptr) continue;
    if (std::any_of(writes->second.begin(), writes->second.end(),
                    [own](const Known& other) { return Replaces(other, own->dot); })) {
      continue;
    }
    for (const auto& [node, records] : final) {
      const auto record = records.find(operation.operation.key);
      if (record == records.end() || !HasDropped(record->second, own->dot)) continue;
      report->Add(kProperty,
                  absl::StrCat("in the end node ", node,
                               " covers the dot of an acknowledged write "
                               "but has lost what it wrote, and no write that knew of it "
                               "replaced it"),
                  {i});
    }
  }
}

}  // namespace quorate::sim
