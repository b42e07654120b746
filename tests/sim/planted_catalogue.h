// The bugs that are planted on purpose (replication/storage/planted_bugs.h), and the hunt for each:
// how long does it take until a check notices?
//
//   for (const PlantedRule& rule : PlantedRules()) {
//     const std::optional<Catch> caught = Hunt(rule.bug, 200);
//   }
//
// Compiled with QUORATE_PLANTED_BUGS. Not thread-safe: the bug is the process's.
#ifndef QUORATE_TESTS_SIM_PLANTED_CATALOGUE_H_
#define QUORATE_TESTS_SIM_PLANTED_CATALOGUE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "replication/storage/planted_bugs.h"

namespace quorate::sim {

struct PlantedRule {
  const char* name;  // one word
  Bug bug;
  const char* what;  // the replicas do wrong, as a sentence without its full stop
};

const std::vector<PlantedRule>& PlantedRules();

// kNone where no rule has this name.
Bug BugNamed(absl::string_view name);

struct Catch {
  uint64_t seeds = 0;  // it took, with every strategy each
  std::string strategy;
  std::map<std::string, int> properties;  // violated, and how often
};

// Runs seeds 1, 2, ..., each with every strategy, until a check is violated. nullopt where none was
// within `seeds_max`.
std::optional<Catch> Hunt(Bug bug, uint64_t seeds_max);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_PLANTED_CATALOGUE_H_
