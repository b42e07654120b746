// The load of speed_load over gRPC: quorate.v1.KeyValue, one call an operation or on streams.
#ifndef QUORATE_BENCH_SPEED_GRPC_H_
#define QUORATE_BENCH_SPEED_GRPC_H_

#include "bench/speed_tally.h"

namespace quorate {

// Run the load for its warm-up and duration, and a few seconds at most until what is in flight has
// been answered. A failed operation is counted; a stream that breaks stays away.
void RunUnary(const SpeedLoad& load, SpeedTally* tally);
void RunStreams(const SpeedLoad& load, SpeedTally* tally);

}  // namespace quorate

#endif  // QUORATE_BENCH_SPEED_GRPC_H_
