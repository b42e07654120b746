// Rules that can be broken on purpose, to see that the simulator's checkers notice. Only the test
// variant of the replication library (targets ending in _planted) is compiled with
// QUORATE_PLANTED_BUGS; in every other build PlantedBug is a constant and costs nothing.
#ifndef QUORATE_REPLICATION_STORAGE_PLANTED_BUGS_H_
#define QUORATE_REPLICATION_STORAGE_PLANTED_BUGS_H_

namespace quorate {

enum class Bug {
  kNone,
  kAnswerBeforeW,            // a write is answered with one acknowledgement fewer than W
  kOverwriteWithoutCompare,  // a replica stores what arrives last instead of merging
  kRepairWithOlder,          // a replica that is repaired takes over an older record
};

#ifdef QUORATE_PLANTED_BUGS
// The bug of this process; set before any replica runs.
inline Bug planted_bug = Bug::kNone;
inline bool PlantedBug(Bug bug) { return planted_bug == bug; }
#else
constexpr bool PlantedBug(Bug) { return false; }
#endif

}  // namespace quorate

#endif  // QUORATE_REPLICATION_STORAGE_PLANTED_BUGS_H_
