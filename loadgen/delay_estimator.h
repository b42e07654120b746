// DelayEstimator: turns what a client can see into the delays that PBS wants (loadgen/pbs.h).
//
// A client sees neither W nor A. But right after a write it can ask each replica, again and again,
// for what that replica alone holds, until the write shows; and it knows when it sent the write and
// when it was acknowledged. So, with all times counted from where the client stands:
//
//   W of a replica   from the sending of the write until the middle between the last poll that did
//                    not show it and the first that did; a poll looks half a round trip after it
//                    was sent
//   A                the rest, until the client had the acknowledgement: its time less the W-th
//                    smallest W, the same for all replicas. So the commit is exactly where the
//                    client saw it
//   R, S             half a round trip of a read of what the replica alone holds
//
//   DelayEstimator estimator(/*replicas=*/3, /*w=*/1, options);
//   estimator.AddWrite(probe);           // of a key that only the probes write
//   estimator.AddRead({120'000, 180'000, 150'000});
//   SimulateJoint(estimator.samples(), pbs_options);
//
// What this takes for granted is in Assumptions(). Of more operations than there is room for, a
// uniform sample is kept, which the seed fixes.
//
// Not thread-safe. Nothing blocks.
#ifndef QUORATE_LOADGEN_DELAY_ESTIMATOR_H_
#define QUORATE_LOADGEN_DELAY_ESTIMATOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "loadgen/pbs.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

// A read of what one replica alone holds.
struct Poll {
  Nanos sent = 0;
  Nanos answered = 0;
};

// A write, and how it came to each replica.
struct WriteProbe {
  Nanos sent = 0;
  Nanos acknowledged = 0;

  struct Replica {
    std::optional<Poll> last_without;  // the last poll that did not show it; nullopt: the first did
    std::optional<Poll> first_with;    // nullopt: it had not shown when polling was given up
  };
  std::vector<Replica> replicas;
};

struct DelayEstimatorOptions {
  size_t limit = 20'000;  // writes, and reads, to keep; > 0
  uint64_t seed = 1;
};

class DelayEstimator {
 public:
  // REQUIRES: 1 <= w <= replicas.
  DelayEstimator(int replicas, int w, const DelayEstimatorOptions& options);

  // False, and nothing changes, where the probe has another number of replicas, times that go
  // backwards, or a replica with no poll at all. A replica that never showed the write counts as if
  // it had shown it right after the last poll, which is counted too.
  bool AddWrite(const WriteProbe& probe);

  // `round_trips`: of a read of each replica, about the same time. False as above.
  bool AddRead(const std::vector<Nanos>& round_trips);

  const DelaySamples& samples() const { return samples_; }

  uint64_t writes() const { return writes_; }  // taken, whether still kept or not
  uint64_t reads() const { return reads_; }
  uint64_t never_shown() const { return never_shown_; }  // replicas of writes

  // The mean width of the time within which the writes came to a replica: half of it is about the
  // error of a W. 0 where there were none.
  Nanos MeanUncertainty() const;

  // Sentences for a report, with the figures above.
  std::vector<std::string> Assumptions() const;

 private:
  // Where to keep the entry of which `seen` came before: an index <= size, or nullopt: nowhere.
  std::optional<size_t> PlaceFor(uint64_t seen);

  const size_t replicas_;
  const size_t w_;
  const size_t limit_;
  std::mt19937_64 random_;
  DelaySamples samples_;
  uint64_t writes_ = 0;
  uint64_t reads_ = 0;
  uint64_t never_shown_ = 0;
  uint64_t acknowledged_early_ = 0;  // before W replicas had shown the write
  double uncertainty_sum_ = 0;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_DELAY_ESTIMATOR_H_
