// Situations: what the seeds are for. Each is something rare that replicas must get right; a number
// of seeds in which one of them never happens has not tested it (Tally::missing_situations).
//
// All are seen from outside: in the history, in messages, in what nodes say and count.
#ifndef QUORATE_TESTS_SIM_SITUATIONS_H_
#define QUORATE_TESTS_SIM_SITUATIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/runner.h"

namespace quorate::sim {

enum class SeenWith {
  kAny,         // strategy
  kLeader,      // one that has a leader
  kLeaderless,  // one that has none
};

struct Situation {
  const char* name;  // a sentence without its full stop
  SeenWith seen_with;
  uint64_t (*count)(const RunResult& run);
};

const std::vector<Situation>& Situations();

bool CanBeSeen(const Situation& situation, const std::string& strategy);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_SITUATIONS_H_
