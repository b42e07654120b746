// Judge: runs the checkers that a question needs and combines what they say.
//
//   const Judgement judgement = Judge(history, Scope::kLinearizable);
//   if (judgement.verdict == Verdict::kHolds) ...
//
// Pure functions.
#ifndef QUORATE_LOADGEN_CHECK_JUDGE_H_
#define QUORATE_LOADGEN_CHECK_JUDGE_H_

#include <string>
#include <vector>

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"
#include "loadgen/check/staleness.h"

namespace quorate::check {

enum class Scope { kLinearizable, kRegular, kSessions, kAll };

// What was asked, and the checkers that answer.
struct Answer {
  std::string question;  // "linearizable", "regular" or "sessions"
  Verdict verdict = Verdict::kUnknown;
  std::vector<CheckResult> results;
  std::string remark;  // a sentence on what the results mean together; may be empty
};

struct Judgement {
  // Violated where an answer is; else unknown where one is; else holds.
  Verdict verdict = Verdict::kUnknown;
  std::vector<Answer> answers;
  Staleness staleness;  // figures, whatever was asked
};

// A history is linearizable where the sweep over versions or the zone test shows it and neither
// contradicts: versions that do not order what clients saw are a fault even where another order
// would. Regular is also a question of the order of the writes, unless nodes rank these by their
// clocks: then it is shown, and the verdict does not depend on it. Where no operation succeeded
// everything is unknown. REQUIRES: `history` is sorted by key.
Judgement Judge(const History& history, Scope scope);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_JUDGE_H_
