// CheckReport: a judgement for people, and as JSON.
//
// Pure functions.
#ifndef QUORATE_LOADGEN_CHECK_CHECK_REPORT_H_
#define QUORATE_LOADGEN_CHECK_CHECK_REPORT_H_

#include <cstddef>
#include <string>

#include "loadgen/check/history.h"
#include "loadgen/check/judge.h"

namespace quorate::check {

// Several lines: what the history holds, each answer, stale reads, and at most `examples` conflicts
// of each kind as timelines, the worst first. `name` says where the history is from. REQUIRES: the
// judgement is of `history`.
std::string FormatJudgement(const std::string& name, const History& history,
                            const Judgement& judgement, size_t examples);

// The same as one JSON object, times in seconds; doc/history_format.md names the fields.
std::string JudgementAsJson(const std::string& name, const History& history,
                            const Judgement& judgement, size_t examples);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_CHECK_REPORT_H_
