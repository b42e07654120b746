#include "tests/nemesis/verdict.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "loadgen/check/check_result.h"
#include "loadgen/check/sessions.h"
#include "loadgen/check/version_sweep.h"
#include "loadgen/check/witness.h"
#include "loadgen/check/zones.h"
#include "replication/cluster_config.h"
#include "replication/registry.h"
#include "replication/storage/version.h"
#include "replication/strategy.h"
#include "tests/nemesis/knowledge.h"
#include "tests/nemesis/recorded_sessions.h"
#include "tests/sim/checkers/checker.h"
#include "tests/sim/promises.h"

namespace quorate::nemesis {
namespace {

using check::CheckResult;
using check::ConflictKind;

// Of one property, so that a broken cluster fills no screen.
constexpr size_t kShownMax = 3;

class Judge {
 public:
  Judge(const sim::ScheduleSetting& setting, const LoadResult& load,
        const std::vector<Forgotten>& forgotten, Verdict* verdict)
      : setting_(setting),
        load_(load),
        has_leader_(StrategyHasLeader(setting.strategy)),
        anybody_forgot_(!forgotten.empty()),
        verdict_(verdict) {
    ClusterConfig config;
    config.cluster = "nemesis";
    config.strategy = setting.strategy;
    config.quorums.n = setting.n;
    config.write_mode = setting.write_mode;
    promises_ = sim::PromisesOf(config);
    verdict_->promise_ended = EndOfPromise(forgotten, setting.w);
    end_ = verdict_->promise_ended == absl::InfiniteDuration()
               ? check::kNever
               : absl::ToInt64Nanoseconds(verdict_->promise_ended);
    for (const check::Operation& operation : load_.history.operations) {
      const bool certainly_nothing = operation.outcome == check::Outcome::kFailed;
      if (!operation.is_write() || certainly_nothing || !AskedOf(operation).handed_any()) continue;
      check::Nanos& first = with_tokens_.emplace(operation.key, check::kNever).first->second;
      first = std::min(first, operation.start);
    }
  }

  void Run() {
    JudgeReplies();
    JudgeValues();
    JudgeRegular();
    JudgeLinearizable();
    JudgeLocalReads();
    JudgeSessions();
    CountExcused();
    NameUnjudged();
  }

 private:
  using Wanted = std::function<bool(const Asked&)>;

  static bool Any(const Asked&) { return true; }

  const Guarantee& Own() const { return promises_.at({setting_.w, setting_.r}); }
  const Asked& AskedOf(const check::Operation& operation) const {
    return load_.asked[operation.session];
  }
  // Replicas that surely hold the write are as many as the promise is made for.
  bool HoldsOut(const Asked& write) const { return !anybody_forgot_ || write.quorum >= setting_.w; }

  // The reads that are `wanted`, and all writes; those that oblige nobody have unknown outcomes.
  check::History Select(const Wanted& wanted, const Wanted& obliges, check::Nanos end) const {
    check::History part;
    part.keys = load_.history.keys;
    part.cut_at = load_.history.cut_at;
    for (check::Operation operation : load_.history.operations) {
      const Asked& asked = AskedOf(operation);
      if (operation.start >= end) continue;
      const bool late = operation.end >= end;
      if (operation.is_read() && (late || !wanted(asked))) continue;
      if (operation.is_write() && operation.ok() && (late || !obliges(asked))) {
        operation.outcome = check::Outcome::kUnknown;
        operation.end = check::kNever;
      }
      part.operations.push_back(operation);
    }
    check::SortByKey(&part);
    return part;
  }
  // By whom it was asked, for people and for what sessions are promised.
  check::History WithClients(check::History part) const {
    for (check::Operation& operation : part.operations) {
      operation.session = static_cast<uint32_t>(load_.clients[operation.session]);
    }
    return part;
  }
  check::History Part(const Wanted& wanted, const Wanted& obliges, check::Nanos end) const {
    return WithClients(Select(wanted, obliges, end));
  }

  void Report(const std::string& property, const check::History& part, const CheckResult& result,
              const std::set<ConflictKind>& counted) {
    NoteUnknown(property, result);
    for (size_t kind = 0; kind < check::kConflictKinds; ++kind) {
      const ConflictKind conflict = static_cast<ConflictKind>(kind);
      const uint64_t count = counted.count(conflict) > 0 ? result.Count(conflict) : 0;
      if (count > 0) verdict_->conflicts[property] += count;
    }
    size_t shown = 0;
    for (const check::Conflict& conflict : result.Examples()) {
      if (counted.count(conflict.kind) == 0 || ++shown > kShownMax) continue;
      verdict_->violations.push_back(
          {property, absl::StrCat(check::ConflictName(conflict.kind), "\n",
                                  check::RenderWitness(part, conflict))});
    }
  }

  // Something is unclear about a key now and then, as which of two deletes of unknown outcome a
  // read has seen; all else of it is judged.
  void NoteUnknown(const std::string& property, const CheckResult& result) {
    for (const auto& [why, keys] : result.unknown()) {
      verdict_->unclear[why] += keys;
      if (2 * keys > result.keys()) {
        verdict_->unjudged.push_back(absl::StrCat(property, " (", keys, " keys: ", why, ")"));
      }
    }
  }

  void JudgeReplies() {
    for (const BadReply& reply : load_.bad_replies) {
      verdict_->Add("answers keep to what was asked for",
                    absl::StrCat(reply.operation, " ", reply.what));
    }
  }

  // What a read returns was written, by a write that had begun, under one version. This holds of
  // every read, and whatever is forgotten.
  void JudgeValues() {
    const check::History part = Part(Any, Any, check::kNever);
    const CheckResult result = CheckVersionSweep(part, check::Model::kRegular);
    verdict_->values_checked += result.reads();
    Report("reads return what was written", part, result,
           {ConflictKind::kFutureRead, ConflictKind::kPhantomRead, ConflictKind::kWrongValue,
            ConflictKind::kSharedVersion, ConflictKind::kTwoVersions});
  }

  // Where W+R>N: for each R by itself, against the writes whose W is large enough for it. The reads
  // after healing, of all nodes, show whether acknowledged writes are there.
  void JudgeRegular() {
    std::set<std::pair<int, bool>> groups;
    for (const Asked& asked : load_.asked) {
      if (asked.kind != OperationKind::kGet || asked.linearizable) continue;
      groups.emplace(asked.quorum, asked.final_phase);
    }
    for (const auto& [r, final_phase] : groups) {
      const Wanted wanted = [r = r, final_phase = final_phase](const Asked& read) {
        return read.kind == OperationKind::kGet && !read.linearizable && read.quorum == r &&
               read.final_phase == final_phase;
      };
      const Wanted obliges = [this, r = r](const Asked& write) {
        const auto promise = promises_.find({write.quorum, r});
        return promise != promises_.end() && promise->second.no_stale_reads && HoldsOut(write);
      };
      const check::History part = Select(wanted, obliges, end_);
      JudgeByOrder(part, final_phase);
      if (!Ordered()) JudgeKnowledge(part);
      Count(part, final_phase ? &verdict_->final_reads_checked : &verdict_->reads_checked);
      CountAllowed(wanted, part);
    }
  }

  // Where clocks are wrong, a write in a leaderless cluster may rank below an earlier one that its
  // coordinator has not seen; with a context, below what it replaces.
  bool Ordered() const { return has_leader_ || Own().linearizable; }

  // Without the reads whose age the order of writes does not show: some write may rank below what
  // it replaced, and did so before they ended.
  check::History WithOrder(check::History part) const {
    if (Ordered()) return part;
    const auto misled = [this](const check::Operation& operation) {
      const auto first = with_tokens_.find(operation.key);
      return operation.is_read() && first != with_tokens_.end() && operation.end >= first->second;
    };
    auto& operations = part.operations;
    operations.erase(std::remove_if(operations.begin(), operations.end(), misled),
                     operations.end());
    return part;
  }

  void JudgeByOrder(const check::History& selected, bool final_phase) {
    const check::History part = WithClients(WithOrder(selected));
    if (Ordered()) {
      Report("writes are in order", part, CheckVersionSweep(part, check::Model::kWriteOrder),
             {ConflictKind::kWriteOrder});
    }
    const CheckResult result = CheckVersionSweep(part, check::Model::kRegular);
    Report(final_phase ? "acknowledged writes are there" : "no stale reads", part, result,
           {ConflictKind::kStaleRead});
  }

  // A node that serves holds every write that was acknowledged by all.
  void JudgeLocalReads() {
    const check::History part = Select(
        [](const Asked& read) { return read.kind == OperationKind::kLocalRead; },
        [this](const Asked& write) { return write.quorum >= setting_.n && HoldsOut(write); }, end_);
    if (Ordered()) {
      const CheckResult result = CheckVersionSweep(WithClients(part), check::Model::kRegular);
      Report("local reads know of writes at W=N", WithClients(part), result,
             {ConflictKind::kStaleRead});
    } else {
      const CheckResult result = CheckKnowledge(part, load_.asked);
      Report("local reads know of writes at W=N", WithClients(part), result,
             {ConflictKind::kStaleRead});
    }
    Count(part, &verdict_->local_reads_checked);
  }

  void JudgeKnowledge(const check::History& selected) {
    const CheckResult result = CheckKnowledge(selected, load_.asked);
    Report(result.property(), WithClients(selected), result, {ConflictKind::kStaleRead});
  }

  void Count(const check::History& part, uint64_t* reads_checked) {
    bool obliged = false;
    uint64_t reads = 0;
    uint64_t writes = 0;
    for (const check::Operation& operation : part.operations) {
      reads += operation.is_read() && operation.ok() ? 1 : 0;
      const bool counts = operation.is_write() && operation.ok();
      writes += counts ? 1 : 0;
      obliged = obliged || counts;
    }
    if (!obliged || reads == 0) return;
    *reads_checked += reads;
    verdict_->writes_checked = std::max(verdict_->writes_checked, writes);
  }

  // Stale reads that nothing forbids, to see that the faults were such as to make some.
  void CountAllowed(const Wanted& wanted, const check::History& judged) {
    const auto stale = [this](const check::History& part) {
      const CheckResult result = CheckVersionSweep(WithOrder(part), check::Model::kRegular);
      return result.Count(ConflictKind::kStaleRead);
    };
    verdict_->stale_reads_allowed += stale(Select(wanted, Any, check::kNever)) - stale(judged);
  }

  void JudgeLinearizable() {
    const bool all = Own().linearizable;
    if (!all && !Own().linearizable_on_request) return;
    const check::History part = Part(
        [all](const Asked& read) {
          return read.kind == OperationKind::kGet && (all || read.linearizable);
        },
        [this](const Asked& write) { return write.quorum >= setting_.w; }, end_);
    const CheckResult sweep = CheckVersionSweep(part, check::Model::kLinearizable);
    verdict_->linearizable_checked += sweep.reads() + sweep.writes();
    for (const check::Operation& operation : Select(
                                                 [all](const Asked& read) {
                                                   return read.kind == OperationKind::kGet &&
                                                          !read.final_phase &&
                                                          (all || read.linearizable);
                                                 },
                                                 Any, end_)
                                                 .operations) {
      verdict_->linearizable_reads += operation.is_read() && operation.ok() ? 1 : 0;
    }
    std::set<ConflictKind> every;
    for (size_t kind = 0; kind < check::kConflictKinds; ++kind) {
      every.insert(static_cast<ConflictKind>(kind));
    }
    Report("linearizable", part, sweep, every);
    Report("linearizable", part, check::CheckZones(part), every);
    // What is linearizable keeps every promise to sessions.
    const check::SessionResults sessions = check::CheckSessions(part);
    for (const CheckResult* result : {&sessions.read_your_writes, &sessions.monotonic_reads,
                                      &sessions.monotonic_writes, &sessions.writes_follow_reads}) {
      Report("linearizable", part, *result, every);
    }
  }

  void JudgeSessions() {
    const RecordedSessions recorded = RecordSessions(setting_, promises_, load_);
    sim::Report report;
    sim::CheckSessions(recorded.history, &report);
    verdict_->sessions_checked += report.sessions_checked;
    for (const sim::Violation& violation : report.violations) {
      const size_t place = recorded.places[violation.operations[0]];
      verdict_->Add(violation.property, absl::StrCat(load_.names[place], ": ", violation.what));
    }
  }

  void CountExcused() {
    for (const check::Operation& operation : load_.history.operations) {
      if (!operation.is_write() || !operation.ok()) continue;
      const bool late = operation.end >= end_;
      verdict_->writes_excused += late || !HoldsOut(AskedOf(operation)) ? 1 : 0;
    }
  }

  // Local reads and reads at other R are asked for by chance only, so they may be missing.
  void NameUnjudged() {
    const Guarantee& own = Own();
    const bool to_the_end = end_ == check::kNever;
    const auto need = [this](bool promised, uint64_t judged, const char* name) {
      if (promised && judged == 0) verdict_->unjudged.push_back(name);
    };
    need(own.no_stale_reads && !own.linearizable, verdict_->reads_checked, "no stale reads");
    need(own.keeps_acknowledged_writes && !own.linearizable && to_the_end,
         verdict_->final_reads_checked, "acknowledged writes are there");
    bool asked_for = own.linearizable;
    bool in_session = false;
    for (const Asked& asked : load_.asked) {
      if (asked.final_phase) continue;
      asked_for = asked_for || asked.linearizable;
      in_session = in_session || !asked.handed.session.empty();
    }
    need(asked_for, verdict_->linearizable_reads, "linearizable");
    need(in_session && own.sessions, verdict_->sessions_checked, "sessions do not go back");
  }

  const sim::ScheduleSetting& setting_;
  const LoadResult& load_;
  const bool has_leader_;
  const bool anybody_forgot_;
  Verdict* const verdict_;
  std::map<std::pair<int, int>, Guarantee> promises_;
  check::Nanos end_ = check::kNever;
  // By key: when the first write began that told what it replaces.
  std::map<uint32_t, check::Nanos> with_tokens_;
};

}  // namespace

void Verdict::Add(std::string property, std::string what) {
  if (conflicts[property]++ >= kShownMax) return;
  violations.push_back(Violation{std::move(property), std::move(what)});
}

std::string Verdict::TooLittle() const {
  if (reads_checked + linearizable_reads + sessions_checked == 0) return "no promise to judge";
  if (!unjudged.empty()) {
    return absl::StrCat("nothing was there to judge by: ", absl::StrJoin(unjudged, "; "));
  }
  return "";
}

absl::Duration EndOfPromise(const std::vector<Forgotten>& forgotten, int w) {
  absl::Duration end = absl::InfiniteDuration();
  for (const Forgotten& last : forgotten) {
    std::set<NodeId> at_that_time;
    for (const Forgotten& one : forgotten) {
      if (one.from <= last.from && last.from < one.until) at_that_time.insert(one.node);
    }
    if (static_cast<int>(at_that_time.size()) >= w) end = std::min(end, last.from);
  }
  return end;
}

void JudgeHistory(const sim::ScheduleSetting& setting, const LoadResult& load,
                  const std::vector<Forgotten>& forgotten, Verdict* verdict) {
  Judge(setting, load, forgotten, verdict).Run();
}

}  // namespace quorate::nemesis
