// VisibilityProbe: follows one write to every replica, by asking each of them for what it alone
// holds, until all have shown the write. It makes the WriteProbe that a DelayEstimator takes
// (loadgen/delay_estimator.h), and the time until the last replica has it is how long the cluster
// took to converge.
//
// It says what to poll, and is told what came of it; sending is the caller's. The key must be
// written by the probes only, one after the other, so that whatever is newer than the write before
// is this write.
//
//   VisibilityProbe probe(/*replicas=*/3, order_of_the_write_before, /*give_up_after=*/2s);
//   probe.OnWriteSent(now);
//   while (!probe.Done(now)) {
//     for (size_t i = 0; i < 3; ++i) if (probe.NeedsPoll(i, now)) ... a local read from replica i
//   }
//   if (const std::optional<WriteProbe> write = probe.Result()) estimator.AddWrite(*write);
//
// Not thread-safe. Nothing blocks.
#ifndef QUORATE_LOADGEN_VISIBILITY_PROBE_H_
#define QUORATE_LOADGEN_VISIBILITY_PROBE_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "client/messages.h"
#include "loadgen/delay_estimator.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

class VisibilityProbe {
 public:
  // `before`: the order of the write that all replicas had shown before; {} where there is none.
  // Polling ends `give_up_after` after the sending, whatever has been shown.
  VisibilityProbe(size_t replicas, const Order& before, Nanos give_up_after);

  void OnWriteSent(Nanos now);
  void OnWriteAcknowledged(const Order& order, Nanos now);
  // The write failed, or nobody knows: there is no result. The next probe needs another key.
  void OnWriteFailed();

  // Whether replica `replica` is to be polled now: the write has been sent, this replica has not
  // shown it, no poll of it is under way, and there is still time.
  bool NeedsPoll(size_t replica, Nanos now) const;
  // REQUIRES: NeedsPoll(replica, now).
  void OnPollSent(size_t replica, Nanos now);
  // `order` is {} where the replica holds nothing.
  void OnPollAnswered(size_t replica, const Order& order, Nanos now);
  // It tells nothing; the replica will be polled again.
  void OnPollFailed(size_t replica);

  // Nothing is to be waited for any more: the write has been answered, no poll is under way, and
  // all replicas have shown it, or time is over.
  bool Done(Nanos now) const;

  // What has been seen; complete once Done. nullopt where the write was not acknowledged, a replica
  // has never answered, or a poll is under way.
  std::optional<WriteProbe> Result() const;

  bool acknowledged() const { return write_ == Write::kAcknowledged; }

  // The write's order, to be `before` of the next probe; {} before it was acknowledged.
  const Order& order() const { return order_; }

 private:
  enum class Write { kNotSent, kSent, kAcknowledged, kFailed };
  struct Polling {
    bool under_way = false;
    Nanos sent = 0;
  };

  bool TimeIsOver(Nanos now) const { return now - probe_.sent >= give_up_after_; }

  const Order before_;
  const Nanos give_up_after_;
  Write write_ = Write::kNotSent;
  Order order_;
  WriteProbe probe_;
  std::vector<Polling> polling_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_VISIBILITY_PROBE_H_
