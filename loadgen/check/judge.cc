#include "loadgen/check/judge.h"

#include <algorithm>
#include <utility>

#include "loadgen/check/sessions.h"
#include "loadgen/check/version_sweep.h"
#include "loadgen/check/zones.h"

namespace quorate::check {
namespace {

bool Any(const std::vector<Verdict>& verdicts, Verdict wanted) {
  return std::find(verdicts.begin(), verdicts.end(), wanted) != verdicts.end();
}

Verdict All(const std::vector<Verdict>& verdicts) {
  if (Any(verdicts, Verdict::kViolated)) return Verdict::kViolated;
  return Any(verdicts, Verdict::kUnknown) ? Verdict::kUnknown : Verdict::kHolds;
}

Answer AnswerLinearizable(const History& history) {
  Answer answer;
  answer.question = "linearizable";
  CheckResult sweep = CheckVersionSweep(history, Model::kLinearizable);
  CheckResult zones = CheckZones(history);
  const std::vector<Verdict> verdicts = {sweep.verdict(), zones.verdict()};
  if (!Any(verdicts, Verdict::kViolated) && Any(verdicts, Verdict::kHolds)) {
    answer.verdict = Verdict::kHolds;  // each of them is proof by itself
  } else {
    answer.verdict = All(verdicts);
  }
  if (sweep.verdict() == Verdict::kViolated && zones.verdict() == Verdict::kHolds) {
    answer.remark =
        "some order explains what clients saw, but not the order of the versions: versions were "
        "given out wrongly";
  }
  answer.results.push_back(std::move(sweep));
  answer.results.push_back(std::move(zones));
  return answer;
}

Answer AnswerRegular(const History& history) {
  Answer answer;
  answer.question = "regular";
  CheckResult reads = CheckVersionSweep(history, Model::kRegular);
  CheckResult writes = CheckVersionSweep(history, Model::kWriteOrder);
  answer.verdict =
      history.ranked_by_clocks ? reads.verdict() : All({reads.verdict(), writes.verdict()});
  if (history.ranked_by_clocks && writes.verdict() == Verdict::kViolated) {
    answer.remark =
        "the order of the writes is no part of the answer: nodes without a leader rank them by "
        "their clocks, and nobody promises that these agree";
  }
  answer.results.push_back(std::move(reads));
  answer.results.push_back(std::move(writes));
  return answer;
}

Answer AnswerSessions(const History& history) {
  Answer answer;
  answer.question = "sessions";
  SessionResults results = CheckSessions(history);
  std::vector<Verdict> verdicts;
  for (CheckResult* result : {&results.read_your_writes, &results.monotonic_reads,
                              &results.monotonic_writes, &results.writes_follow_reads}) {
    verdicts.push_back(result->verdict());
    answer.results.push_back(std::move(*result));
  }
  answer.verdict = All(verdicts);
  return answer;
}

// What found nothing to look at proves nothing.
void DistrustEmpty(Answer* answer) {
  if (answer->verdict != Verdict::kHolds) return;
  for (const CheckResult& result : answer->results) {
    if (result.reads() + result.writes() > 0) return;
  }
  answer->verdict = Verdict::kUnknown;
  answer->remark = "no operation succeeded, so there is nothing to judge";
}

}  // namespace

Judgement Judge(const History& history, Scope scope) {
  Judgement judgement;
  if (scope == Scope::kLinearizable || scope == Scope::kAll) {
    judgement.answers.push_back(AnswerLinearizable(history));
  }
  if (scope == Scope::kRegular || scope == Scope::kAll) {
    judgement.answers.push_back(AnswerRegular(history));
  }
  if (scope == Scope::kSessions || scope == Scope::kAll) {
    judgement.answers.push_back(AnswerSessions(history));
  }
  std::vector<Verdict> verdicts;
  for (Answer& answer : judgement.answers) {
    DistrustEmpty(&answer);
    verdicts.push_back(answer.verdict);
  }
  judgement.verdict = All(verdicts);
  judgement.staleness = MeasureStaleness(history, [](const StaleRead&) {});
  return judgement;
}

}  // namespace quorate::check
