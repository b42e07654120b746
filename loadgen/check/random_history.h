// RandomHistory: small histories of one key, for comparing checkers with exhaustive search.
//
//   std::mt19937_64 random(seed);
//   const RandomHistory one = MakeRandomHistory(RandomHistoryOptions(), &random);
//
// Values are unique, times lie on a coarse grid, so that ties are frequent, and all that a real
// history can hold occurs: failed operations, writes of unknown outcome that were read or not,
// deletes, reads of nothing, sessions with several operations in flight.
//
// For tests only.
#ifndef QUORATE_LOADGEN_CHECK_RANDOM_HISTORY_H_
#define QUORATE_LOADGEN_CHECK_RANDOM_HISTORY_H_

#include <cstdint>
#include <random>
#include <vector>

#include "loadgen/check/history.h"

namespace quorate::check {

struct RandomHistoryOptions {
  int operations_max = 9;
  uint32_t key = 0;
  double delete_share = 0.1;      // of writes
  double unknown_share = 0.25;    // of writes
  double failed_share = 0.05;     // of all operations
  double forget_order_share = 0;  // of operations that could say their order
};

// What the generator knows of an operation and a client would not.
struct Truth {
  static constexpr int kInitial = -1;
  static constexpr int kPhantom = -2;  // what a failed write wrote
  int source = kInitial;               // reads: the place of their write, or one of the above
  uint64_t version = 0;                // writes: their place in the order of versions, from 1
};

struct RandomHistory {
  History history;           // sorted
  std::vector<Truth> truth;  // of each operation
};

RandomHistory MakeRandomHistory(const RandomHistoryOptions& options, std::mt19937_64* random);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_RANDOM_HISTORY_H_
