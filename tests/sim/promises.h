// What a strategy promises for each write quorum and read quorum.
#ifndef QUORATE_TESTS_SIM_PROMISES_H_
#define QUORATE_TESTS_SIM_PROMISES_H_

#include <map>
#include <utility>

#include "replication/cluster_config.h"
#include "replication/strategy.h"

namespace quorate::sim {

// Asks Replica::Promise for every (W, R) of 1..N; the rest of `config` as it is.
std::map<std::pair<int, int>, Guarantee> PromisesOf(ClusterConfig config);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_PROMISES_H_
