// Three things about every write that was answered OK.
//
// When it is answered, W different nodes have held it: at some time up to then, each one's store
// held a record that descends from the write, at the durability in force. This holds whatever
// crashes.
//
// In the end it is there: on every node, and in every read after healing, there is a record that
// descends from it. A write is excused from this once, at one moment after its answer, no node held
// it any more: all that had, W at least, had lost it in a crash or with their disk, and had not got
// it back. Who that is, is computed from the stores' contents (holdings.h), not from what nodes say
// of themselves. Less is promised (W holders that forget may be all), but as long as one node holds
// a write, replicas that converge come to hold it again.
//
// And if at that moment all nodes were down, nothing can bring it back: neither a store, nor a
// message, nor a node's memory has it.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

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

// Nullptr where each holds what descends from the write; else what one holds instead.
const Record* FindWithout(const TrackedWrite& write, const std::string& key,
                          const FinalRecords& final, NodeId* where) {
  static const auto& none = *new Record();
  for (const auto& [node, records] : final) {
    const auto it = records.find(key);
    const Record& held = it == records.end() ? none : it->second;
    if (held.version.Descends(write.version)) continue;
    *where = node;
    return &held;
  }
  return nullptr;
}

// The reads after healing that were answered, by key.
using FinalReads = std::map<std::string, std::vector<size_t>>;

FinalReads FindFinalReads(const History& history) {
  FinalReads reads;
  for (size_t i = 0; i < history.operations().size(); ++i) {
    const HistoryOperation& read = history.operations()[i];
    if (!read.final_phase || !read.ok() || read.operation.is_write()) continue;
    reads[read.operation.key].push_back(i);
  }
  return reads;
}

void CheckPresent(const History& history, const TrackedWrite& write, const FinalRecords& final,
                  const FinalReads& reads, Report* report) {
  const HistoryOperation& operation = history.operations()[write.operation];
  const std::string& key = operation.operation.key;
  NodeId node = 0;
  if (const Record* held = FindWithout(write, key, final, &node)) {
    report->Add(kProperty,
                absl::StrCat("in the end node ", node, " holds ", held->version.DebugString(),
                             " of ", Shown(key), ", which does not know of an acknowledged write"),
                {write.operation});
    return;
  }
  const auto of_key = reads.find(key);
  if (of_key == reads.end()) return;
  for (const size_t i : of_key->second) {
    const HistoryOperation& read = history.operations()[i];
    if (read.submit_event < operation.end_event) continue;
    if (ReturnedVersion(read).Descends(write.version)) continue;
    report->Add(kProperty, "a read after healing does not know of an acknowledged write",
                {write.operation, i});
    return;
  }
}

// Versions say little here: a client may have kept the context of a write that is gone.
void CheckGone(const History& history, const TrackedWrite& write, const FinalRecords& final,
               Report* report) {
  const Operation& written = history.operations()[write.operation].operation;
  if (written.kind != OperationKind::kSet) return;
  for (const auto& [node, records] : final) {
    const auto it = records.find(written.key);
    if (it == records.end()) continue;
    for (const Sibling& sibling : it->second.siblings) {
      if (sibling.tombstone || sibling.value != written.value) continue;
      report->Add("what everybody has forgotten is gone",
                  absl::StrCat("node ", node,
                               " holds a write that no store had kept when all "
                               "nodes were down"),
                  {write.operation});
      return;
    }
  }
}

// What has happened to a write since its answer.
struct Fate {
  bool excused = false;        // W of its holders had forgotten it at one time
  bool forsaken = false;       // all had
  bool gone_for_sure = false;  // and all nodes were down
};

void Judge(const TrackedWrite& write, bool all_down, Fate* fate) {
  if (!write.acknowledged) return;
  const bool held = write.holders.Count() > 0;
  fate->excused = fate->excused || write.lost.Count() >= write.w;
  fate->forsaken = fate->forsaken || !held;
  fate->gone_for_sure = fate->gone_for_sure || (!held && all_down);
}

std::vector<Fate> FindFates(const History& history, Holdings* holdings, Report* report) {
  std::vector<Fate> fates(holdings->writes().size());
  NodeSet up;
  const auto judge = [&](size_t place) {
    Judge(holdings->writes()[place], up.Count() == 0, &fates[place]);
  };
  for (size_t i = 0; i < history.events().size(); ++i) {
    holdings->Apply(i);
    const HistoryEvent& event = history.events()[i];
    if (event.kind == EventKind::kStart) up.Add(event.node);
    if (event.kind == EventKind::kCrash) up.Remove(event.node);
    const bool answered = event.kind == EventKind::kEnd &&
                          history.operations()[event.operation].operation.is_write() &&
                          history.operations()[event.operation].ok();
    if (answered) {
      const size_t place = holdings->PlaceOf(event.operation);
      CheckAnswer(history, holdings->writes()[place], report);
      judge(place);
    }
    // While a node forgets, one key after the other, nothing is judged.
    if (answered || event.kind == EventKind::kCrash) {
      for (const size_t place : holdings->TakeForgotten()) judge(place);
    }
    // What was lost before may now be gone for sure.
    if (event.kind == EventKind::kCrash && up.Count() == 0) {
      for (size_t place = 0; place < fates.size(); ++place) judge(place);
    }
  }
  return fates;
}

}  // namespace

void CheckAcknowledgedWrites(const History& history, Report* report) {
  if (!history.promise().keeps_acknowledged_writes) return;
  Holdings holdings(history);
  const std::vector<Fate> fates = FindFates(history, &holdings, report);
  const FinalRecords final = DecodeFinalContents(history);
  const FinalReads reads = FindFinalReads(history);
  const int promised_w = std::max(2, history.setting().quorums.w);
  for (size_t place = 0; place < fates.size(); ++place) {
    const Fate& fate = fates[place];
    const TrackedWrite& write = holdings.writes()[place];
    report->writes_excused += fate.excused ? 1 : 0;
    report->writes_gone_for_sure += fate.gone_for_sure ? 1 : 0;
    if (fate.gone_for_sure) CheckGone(history, write, final, report);
    if (!(history.promise().converges ? fate.forsaken : fate.excused)) {
      ++report->writes_checked;
      CheckPresent(history, write, final, reads, report);
      continue;
    }
    NodeId node = 0;
    const std::string& key = history.operations()[write.operation].operation.key;
    ++report->writes_forsaken;
    report->promised_writes_forsaken += write.w >= promised_w ? 1 : 0;
    report->writes_lost += FindWithout(write, key, final, &node) != nullptr ? 1 : 0;
  }
}

}  // namespace quorate::sim
