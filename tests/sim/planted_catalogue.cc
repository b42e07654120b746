#include "tests/sim/planted_catalogue.h"

#include "replication/registry.h"
#include "tests/sim/runner.h"

namespace quorate::sim {

const std::vector<PlantedRule>& PlantedRules() {
  static const auto& rules = *new std::vector<PlantedRule>{
      {"AnswerBeforeW", Bug::kAnswerBeforeW,
       "a write is answered with one acknowledgement fewer than W"},
      {"ReadBeforeR", Bug::kReadBeforeR, "a read is answered with one answer fewer than R"},
      {"CountReplicaTwice", Bug::kCountReplicaTwice,
       "the first replica that accepts counts as two"},
      {"FirstAnswerWins", Bug::kFirstAnswerWins,
       "a read returns what came first instead of what is newest"},
      {"ForgetSession", Bug::kForgetSession, "a read returns less than its session has seen"},
      {"EndLate", Bug::kEndLate, "an operation is given twice the time that its client asked for"},
      {"RepeatWritesAgain", Bug::kRepeatWritesAgain,
       "a repeat of a write is taken for another write"},
      {"DenyUnknown", Bug::kDenyUnknown,
       "a write whose outcome is not known is answered as if nothing had been written"},
      {"ReadWithoutWriteBack", Bug::kReadWithoutWriteBack,
       "a linearizable read returns what too few replicas hold"},
      {"ReadBeforeHeld", Bug::kReadBeforeHeld,
       "a leader's linearizable read does not wait until W replicas hold what it returns"},
      {"WriteWithoutAsking", Bug::kWriteWithoutAsking,
       "a linearizable write does not ask what is newest before it takes its clock"},
      {"AcknowledgeBeforeDurable", Bug::kAcknowledgeBeforeDurable,
       "what waits for a sync goes on without it"},
      {"ShowBeforeDurable", Bug::kShowBeforeDurable,
       "a read shows what a crash may still take away"},
      {"ReuseDots", Bug::kReuseDots,
       "a node that has lost writes goes on with the dots that they had"},
      {"BelieveTornTail", Bug::kBelieveTornTail,
       "what the loss of power left of a batch is read as if it were whole"},
      {"IgnoreChecksums", Bug::kIgnoreChecksums, "damaged bytes are read as if they were whole"},
      {"IgnoreLoss", Bug::kIgnoreLoss,
       "a start does not hear that its engine has lost what was synced"},
      {"OverwriteWithoutCompare", Bug::kOverwriteWithoutCompare,
       "a replica stores what arrives last instead of merging"},
      {"RepairWithOlder", Bug::kRepairWithOlder,
       "a replica that is repaired takes over an older record"},
      {"LoseSiblings", Bug::kLoseSiblings, "of two concurrent records, merging keeps one"},
      {"LoseTombstone", Bug::kLoseTombstone,
       "of concurrent records, merging keeps no delete beside a value"},
      {"ReplaceUnseen", Bug::kReplaceUnseen,
       "a write replaces values that its writer has not seen"},
      {"DeleteUnseen", Bug::kDeleteUnseen, "a delete replaces values that its writer has not seen"},
      {"SyncingAnswersAbsent", Bug::kSyncingAnswersAbsent,
       "a node that may have forgotten answers all the same"},
      {"ServeBeforeComparing", Bug::kServeBeforeComparing,
       "a node that may have forgotten compares with one other only"},
      {"DropTombstones", Bug::kDropTombstones, "catching up leaves out deletes"},
      {"SkipPages", Bug::kSkipPages, "catching up fetches the first page only"},
      {"LeadBeforeComparing", Bug::kLeadBeforeComparing,
       "a leader leads without having asked what its followers hold"},
      {"WriteUnadopted", Bug::kWriteUnadopted,
       "a leader takes writes for fewer than W in an epoch that too few others know"},
      {"ReuseEpoch", Bug::kReuseEpoch,
       "a leader goes on with an epoch that an earlier start has used"},
      {"AcceptGaps", Bug::kAcceptGaps, "a follower goes on behind an entry that it lacks"},
      {"CaughtUpBeforePulled", Bug::kCaughtUpBeforePulled,
       "a follower takes itself for caught up once it has begun to fetch"},
      {"KeepAdopted", Bug::kKeepAdopted, "what a leader learns late, it does not pass on"},
  };
  return rules;
}

Bug BugNamed(absl::string_view name) {
  for (const PlantedRule& rule : PlantedRules()) {
    if (name == rule.name) return rule.bug;
  }
  return Bug::kNone;
}

std::optional<Catch> Hunt(Bug bug, uint64_t seeds_max) {
  planted_bug = bug;
  std::optional<Catch> caught;
  for (uint64_t seed = 1; seed <= seeds_max && !caught.has_value(); ++seed) {
    for (const std::string& strategy : StrategyNames()) {
      const RunResult run = RunSeed({strategy, seed, /*full_log=*/false});
      if (run.report.violations.empty()) continue;
      caught = Catch{seed, strategy, {}};
      for (const Violation& violation : run.report.violations) {
        ++caught->properties[violation.property];
      }
      break;
    }
  }
  planted_bug = Bug::kNone;
  return caught;
}

}  // namespace quorate::sim
