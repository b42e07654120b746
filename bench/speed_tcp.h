// The load of speed_load over plain TCP: the node's HTTP gateway, and Redis.
#ifndef QUORATE_BENCH_SPEED_TCP_H_
#define QUORATE_BENCH_SPEED_TCP_H_

#include "bench/speed_tally.h"

namespace quorate {

// Run the load for its warm-up and duration, and a few seconds at most until what is in flight has
// been answered. A connection sends `in_flight` operations, awaits all answers, and sends the next
// ones. One that breaks is counted as an error and stays away. Redis knows the call set_wait too: a
// SET, and a WAIT for four replicas; it has succeeded when all four have it.
void RunHttp(const SpeedLoad& load, SpeedTally* tally);
void RunRedis(const SpeedLoad& load, SpeedTally* tally);

}  // namespace quorate

#endif  // QUORATE_BENCH_SPEED_TCP_H_
