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
  // How much there was to judge. Reads after healing, which can hardly fail, are counted apart.
  uint64_t reads_checked = 0;  // where W+R>N
  uint64_t final_reads_checked = 0;
  uint64_t local_reads_checked = 0;  // against writes at W=N
  uint64_t writes_checked = 0;       // acknowledged, that these reads were held against
  uint64_t linearizable_checked = 0;
  uint64_t linearizable_reads = 0;  // of them, before healing
  uint64_t values_checked = 0;      // reads, whatever is promised: their value was written
  uint64_t sessions_checked = 0;    // operations that had something of their session to know
  // After W nodes had forgotten; and asked for less than W.
  uint64_t writes_excused = 0;
  uint64_t stale_reads_allowed = 0;
  // When the promise ended; infinite where it held to the end.
  absl::Duration promise_ended = absl::InfiniteDuration();
  // Promises that nothing was there to judge by, or most keys could not be judged by; and what was
  // unclear, and in how many keys, each time that they were looked at.
  std::vector<std::string> unjudged;
  std::map<std::string, uint64_t> unclear;

  void Add(std::string property, std::string what);
  // What speaks against taking an empty list of violations for promises that were kept; else "".
  std::string TooLittle() const;
};

// When W nodes had forgotten at one time; infinite: never.
absl::Duration EndOfPromise(const std::vector<Forgotten>& forgotten, int w);

// Judges what clients saw. Adds to `verdict`.
void JudgeHistory(const sim::ScheduleSetting& setting, const LoadResult& load,
                  const std::vector<Forgotten>& forgotten, Verdict* verdict);

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_VERDICT_H_
