// The connections of phased_load: each takes operations and tells the tally what became of them.
#ifndef QUORATE_BENCH_PHASED_CALLERS_H_
#define QUORATE_BENCH_PHASED_CALLERS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/completion_queue.h"

#include "bench/phased_tally.h"
#include "bench/speed_messages.h"
#include "replication/env.h"

namespace quorate {

// What all connections of a load share.
struct PhasedShared {
  PhasedShared(const SpeedRequests& filled, absl::Duration time, PhasedTally* counts)
      : requests(filled), deadline(time), tally(counts) {}

  const SpeedRequests requests;
  const absl::Duration deadline;  // of an operation, from when it was due
  PhasedTally* const tally;
  std::function<void()> on_ended;  // after operations have ended
  grpc::CompletionQueue queue;
  int open = 0;           // calls that have not ended
  int64_t in_flight = 0;  // operations that have begun and not ended
};

class PhasedCaller {
 public:
  virtual ~PhasedCaller() = default;
  // Takes an operation; false where it holds as many as it may.
  virtual bool Begin(const PhasedOperation& operation) = 0;
  // Sends what was begun, as far as the connection takes it.
  virtual void Flush() = 0;
  // Ends operations whose time is over, and connects again. Often.
  virtual void Tick(MonotonicTime now) = 0;
  // Takes no more; calls end soon.
  virtual void Shutdown() = 0;
};

// One stream on a connection of its own, opened again when it has ended. What the transport does
// not take waits in a short queue. Requests that have been sent are not limited.
std::unique_ptr<PhasedCaller> NewStreamCaller(const std::string& target, PhasedShared* shared);

// One call an operation, on a connection of its own; as many at a time as a node takes.
std::unique_ptr<PhasedCaller> NewUnaryCaller(const std::string& target, PhasedShared* shared);

}  // namespace quorate

#endif  // QUORATE_BENCH_PHASED_CALLERS_H_
