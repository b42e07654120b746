// Histories made by hand, for tests of checkers.
#ifndef QUORATE_TESTS_SIM_CHECKERS_STORY_H_
#define QUORATE_TESTS_SIM_CHECKERS_STORY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {

// Times do not matter to checkers, so all events happen at time zero.
inline constexpr MonotonicTime kNow;

// Promises that acknowledged writes are kept, and no stale reads where they overlap.
inline HistorySetting Setting(int n, int w, int r, Durability durability = Durability::kMemory) {
  HistorySetting setting;
  setting.strategy = "by hand";
  setting.quorums = Quorums{n, w, r};
  setting.durability = durability;
  for (int write = 1; write <= n; ++write) {
    for (int read = 1; read <= n; ++read) {
      Guarantee& promise = setting.promises[{write, read}];
      promise.keeps_acknowledged_writes = promise.converges = true;
      promise.no_stale_reads = write + read > n;
    }
  }
  return setting;
}

inline OperationResult Answered(NodeId node, std::optional<Record> record, int quorum) {
  OperationResult result;
  result.record = std::move(record);
  result.answers = result.required = quorum;
  result.node = node;
  return result;
}

// Tells a story to a History in few words. Versions are sequenced, in epoch 1, unless said
// otherwise.
class Story {
 public:
  explicit Story(HistorySetting setting) : history(std::move(setting)) {
    for (int node = 1; node <= history.setting().quorums.n; ++node) {
      history.Happened(EventKind::kStart, kNow, node);
      history.Happened(EventKind::kServing, kNow, node);
    }
  }

  static Record RecordOf(uint64_t number, const std::string& value) {
    return Record::Sequenced(1, number, /*tombstone=*/false, value);
  }

  void Stored(NodeId node, const std::string& key, const Record& record) {
    history.Changed(EventKind::kStored, kNow, node, key, record, record.Encode());
    history.Saw(node, key, record);
  }
  void Stored(NodeId node, uint64_t number) {
    Stored(node, "key", RecordOf(number, "value" + std::to_string(number)));
  }

  size_t Begin(NodeId node, OperationKind kind, const std::string& value = "",
               bool linearizable = false) {
    HistoryOperation operation;
    operation.node = node;
    operation.operation.kind = kind;
    operation.operation.key = "key";
    operation.operation.value = value;
    operation.operation.linearizable = linearizable;
    const size_t index = history.Called(kNow, std::move(operation));
    history.Submitted(kNow, index, /*node_not_serving=*/false);
    return index;
  }

  void End(size_t index, std::optional<Record> record, int quorum, bool not_serving = false) {
    const NodeId node = history.operations()[index].node;
    history.Ended(kNow, index, not_serving, Answered(node, std::move(record), quorum));
  }

  // A set of "value<number>" that is answered with version (1, number).
  size_t Write(NodeId node, uint64_t number) {
    const size_t index = Begin(node, OperationKind::kSet, "value" + std::to_string(number));
    End(index, Record{Version::Sequenced(1, number), {}}, history.setting().quorums.w);
    return index;
  }

  // A get that is answered with version (1, number), or "absent" for 0.
  size_t Read(NodeId node, uint64_t number) {
    const size_t index = Begin(node, OperationKind::kGet);
    End(index, Answer(number), history.setting().quorums.r);
    return index;
  }

  static std::optional<Record> Answer(uint64_t number) {
    if (number == 0) return std::nullopt;
    return RecordOf(number, "value" + std::to_string(number));
  }

  void Crash(NodeId node) {
    if (history.setting().durability == Durability::kMemory) {
      history.Changed(EventKind::kForgot, kNow, node, "key", Record(), "");
    }
    history.Happened(EventKind::kCrash, kNow, node);
  }
  void Start(NodeId node) { history.Happened(EventKind::kStart, kNow, node); }
  void Serve(NodeId node) { history.Happened(EventKind::kServing, kNow, node); }

  void FinallyAll(uint64_t number) {
    const Record record = RecordOf(number, "value" + std::to_string(number));
    for (int node = 1; node <= history.setting().quorums.n; ++node) {
      history.SetFinalContents(node, {{"key", record.Encode()}});
    }
  }

  History history;
};

using Checker = void (*)(const History&, Report*);

inline size_t Violations(Checker check, const History& history) {
  Report report;
  check(history, &report);
  return report.violations.size();
}

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_CHECKERS_STORY_H_
