// From the delays that a run has sampled to what PBS predicts of its stale reads (loadgen/pbs.h).
//
// Pure functions: thread-safe. They take seconds.
#ifndef QUORATE_LOADGEN_PREDICTION_H_
#define QUORATE_LOADGEN_PREDICTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "loadgen/delay_estimator.h"
#include "loadgen/delay_probe.h"
#include "loadgen/options.h"
#include "loadgen/pbs.h"
#include "loadgen/result_parts.h"
#include "loadgen/staleness_recorder.h"

namespace quorate::loadgen {

// How a run reads, as the model sees it.
struct ReadModel {
  int r = 1;
  ReadReplicas replicas = ReadReplicas::kFastest;
  // Reads go where writes went, to a node that holds every write that it has acknowledged.
  bool through_the_writer = false;
};

// `r`: the answers that a read through the quorum waits for. `first_role`: what the first target
// says it is; a follower hands writes on, and may not hold what it has acknowledged.
ReadModel ReadModelOf(const Options& options, int r, absl::string_view first_role);

struct Prediction {
  PredictionResult result;  // for the result file
  uint64_t writes = 0;      // that were followed to every replica
  // From so many seconds after its acknowledgement, this share of reads see a write; not a number
  // where there are too few writes to say.
  struct Seen {
    double share = 0;
    double after = 0;
  };
  std::vector<Seen> seen;
  double converged_p50 = kUnknownNumber;  // seconds from the sending until the last replica had it
  double converged_p99 = kUnknownNumber;
  uint64_t not_converged = 0;  // of the writes: some replica did not have it in time
};

// NotFound, with the reason, where too little was sampled; InvalidArgument where W and R are not
// those of so many replicas.
absl::StatusOr<Prediction> Predict(const DelayEstimator& delays, int w, const ReadModel& reads,
                                   const std::vector<DeltaBucket>& measured);

// Adds how long the replicas took to agree, as the probe has seen.
void AddConvergence(const DelayProbe& probe, Prediction* prediction);

// A few lines for the console.
std::string FormatPrediction(const Prediction& prediction);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_PREDICTION_H_
