// The words of a schedule's text, for its writer and its reader.
#ifndef QUORATE_TESTS_SIM_SCHEDULE_WORDS_H_
#define QUORATE_TESTS_SIM_SCHEDULE_WORDS_H_

#include <vector>

#include "tests/sim/schedule.h"

namespace quorate::sim {

// The first line: what the file is, and the version of its grammar.
constexpr char kScheduleHead[] = "quorate schedule 1";

struct FaultWord {
  FaultKind kind;
  const char* word;
  const char* name;  // for people
};

inline const std::vector<FaultWord>& FaultWords() {
  static const auto& words = *new std::vector<FaultWord>{
      {FaultKind::kCrash, "crash", "crash"},
      {FaultKind::kShutdown, "shutdown", "shutdown"},
      {FaultKind::kNewDisk, "new-disk", "new disk"},
      {FaultKind::kPartition, "partition", "partition"},
      {FaultKind::kOneWay, "one-way", "one-way partition"},
      {FaultKind::kClog, "clog", "clog"},
      {FaultKind::kPause, "pause", "pause"},
      {FaultKind::kClockJump, "clock-jump", "clock jump"},
      {FaultKind::kSlowDisk, "slow-disk", "slow disk"},
      {FaultKind::kDiskFailure, "disk-failure", "disk failure"},
      {FaultKind::kFullDisk, "full-disk", "full disk"},
      {FaultKind::kBitFlip, "bit-flip", "bit flip"},
  };
  return words;
}

struct OperationWord {
  OperationKind kind;
  const char* word;
};

inline const std::vector<OperationWord>& OperationWords() {
  static const auto& words = *new std::vector<OperationWord>{
      {OperationKind::kGet, "get"},
      {OperationKind::kSet, "set"},
      {OperationKind::kDelete, "delete"},
      {OperationKind::kLocalRead, "local-read"},
  };
  return words;
}

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_SCHEDULE_WORDS_H_
