// Where linearizability is promised, what clients saw of each key has one order in which every
// operation takes effect at one moment between its call and its answer: by the order that the
// replies told (the version sweep), and by values alone in any order (the zone test). The checkers
// are those of the load generator.
//
// The promise ends where W nodes have at one time forgotten something and not caught up yet
// (ForgetfulNodes): the history is judged up to there, and what was under way then counts as of
// unknown outcome.
//
// Majorities answer every operation of a cluster that promises it of all: where a request chose its
// own W or R, the answer is not OK.
//
// HistorySetting::expect_linearizable judges the same where no more than W+R>N is promised. Of
// reads to which nothing of this is promised, inversions are counted: a read that returned less
// than one that had ended before it began, which W+R>N alone allows.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"
#include "loadgen/check/version_sweep.h"
#include "loadgen/check/zones.h"
#include "tests/sim/checkers/checker.h"
#include "tests/sim/checkers/holdings.h"

namespace quorate::sim {
namespace {

constexpr char kProperty[] = "linearizable";
constexpr uint64_t kNobodysValue = std::numeric_limits<uint64_t>::max();

// The first event at which W nodes have forgotten something and not served since.
size_t EndOfPromise(const History& history) {
  ForgetfulNodes forgetful(history.setting().durability);
  for (size_t i = 0; i < history.events().size(); ++i) {
    forgetful.Apply(history.events()[i]);
    if (forgetful.Count() >= history.setting().quorums.w) return i;
  }
  return history.events().size();
}

// Whether every read and write is judged, and not only those that asked for it.
bool JudgesAll(const History& history) {
  const bool expected = history.setting().expect_linearizable && history.promise().no_stale_reads;
  return history.promise().linearizable || expected;
}

// Whether the operation is one of those that the promise is about.
bool Counts(const History& history, const HistoryOperation& operation, size_t end) {
  if (!operation.submitted || operation.submit_event >= end) return false;
  if (operation.operation.is_write()) return true;
  return operation.operation.kind == OperationKind::kGet &&
         (operation.operation.linearizable || JudgesAll(history));
}

// Whether it certainly took effect. A write that asked for fewer than W replicas may be forgotten
// by fewer than the promise allows for.
bool Certain(const History& history, const HistoryOperation& operation, size_t end) {
  if (!operation.ok() || operation.end_event >= end) return false;
  return !operation.operation.is_write() ||
         AskedW(history, operation) >= history.setting().quorums.w;
}

// What the operations of a history are called for the load generator's checkers.
class Translation {
 public:
  Translation(const History& history, size_t end) : history_(history), end_(end) {
    for (const HistoryOperation& operation : history.operations()) Name(operation);
  }

  // `session` stands for the operation's place.
  check::History Translate() {
    check::History result;
    for (size_t i = 0; i < history_.operations().size(); ++i) {
      const HistoryOperation& operation = history_.operations()[i];
      if (!Counts(history_, operation, end_)) continue;
      check::Operation translated;
      if (!Translate(operation, &translated)) continue;
      translated.session = static_cast<uint32_t>(i);
      result.operations.push_back(translated);
    }
    check::SortByKey(&result);
    return result;
  }

 private:
  void Name(const HistoryOperation& operation) {
    keys_.emplace(operation.operation.key, keys_.size());
    if (operation.operation.kind == OperationKind::kSet) {
      values_.emplace(operation.operation.value, values_.size() + 1);
    }
    if (!operation.ok()) return;
    std::vector<WriteOrder>& orders = orders_[operation.operation.key];
    const auto place = std::lower_bound(orders.begin(), orders.end(), operation.result.order);
    if (place == orders.end() || !(*place == operation.result.order)) {
      orders.insert(place, operation.result.order);
    }
  }

  // From 1; a read of what was never written has order 0.
  uint64_t PlaceOf(const std::string& key, const WriteOrder& order) const {
    const std::vector<WriteOrder>& orders = orders_.at(key);
    return 1 + (std::lower_bound(orders.begin(), orders.end(), order) - orders.begin());
  }

  // False where the operation obliges nobody to anything.
  bool Translate(const HistoryOperation& from, check::Operation* to) const {
    const OperationResult& result = from.result;
    const bool certain = Certain(history_, from, end_);
    const bool write = from.operation.is_write();
    if (!write && !certain) return false;
    const bool answered = from.outcome == Outcome::kEnded && from.end_event < end_;
    if (answered && !from.ok() && !result.may_have_applied) return false;
    to->key = static_cast<uint32_t>(keys_.at(from.operation.key));
    to->start = static_cast<check::Nanos>(from.submit_event);
    to->end = check::kNever;
    to->outcome = check::Outcome::kUnknown;
    to->kind = !write                                          ? check::Kind::kRead
               : from.operation.kind == OperationKind::kDelete ? check::Kind::kDelete
                                                               : check::Kind::kWrite;
    if (to->kind == check::Kind::kWrite) to->value = values_.at(from.operation.value);
    if (!certain) return true;
    to->end = static_cast<check::Nanos>(from.end_event);
    to->outcome = check::Outcome::kOk;
    to->order_known = 1;
    if (write) {
      to->order = PlaceOf(from.operation.key, result.order);
    } else if (const Sibling* shown =
                   result.record.has_value() ? result.record->Winner() : nullptr) {
      to->order = PlaceOf(from.operation.key, result.order);
      to->found = shown->tombstone ? 0 : 1;
      const auto value = values_.find(shown->value);
      if (to->found != 0) to->value = value == values_.end() ? kNobodysValue : value->second;
    }
    return true;
  }

  const History& history_;
  const size_t end_;
  std::map<std::string, size_t> keys_;
  std::map<std::string, uint64_t> values_;
  std::map<std::string, std::vector<WriteOrder>> orders_;  // sorted
};

void Judge(const check::History& translated, const check::CheckResult& result, Report* report) {
  for (const check::Conflict& conflict : result.Examples()) {
    std::vector<size_t> operations;
    for (const size_t place : conflict.operations) {
      operations.push_back(translated.operations[place].session);
    }
    report->Add(kProperty,
                absl::StrCat(result.property(), ": ", check::ConflictName(conflict.kind), " (",
                             check::ConflictMeaning(conflict.kind), ")"),
                std::move(operations));
  }
}

void CheckNoneChose(const History& history, Report* report) {
  for (size_t i = 0; i < history.operations().size(); ++i) {
    const HistoryOperation& operation = history.operations()[i];
    const bool chose = operation.operation.w.has_value() || operation.operation.r.has_value();
    if (!chose || !operation.ok() || operation.operation.kind == OperationKind::kLocalRead)
      continue;
    report->Add(kProperty, "a linearizable cluster answered OK at a W or R that the request chose",
                {i});
  }
}

uint64_t ReadsUnderFaults(const History& history, const check::History& translated) {
  return std::count_if(translated.operations.begin(), translated.operations.end(),
                       [&history](const check::Operation& operation) {
                         return operation.kind == check::Kind::kRead &&
                                !history.operations()[operation.session].final_phase;
                       });
}

void CountInversions(const History& history, Report* report) {
  std::map<std::string, Version> newest;      // that an ended read has returned
  std::map<size_t, Version> newest_at_start;  // of open reads
  for (const HistoryEvent& event : history.events()) {
    if (event.kind != EventKind::kSubmit && event.kind != EventKind::kEnd) continue;
    const HistoryOperation& operation = history.operations()[event.operation];
    if (operation.operation.kind != OperationKind::kGet || !operation.ok()) continue;
    if (operation.operation.linearizable) continue;
    Version& best = newest[operation.operation.key];
    if (event.kind == EventKind::kSubmit) {
      newest_at_start[event.operation] = best;
      continue;
    }
    const Version version = ReturnedVersion(operation);
    const bool less = version.Compare(newest_at_start[event.operation]) == VersionOrder::kBefore;
    report->inversions_allowed += less ? 1 : 0;
    if (version.Descends(best)) best = version;
  }
}

}  // namespace

void CheckLinearizable(const History& history, Report* report) {
  const bool all = JudgesAll(history);
  if (!all) CountInversions(history, report);
  if (!all && !history.promise().linearizable_on_request) return;
  if (history.promise().linearizable) CheckNoneChose(history, report);
  const size_t end = EndOfPromise(history);
  const check::History translated = Translation(history, end).Translate();
  const check::CheckResult sweep =
      check::CheckVersionSweep(translated, check::Model::kLinearizable);
  report->linearizable_checked += sweep.reads() + sweep.writes();
  report->linearizable_reads_under_faults += ReadsUnderFaults(history, translated);
  report->linearizable_ended_early = end < history.events().size();
  Judge(translated, sweep, report);
  Judge(translated, check::CheckZones(translated), report);
}

}  // namespace quorate::sim
