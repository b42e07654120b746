#include "tests/sim/tally.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

#include "tests/sim/situations.h"

namespace quorate::sim {
namespace {

std::string OutcomeName(const HistoryOperation& operation) {
  switch (operation.outcome) {
    case Outcome::kOpen:
      return "open";
    case Outcome::kConnectionLost:
      return "node died";
    case Outcome::kRefused:
      return "node down";
    case Outcome::kEnded:
      break;
  }
  return absl::StrCat(absl::StatusCodeToString(operation.result.status.code()),
                      operation.result.may_have_applied ? " (unknown)" : "");
}

std::string Lines(const std::map<std::string, uint64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    absl::StrAppend(&text, absl::StrFormat("  %-72s %12d\n", name, count));
  }
  return text;
}

}  // namespace

uint64_t Tally::void_count() const {
  uint64_t count = 0;
  for (const auto& [reason, runs] : void_reasons_) count += runs;
  return count;
}

void Tally::Add(const RunResult& run) {
  if (run.valid()) {
    ++valid_;
    operations_of_valid_ += run.history->operations().size();
    const Quorums& quorums = run.plan.cluster.config.quorums;
    quorums_.emplace(quorums.n, quorums.w, quorums.r);
  } else {
    ++void_reasons_[run.void_reason];
  }
  const std::vector<Violation>& violations = run.report.violations;
  if (!violations.empty()) {
    ++failed_;
    only_stalls_ = only_stalls_ && std::all_of(violations.begin(), violations.end(),
                                               [](const Violation& v) { return v.stall; });
  }
  promises_kept_writes_ = promises_kept_writes_ || run.history->promise().keeps_acknowledged_writes;
  promises_linearizable_ = promises_linearizable_ || run.history->promise().linearizable_on_request;
  AddOperations(*run.history);
  for (const auto& [kind, count] : run.faults) faults_[FaultName(kind)] += count;
  restarts_ += run.restarts;
  network_.sent += run.network.sent;
  network_.lost += run.network.lost;
  network_.repeated += run.network.repeated;
  reads_checked_ += run.report.reads_checked;
  local_reads_checked_ += run.report.local_reads_checked;
  writes_checked_ += run.report.writes_checked;
  catch_ups_checked_ += run.report.catch_ups_checked;
  writes_excused_ += run.report.writes_excused;
  writes_forsaken_ += run.report.writes_forsaken;
  writes_gone_for_sure_ += run.report.writes_gone_for_sure;
  writes_lost_ += run.report.writes_lost;
  stale_reads_allowed_ += run.report.stale_reads_allowed;
  linearizable_checked_ += run.report.linearizable_checked;
  promises_sessions_ = promises_sessions_ || run.history->promise().sessions;
  sessions_checked_ += run.report.sessions_checked;
  linearizable_reads_under_faults_ += run.report.linearizable_reads_under_faults;
  linearizable_ended_early_ += run.report.linearizable_ended_early ? 1 : 0;
  repeats_checked_ += run.report.repeats_checked;
  refusals_checked_ += run.report.refusals_checked;
  inversions_allowed_ += run.report.inversions_allowed;
  for (const Situation& situation : Situations()) {
    if (CanBeSeen(situation, run.plan.strategy))
      situations_[situation.name] += situation.count(run);
  }
  virtual_time_ += run.virtual_time;
}

void Tally::AddOperations(const History& history) {
  for (const HistoryOperation& operation : history.operations()) {
    ++operations_[absl::StrCat(KindName(operation.operation.kind), ": ", OutcomeName(operation))];
    const bool has_record = operation.ok() && operation.result.record.has_value();
    conflicts_read_ += has_record && operation.result.record->conflicting() ? 1 : 0;
  }
}

std::vector<std::string> Tally::missing_situations() const {
  std::vector<std::string> missing;
  for (const auto& [name, count] : situations_) {
    if (count == 0) missing.push_back(name);
  }
  return missing;
}

std::string Tally::Counters() const {
  const double seconds = static_cast<double>(std::clock() - begun_) / CLOCKS_PER_SEC;
  const auto a_second = [seconds](double amount) { return seconds > 0 ? amount / seconds : 0.0; };
  const std::string faults = absl::StrJoin(faults_, ", ", [](std::string* out, const auto& fault) {
    absl::StrAppend(out, fault.second, " ", fault.first);
  });
  return absl::StrCat(
      absl::StrFormat("%d seeds valid, %d void; %d operations; %.2f simulated hours; %d checked "
                      "reads; faults: %s\n",
                      valid_, void_count(), operations_of_valid_,
                      absl::ToDoubleHours(virtual_time_), reads_checked_, faults),
      absl::StrFormat("on one core: %.0f operations a second, %.1f seeds a second, %.0f times as "
                      "fast as real time\n",
                      a_second(static_cast<double>(operations_of_valid_)),
                      a_second(static_cast<double>(runs())),
                      a_second(absl::ToDoubleSeconds(virtual_time_))));
}

std::string Tally::Summary() const {
  return absl::StrCat(
      absl::StrFormat("seeds: %d valid, %d void, %d failed; %d settings of (N, W, R)\n", valid_,
                      void_count(), failed_, quorums()),
      Lines(void_reasons_), "operations:\n", Lines(operations_), "faults:\n", Lines(faults_),
      absl::StrFormat("restarts: %d\n", restarts_),
      absl::StrFormat("messages: %d sent, %d lost, %d repeated\n", network_.sent, network_.lost,
                      network_.repeated),
      absl::StrFormat(
          "checked: %d reads and %d local ones against acknowledged writes, %d acknowledged writes "
          "at the end, %d writes known after catch-up, %d reads and writes for linearizability (%d "
          "of them reads before healing; in %d runs the promise ended early), %d operations of "
          "sessions, %d writes that were repeated, %d sets that were refused\n",
          reads_checked_, local_reads_checked_, writes_checked_, catch_ups_checked_,
          linearizable_checked_, linearizable_reads_under_faults_, linearizable_ended_early_,
          sessions_checked_, repeats_checked_, refusals_checked_),
      absl::StrFormat("acknowledged writes that W holders forgot: %d; that no node held any more: "
                      "%d, when all were down: %d; lost: %d\n",
                      writes_excused_, writes_forsaken_, writes_gone_for_sure_, writes_lost_),
      absl::StrFormat("seen: %d stale reads "
                      "where they are allowed, %d inversions where they are allowed, %d reads of "
                      "concurrent values\n",
                      stale_reads_allowed_, inversions_allowed_, conflicts_read_),
      "situations:\n", Lines(situations_), Counters());
}

}  // namespace quorate::sim
