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

FinalRecords DecodeFinalContents(const History& history) {
  FinalRecords records;
  for (const auto& [node, contents] : history.final_contents()) {
    std::map<std::string, Record>& of_node = records[node];
    for (const auto& [key, bytes] : contents) {
      absl::StatusOr<Record> record = Record::Decode(bytes);
      if (record.ok()) of_node[key] = *std::move(record);
    }
  }
  return records;
}

Report CheckAll(const History& history) {
  Report report;
  CheckAcknowledgedWrites(history, &report);
  CheckRecovered(history, &report);
  CheckCaughtUp(history, &report);
  CheckStaleReads(history, &report);
  CheckLinearizable(history, &report);
  CheckSessions(history, &report);
  CheckShownIsDurable(history, &report);
  CheckVersionOrder(history, &report);
  CheckWriteOrder(history, &report);
  CheckUniqueWrites(history, &report);
  CheckSupersededWrites(history, &report);
  CheckEndsOnce(history, &report);
  CheckServing(history, &report);
  CheckConvergence(history, &report);
  CheckLiveness(history, &report);
  return report;
}

}  // namespace quorate::sim
