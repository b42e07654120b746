// Observer: sees every operation of a run when it is sent and when it has ended: what looks for
// stale reads, keeps samples or records a history hangs on the runner by this.
//
//   class CountWrites : public Observer {
//     void OnWriteEnded(const SentOperation&, Nanos, const Reply& reply) override { ... }
//   };
//
// Not thread-safe: called on the runner's thread. The load waits for it, so it must be quick.
#ifndef QUORATE_LOADGEN_OBSERVER_H_
#define QUORATE_LOADGEN_OBSERVER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

#include "loadgen/transport.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

struct SentOperation {
  PlannedOperation planned;
  // Sessions are numbered from 0, without gaps. A session has one operation in flight at most, so
  // at any time the number tells which operation is meant, and may index a table of what is in
  // flight. In a closed loop there are as many as operations in flight; in an open loop a session
  // is a place in flight, and an operation takes the place that was left last.
  uint32_t session = 0;
  bool measured = false;  // whether it counts
  Nanos sent = 0;
};

class Observer {
 public:
  virtual ~Observer() = default;

  // Just before the operation is handed to the transport.
  virtual void OnReadSent(const SentOperation&) {}
  virtual void OnWriteSent(const SentOperation&, absl::string_view /*value*/) {}

  // When the reply, or the failure, has come. Each operation that was sent ends once, unless the
  // run is given up.
  virtual void OnReadEnded(const SentOperation&, Nanos /*ended*/, const Reply&) {}
  virtual void OnWriteEnded(const SentOperation&, Nanos /*ended*/, const Reply&) {}
};

// Makes the values of writes. Called on the runner's thread.
class ValueMaker {
 public:
  virtual ~ValueMaker() = default;

  // Appends the value to `value`, which is empty. `operation.sent` is its time.
  virtual void Make(const SentOperation& operation, std::string* value) = 0;

  // Whether `value` can have been written to `key`, in this run or another.
  virtual bool BelongsTo(size_t key, absl::string_view value) const = 0;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_OBSERVER_H_
