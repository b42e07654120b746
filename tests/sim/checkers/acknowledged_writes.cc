// Two things about every write that was answered OK.
//
// When it is answered, W different nodes have held it: at some time up to then, each one's store
// held a record that descends from the write, at the durability in force. This holds whatever
// crashes.
//
// In the end it is there: on every node, and in every read after healing, there is a record that
// descends from it. A write is excused from this once, at one moment after its answer, W or more
// nodes had held it, had lost it in a crash or with their disk, and had not got it back. Who that
// is, is computed from the stores' contents (holdings.h), not from what nodes say of themselves.
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"
#include "tests/sim/checkers/holdings.h"

namespace quorate::sim {
namespace {

constexpr char kProperty[] = "acknowledged writes are there";

void CheckAnswer(const History& history, const TrackedWrite& write, Report* report) {
  const HistoryOperation& operation = history.operations()[write.operation];
  if (operation.result.required != write.w || operation.result.answers < write.w) {
    report->Add(
        kProperty,
        absl::StrCat("a write was answered OK with ", operation.result.answers, " of ",
                     operation.result.required, " acknowledgements, but asked for ", write.w),
        {write.operation});
  }
  if (write.ever.Count() < write.w) {
    report->Add(kProperty,
                absl::StrCat("a write was answered OK at W=", write.w, " although only the nodes ",
                             write.ever.DebugString(), " had ever held it"),
                {write.operation});
  }
}

void CheckPresent(const History& history, const TrackedWrite& write, const FinalRecords& final,
                  Report* report) {
  const HistoryOperation& operation = history.operations()[write.operation];
  const std::string& key = operation.operation.key;
  for (const auto& [node, records] : final) {
    const auto it = records.find(key);
    const Version held = it == records.end() ? Version() : it->second.version;
    if (held.Descends(write.version)) continue;
    report->Add(kProperty,
                absl::StrCat("in the end node ", node, " holds ", held.DebugString(), " of ",
                             Shown(key), ", which does not know of an acknowledged write"),
                {write.operation});
    return;
  }
  for (size_t i = 0; i < history.operations().size(); ++i) {
    const HistoryOperation& read = history.operations()[i];
    if (!read.final_phase || !read.ok() || read.operation.is_write()) continue;
    if (read.operation.key != key || read.submit_event < operation.end_event) continue;
    if (ReturnedVersion(read).Descends(write.version)) continue;
    report->Add(kProperty, "a read after healing does not know of an acknowledged write",
                {write.operation, i});
    return;
  }
}

}  // namespace

void CheckAcknowledgedWrites(const History& history, Report* report) {
  if (!history.promise().keeps_acknowledged_writes) return;
  Holdings holdings(history);
  std::vector<bool> excused(holdings.writes().size(), false);
  for (size_t i = 0; i < history.events().size(); ++i) {
    holdings.Apply(i);
    const HistoryEvent& event = history.events()[i];
    const bool answered = event.kind == EventKind::kEnd &&
                          history.operations()[event.operation].operation.is_write() &&
                          history.operations()[event.operation].ok();
    if (answered) {
      CheckAnswer(history, holdings.writes()[holdings.PlaceOf(event.operation)], report);
    }
    if (!answered && event.kind != EventKind::kCrash) continue;
    for (size_t place = 0; place < excused.size(); ++place) {
      const TrackedWrite& write = holdings.writes()[place];
      if (write.acknowledged && write.lost.Count() >= write.w) excused[place] = true;
    }
  }
  const FinalRecords final = DecodeFinalContents(history);
  for (size_t place = 0; place < excused.size(); ++place) {
    ++(excused[place] ? report->writes_excused : report->writes_checked);
    if (excused[place]) continue;
    CheckPresent(history, holdings.writes()[place], final, report);
  }
}

}  // namespace quorate::sim
