// Verdict: what a run against real processes showed, judged by the load generator's checkers
// (loadgen/check) against what the strategy promises (tests/sim/promises.h). Where the order of
// writes may mislead them, in a plain leaderless cluster, by what versions say, too (knowledge.h).
// Sessions are judged by the simulator's checker (recorded_sessions.h).
//
// Most of what is promised ends where W nodes have, at one time, forgotten something and not caught
// up yet: the history is judged up to there, and what was under way then counts as of unknown
// outcome. That reads return what was written, what answers say, and sessions are judged to the
// end.
// Where fewer forget, a write that asked for fewer than W replicas counts as of unknown outcome
// too: it may be gone (README.md, What W and R promise).
//
// Pure functions.
#ifndef QUORATE_TESTS_NEMESIS_VERDICT_H_
#define QUORATE_TESTS_NEMESIS_VERDICT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "loadgen/check/history.h"
#include "tests/nemesis/forgotten.h"
#include "tests/nemesis/load.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {

struct Violation {
  std::string property;
  std::string what;
};

struct Verdict {
  std::vector<Violation> violations;
  std::map<std::string, uint64_t> conflicts;  // by property: how many in all
  // How much there was to judge.
  uint64_t reads_checked = 0;   // where W+R>N
  uint64_t writes_checked = 0;  // acknowledged, that these reads were held against
  uint64_t linearizable_checked = 0;
  uint64_t values_checked = 0;    // reads, whatever is promised: their value was written
  uint64_t sessions_checked = 0;  // operations that had something of their session to know
  // After W nodes had forgotten; and asked for less than W.
  uint64_t writes_excused = 0;
  uint64_t stale_reads_allowed = 0;
  // When the promise ended; infinite where it held to the end.
  absl::Duration promise_ended = absl::InfiniteDuration();

  void Add(std::string property, std::string what);
  // Whether anything that not every cluster promises could have been violated.
  bool JudgedAnything() const;
};

// When W nodes had forgotten at one time; infinite: never.
absl::Duration EndOfPromise(const std::vector<Forgotten>& forgotten, int w);

// Judges what clients saw. Adds to `verdict`.
void JudgeHistory(const sim::ScheduleSetting& setting, const LoadResult& load,
                  const std::vector<Forgotten>& forgotten, Verdict* verdict);

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_VERDICT_H_
