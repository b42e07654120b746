// Predicts from delays how long after a write reads still miss it: probabilistically bounded
// staleness (Bailis and others, VLDB 2012), by simulation.
//
// An operation has four delays at each of the N replicas: W, from the coordinator's sending of a
// write until the replica has applied it; A, until the acknowledgement is back; R, from sending a
// read until the replica looks; S, until its answer is back. A write is committed at the W-th
// smallest W+A. A read, sent t after that, waits for R replicas, and is stale where all of these
// look before they have applied the write: commit + t + R < W.
//
//   absl::StatusOr<VisibilityCurve> curve = SimulateJoint(samples, options);
//   curve->StaleShare(2'000'000);       // of reads sent 2 ms after the commit
//   curve->ConsistentAfter(0.999);      // from then on, 99.9 % of reads see the write
//
// The model has no failures, one write in flight for a key, no read repair, and replicas that
// always belong to the key. Everything is a pure function of its arguments, the seed among them.
//
// Values: thread-compatible. Functions: thread-safe; they take about a second for a million trials.
#ifndef QUORATE_LOADGEN_PBS_H_
#define QUORATE_LOADGEN_PBS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "loadgen/staleness_recorder.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

// What one operation took at replica 0, 1, ...
struct WriteDelays {
  std::vector<Nanos> write;
  std::vector<Nanos> acknowledge;
};
struct ReadDelays {
  std::vector<Nanos> read;
  std::vector<Nanos> respond;
};

// Measured delays; each list has as many entries as there are replicas.
struct DelaySamples {
  std::vector<WriteDelays> writes;
  std::vector<ReadDelays> reads;
};

// Which replicas a read waits for.
enum class ReadReplicas {
  kFastest,  // all are asked, the first R answers count, as in Dynamo
  kRandom,   // R of them, whichever, as where clients read from nodes at random
};

struct PbsOptions {
  int w = 1;
  int r = 1;
  ReadReplicas read_replicas = ReadReplicas::kFastest;
  size_t trials = 1'000'000;
  uint64_t seed = 1;
};

// How the share of stale reads falls with the time since the write's commit.
class VisibilityCurve {
 public:
  // An entry is a trial: until when, after the commit, a read was stale; 0 and less: never.
  explicit VisibilityCurve(std::vector<Nanos> stale_until);

  // Of the reads sent `after` nanoseconds (>= 0) after the commit.
  double StaleShare(Nanos after) const;

  // The mean of StaleShare over [from, to), where reads are spread evenly over its logarithm; at
  // `from` where there is no end.
  double MeanStaleShare(Nanos from, Nanos to) const;

  // The shortest time, >= 0, after which at least `share` (0..1) of reads see the write.
  Nanos ConsistentAfter(double share) const;

  size_t trials() const { return trials_; }

 private:
  size_t trials_;
  std::vector<Nanos> stale_until_;  // the positive ones, ascending
};

// The delays of one trial, for each replica.
struct DelayDraw {
  std::vector<Nanos> write;
  std::vector<Nanos> acknowledge;
  std::vector<Nanos> read;
  std::vector<Nanos> respond;
};

// `draw` fills in the lists, which have `replicas` entries, for each trial. InvalidArgument where
// `replicas` is not in 1..64, W or R not in 1..replicas, or there are no trials.
absl::StatusOr<VisibilityCurve> Simulate(int replicas, const PbsOptions& options,
                                         const std::function<void(DelayDraw*)>& draw);

// Draws the delays of a whole write, and of a whole read, together, so that what they have in
// common, as a slow disk or a busy moment, stays. InvalidArgument also where there are no samples
// or their lists differ in length.
absl::StatusOr<VisibilityCurve> SimulateJoint(const DelaySamples& samples,
                                              const PbsOptions& options);

// Draws each delay of each replica by itself. Where this differs much from SimulateJoint, delays
// depend on each other.
absl::StatusOr<VisibilityCurve> SimulateIndependent(const DelaySamples& samples,
                                                    const PbsOptions& options);

// The share of reads that return a value older than the `k` latest writes, where all W and R sets
// are as likely: (C(N-W, R) / C(N, R))^k. 0 where arguments are no quorums.
double OlderThanShare(int n, int w, int r, double k);

// The share of reads at which a client goes back in time, where a key is written and the client
// reads it at these rates.
double BackwardReadShare(int n, int w, int r, double writes_per_second,
                         double client_reads_per_second);

// How far the curve is from what a run has measured: the root of the mean squared difference of
// stale shares, over the classes with at least `least_reads` reads; not a number where there are
// none.
double RootMeanSquareError(const VisibilityCurve& curve, const std::vector<DeltaBucket>& measured,
                           uint64_t least_reads = 100);

// What the model takes for granted, as sentences for a report.
std::vector<std::string> PbsAssumptions();

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_PBS_H_
