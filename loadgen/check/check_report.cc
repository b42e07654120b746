#include "loadgen/check/check_report.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"

#include "loadgen/check/check_result.h"
#include "loadgen/check/staleness.h"
#include "loadgen/check/witness.h"

namespace quorate::check {
namespace {

constexpr double kNanosPerSecond = 1e9;

struct Tally {
  uint64_t reads = 0;
  uint64_t writes = 0;
  uint64_t failed = 0;
  uint64_t unknown = 0;
  uint64_t others = 0;  // of the writes: made by no session
  size_t keys = 0;
  size_t sessions = 0;
};

Tally TallyOf(const History& history) {
  Tally tally;
  std::set<uint32_t> sessions;
  for (size_t i = 0; i < history.operations.size(); ++i) {
    const Operation& operation = history.operations[i];
    ++(operation.is_read() ? tally.reads : tally.writes);
    if (operation.outcome == Outcome::kFailed) ++tally.failed;
    if (operation.outcome == Outcome::kUnknown) ++tally.unknown;
    if (i == 0 || operation.key != history.operations[i - 1].key) ++tally.keys;
    if (operation.session == kNoSession) {
      ++tally.others;
    } else {
      sessions.insert(operation.session);
    }
  }
  tally.sessions = sessions.size();
  return tally;
}

// Those of all answers that are kept, without the same pair twice.
std::vector<Conflict> ConflictsToShow(const Judgement& judgement, size_t examples) {
  std::vector<Conflict> shown;
  std::set<std::vector<size_t>> pairs;
  for (const Answer& answer : judgement.answers) {
    for (const CheckResult& result : answer.results) {
      std::array<size_t, kConflictKinds> of_kind = {};
      for (const Conflict& conflict : result.Examples()) {
        if (of_kind[static_cast<size_t>(conflict.kind)] >= examples) continue;
        if (!pairs.insert(conflict.operations).second) continue;
        ++of_kind[static_cast<size_t>(conflict.kind)];
        shown.push_back(conflict);
      }
    }
  }
  return shown;
}

std::string ConflictCounts(const CheckResult& result) {
  std::vector<std::string> counts;
  for (size_t kind = 0; kind < kConflictKinds; ++kind) {
    const ConflictKind conflict = static_cast<ConflictKind>(kind);
    if (result.Count(conflict) == 0) continue;
    counts.push_back(absl::StrCat(ConflictName(conflict), " ", result.Count(conflict)));
  }
  return absl::StrJoin(counts, ", ");
}

// Finite severities: the middle one and the greatest.
struct Severity {
  bool any = false;
  Nanos median = 0;
  Nanos greatest = 0;
};

Severity SeverityOf(const CheckResult& result) {
  std::vector<Nanos> finite;
  for (const Nanos severity : result.severities()) {
    if (severity != kNever) finite.push_back(severity);
  }
  if (finite.empty()) return Severity();
  std::sort(finite.begin(), finite.end());
  return Severity{true, finite[finite.size() / 2], finite.back()};
}

std::string FormatResult(const CheckResult& result) {
  std::string text =
      absl::StrFormat("  %-28s %-9s", result.property(), VerdictName(result.verdict()));
  if (result.conflicts() > 0) {
    absl::StrAppend(&text, result.conflicts(), " conflicts on ", result.keys_in_conflict(), " of ",
                    result.keys(), " keys: ", ConflictCounts(result));
  } else if (result.unknown().empty()) {
    absl::StrAppend(&text, result.reads(), " reads and ", result.writes(), " writes on ",
                    result.keys(), " keys");
  }
  absl::StrAppend(&text, "\n");
  const Severity severity = SeverityOf(result);
  if (severity.any) {
    absl::StrAppend(&text, "    clock error that would excuse one: median ",
                    FormatNanos(severity.median), ", largest ", FormatNanos(severity.greatest),
                    "\n");
  }
  for (const auto& [why, keys] : result.unknown()) {
    absl::StrAppend(&text, "    not judged on ", keys, " keys: ", why, "\n");
  }
  return text;
}

std::string FormatStaleness(const Staleness& staleness) {
  const double share =
      staleness.reads == 0 ? 0 : 100.0 * static_cast<double>(staleness.stale) / staleness.reads;
  std::string text =
      absl::StrFormat("stale reads: %d of %d (%.4f %%)\n", staleness.stale, staleness.reads, share);
  if (staleness.stale > 0) {
    std::vector<std::string> missed;
    for (size_t k = 1; k < staleness.missed.size(); ++k) {
      if (staleness.missed[k] == 0) continue;
      missed.push_back(
          absl::StrCat(k, k == Staleness::kMissedMax ? " or more" : "", ": ", staleness.missed[k]));
    }
    absl::StrAppend(&text, "  acknowledged writes missed: ", absl::StrJoin(missed, ", "), "\n",
                    "  value obsolete for at least: median ",
                    FormatNanos(staleness.ObsoletePercentile(0.5)), ", P99 ",
                    FormatNanos(staleness.ObsoletePercentile(0.99)), ", largest ",
                    FormatNanos(staleness.ObsoletePercentile(1)), "\n");
  }
  absl::StrAppend(&text, "inversions: ", staleness.inversions, ", future reads: ", staleness.future,
                  ", phantom reads: ", staleness.phantom,
                  ", without a version: ", staleness.not_judged, "\n");
  return text;
}

nlohmann::json Seconds(Nanos nanos) {
  if (nanos == kNever || nanos == kBeforeAll) return nullptr;
  return static_cast<double>(nanos) / kNanosPerSecond;
}

nlohmann::json TallyAsJson(const History& history, const Tally& tally) {
  nlohmann::json json;
  json["total"] = history.operations.size();
  json["reads"] = tally.reads;
  json["writes"] = tally.writes;
  json["failed"] = tally.failed;
  json["unknown"] = tally.unknown;
  json["others"] = tally.others;
  json["keys"] = tally.keys;
  json["sessions"] = tally.sessions;
  return json;
}

nlohmann::json OperationAsJson(const History& history, size_t place) {
  const Operation& operation = history.operations[place];
  nlohmann::json json;
  json["place"] = place;
  json["session"] = operation.session;
  json["what"] = DescribeOperation(operation);
  json["value"] = operation.value;
  json["order"] = operation.order_known != 0 ? nlohmann::json(operation.order) : nullptr;
  json["node"] = NodeName(history, operation.node);
  json["start"] = Seconds(operation.start);
  json["end"] = Seconds(operation.finish());
  return json;
}

nlohmann::json ResultAsJson(const CheckResult& result) {
  nlohmann::json json;
  json["property"] = result.property();
  json["verdict"] = VerdictName(result.verdict());
  json["keys"] = result.keys();
  json["keys_in_conflict"] = result.keys_in_conflict();
  json["reads"] = result.reads();
  json["writes"] = result.writes();
  json["conflicts"] = nlohmann::json::object();
  for (size_t kind = 0; kind < kConflictKinds; ++kind) {
    const ConflictKind conflict = static_cast<ConflictKind>(kind);
    if (result.Count(conflict) == 0) continue;
    json["conflicts"][ConflictName(conflict)] = result.Count(conflict);
  }
  const Severity severity = SeverityOf(result);
  json["severity"] = nullptr;
  if (severity.any) {
    json["severity"] = nlohmann::json::object();
    json["severity"]["median"] = Seconds(severity.median);
    json["severity"]["largest"] = Seconds(severity.greatest);
  }
  json["not_judged"] = result.unknown();
  return json;
}

nlohmann::json StalenessAsJson(const Staleness& staleness) {
  nlohmann::json json;
  json["reads"] = staleness.reads;
  json["stale"] = staleness.stale;
  json["inversions"] = staleness.inversions;
  json["future"] = staleness.future;
  json["phantom"] = staleness.phantom;
  json["not_judged"] = staleness.not_judged;
  json["missed"] = nlohmann::json::array();
  for (size_t k = 0; k < staleness.missed.size(); ++k) {
    if (staleness.missed[k] == 0) continue;
    nlohmann::json& pair = json["missed"].emplace_back(nlohmann::json::array());
    pair.push_back(k);
    pair.push_back(staleness.missed[k]);
  }
  json["obsolete_at_least"] = nullptr;
  if (staleness.stale > 0) {
    nlohmann::json& obsolete = json["obsolete_at_least"];
    obsolete["50"] = Seconds(staleness.ObsoletePercentile(0.5));
    obsolete["99"] = Seconds(staleness.ObsoletePercentile(0.99));
    obsolete["max"] = Seconds(staleness.ObsoletePercentile(1));
  }
  return json;
}

}  // namespace

std::string FormatJudgement(const std::string& name, const History& history,
                            const Judgement& judgement, size_t examples) {
  const Tally tally = TallyOf(history);
  std::string text = absl::StrCat(
      name, ": ", history.operations.size(), " operations on ", tally.keys, " keys by ",
      tally.sessions, " sessions: ", tally.reads, " reads, ", tally.writes, " writes; ",
      tally.failed, " failed, ", tally.unknown, " of unknown outcome\n");
  if (!history.description.empty()) absl::StrAppend(&text, "  ", history.description, "\n");
  if (tally.others > 0) {
    absl::StrAppend(&text, "  others made ", tally.others, " of the writes, as reads have shown\n");
  }
  if (history.cut_at.has_value()) {
    absl::StrAppendFormat(&text, "  recording was full after %.3f s: nothing later was judged\n",
                          static_cast<double>(*history.cut_at) / kNanosPerSecond);
  }
  for (const Answer& answer : judgement.answers) {
    absl::StrAppend(&text, "\n", answer.question, ": ", VerdictName(answer.verdict), "\n");
    for (const CheckResult& result : answer.results) text += FormatResult(result);
    if (!answer.remark.empty()) absl::StrAppend(&text, "  ", answer.remark, "\n");
  }
  absl::StrAppend(&text, "\n", FormatStaleness(judgement.staleness));
  for (const Conflict& conflict : ConflictsToShow(judgement, examples)) {
    absl::StrAppend(&text, "\n", RenderWitness(history, conflict));
  }
  return text;
}

std::string JudgementAsJson(const std::string& name, const History& history,
                            const Judgement& judgement, size_t examples) {
  const Tally tally = TallyOf(history);
  nlohmann::json json;
  json["schema"] = "quorate.loadgen.check/1";
  json["file"] = name;
  json["description"] = history.description;
  json["verdict"] = VerdictName(judgement.verdict);
  json["cut_at"] = history.cut_at.has_value() ? Seconds(*history.cut_at) : nullptr;
  json["operations"] = TallyAsJson(history, tally);
  json["answers"] = nlohmann::json::array();
  for (const Answer& answer : judgement.answers) {
    nlohmann::json& one = json["answers"].emplace_back();
    one["question"] = answer.question;
    one["verdict"] = VerdictName(answer.verdict);
    one["remark"] = answer.remark;
    one["results"] = nlohmann::json::array();
    for (const CheckResult& result : answer.results) one["results"].push_back(ResultAsJson(result));
  }
  json["staleness"] = StalenessAsJson(judgement.staleness);
  json["examples"] = nlohmann::json::array();
  for (const Conflict& conflict : ConflictsToShow(judgement, examples)) {
    nlohmann::json& one = json["examples"].emplace_back();
    one["kind"] = ConflictName(conflict.kind);
    one["key"] = KeyName(history, conflict.key);
    one["severity"] = Seconds(conflict.severity);
    one["operations"] = nlohmann::json::array();
    for (const size_t place : conflict.operations) {
      one["operations"].push_back(OperationAsJson(history, place));
    }
  }
  // Names may hold any bytes.
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace quorate::check
