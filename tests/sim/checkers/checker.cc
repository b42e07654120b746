#include "tests/sim/checkers/checker.h"

namespace quorate::sim {

int AskedW(const History& history, const HistoryOperation& operation) {
  return operation.operation.w.value_or(history.setting().quorums.w);
}

int AskedR(const History& history, const HistoryOperation& operation) {
  return operation.operation.r.value_or(history.setting().quorums.r);
}

Version ReturnedVersion(const HistoryOperation& operation) {
  return operation.result.record.has_value() ? operation.result.record->version : Version();
}

Report CheckAll(const History& history) {
  Report report;
  CheckAcknowledgedWrites(history, &report);
  CheckCaughtUp(history, &report);
  CheckStaleReads(history, &report);
  CheckLinearizable(history, &report);
  CheckSessions(history, &report);
  CheckShownIsDurable(history, &report);
  CheckVersionOrder(history, &report);
  CheckUniqueWrites(history, &report);
  CheckSupersededWrites(history, &report);
  CheckEndsOnce(history, &report);
  CheckServing(history, &report);
  CheckConvergence(history, &report);
  CheckLiveness(history, &report);
  return report;
}

}  // namespace quorate::sim
