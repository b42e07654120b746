#include "loadgen/prediction.h"

#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "loadgen/percentile_interval.h"

namespace quorate::loadgen {
namespace {

// With fewer trials, 99.9 % comes out as chance has it.
constexpr size_t kTrials = 1'000'000;
// Where each read meets a replica that had acknowledged, all trials say the same.
constexpr size_t kTrialsOfTheCertain = 1000;

// Fewer writes make the curve a matter of luck.
constexpr uint64_t kWritesMin = 20;
// A share is told where so many of the writes came later.
constexpr double kWritesBeyond = 10;

// Points of the curve: so many to a factor of ten, from 10 us to 10 s.
constexpr int kPointsPerDecade = 10;
constexpr int kDecades = 6;
constexpr double kFirstPointNanos = 1e4;

double ToSeconds(Nanos nanos) { return static_cast<double>(nanos) / kNanosPerSecond; }

double PercentileSeconds(const LatencyHistogram& histogram, double quantile) {
  const auto estimate = EstimatePercentile(histogram, quantile);
  return estimate.has_value() ? ToSeconds(estimate->value) : kUnknownNumber;
}

PredictionResult::Point PointAt(Nanos after, const VisibilityCurve& independent,
                                const VisibilityCurve& joint) {
  PredictionResult::Point point;
  point.after = ToSeconds(after);
  point.stale_independent = independent.StaleShare(after);
  point.stale_joint = joint.StaleShare(after);
  return point;
}

std::string ReadAssumption(const ReadModel& reads) {
  if (reads.through_the_writer) {
    return "reads go to the node that coordinates all writes and holds each of them";
  }
  if (reads.replicas == ReadReplicas::kRandom) {
    return absl::StrCat("a read is answered by ", reads.r, " of the replicas, each as likely");
  }
  return absl::StrCat("a read is answered by the ", reads.r, " fastest of the replicas");
}

}  // namespace

ReadModel ReadModelOf(const Options& options, int r, absl::string_view first_role) {
  ReadModel model;
  if (options.read_target == ReadTarget::kLocal) {
    model.r = 1;
    model.replicas = ReadReplicas::kRandom;
    return model;
  }
  model.r = r;
  if (options.mode == Mode::kLeader && options.read_target == ReadTarget::kCoordinator &&
      first_role != "follower") {
    model.through_the_writer = true;
    return model;
  }
  // Whoever coordinates has the shortest way to itself, and it may be anyone.
  model.replicas = ReadReplicas::kRandom;
  return model;
}

absl::StatusOr<Prediction> Predict(const DelayEstimator& delays, int w, const ReadModel& reads,
                                   const std::vector<DeltaBucket>& measured) {
  if (delays.writes() < kWritesMin) {
    return absl::NotFoundError(absl::StrCat("only ", delays.writes(),
                                            " writes were followed to every replica, of ",
                                            kWritesMin, " that it takes"));
  }
  const DelaySamples& samples = delays.samples();
  const auto replicas = static_cast<int>(samples.writes.front().write.size());
  PbsOptions options;
  options.w = w;
  options.r = reads.r;
  options.read_replicas = reads.replicas;
  const bool certain = reads.through_the_writer || w + reads.r > replicas;
  options.trials = certain ? kTrialsOfTheCertain : kTrials;
  absl::StatusOr<VisibilityCurve> independent = SimulateIndependent(samples, options);
  if (!independent.ok()) return independent.status();
  absl::StatusOr<VisibilityCurve> joint = SimulateJoint(samples, options);
  if (!joint.ok()) return joint.status();
  if (reads.through_the_writer) independent = joint = VisibilityCurve({});

  Prediction prediction;
  PredictionResult& result = prediction.result;
  result.points.push_back(PointAt(0, *independent, *joint));
  for (int i = 0; i <= kDecades * kPointsPerDecade; ++i) {
    const double after =
        kFirstPointNanos * std::pow(10.0, static_cast<double>(i) / kPointsPerDecade);
    result.points.push_back(PointAt(std::llround(after), *independent, *joint));
  }
  result.rmse = RootMeanSquareError(*joint, measured);
  result.assumptions = PbsAssumptions();
  result.assumptions.push_back(ReadAssumption(reads));
  for (std::string& assumption : delays.Assumptions()) {
    result.assumptions.push_back(std::move(assumption));
  }
  prediction.writes = delays.writes();
  for (const double share : {0.5, 0.99, 0.999}) {
    const bool known =
        certain || static_cast<double>(prediction.writes) * (1 - share) >= kWritesBeyond - 1e-6;
    prediction.seen.push_back(
        {share, known ? ToSeconds(joint->ConsistentAfter(share)) : kUnknownNumber});
  }
  return prediction;
}

void AddConvergence(const DelayProbe& probe, Prediction* prediction) {
  prediction->converged_p50 = PercentileSeconds(probe.converged(), 0.5);
  prediction->converged_p99 = PercentileSeconds(probe.converged(), 0.99);
  prediction->not_converged = probe.not_converged();
}

std::string FormatPrediction(const Prediction& prediction) {
  const auto ms = [](double seconds) {
    return std::isfinite(seconds) ? absl::StrFormat("%.2fms", 1000 * seconds) : "-";
  };
  std::string text = absl::StrFormat(
      "Predicted Staleness (from %d writes of other keys, followed to every replica):\n",
      prediction.writes);
  for (const Prediction::Seen& seen : prediction.seen) {
    absl::StrAppendFormat(&text, "  %.4g%% of reads see a write from %s after it on\n",
                          100 * seen.share, ms(seen.after));
  }
  if (std::isfinite(prediction.result.rmse)) {
    absl::StrAppendFormat(&text, "  Measured and predicted shares differ by %.2g%% (RMSE)\n",
                          100 * prediction.result.rmse);
  }
  absl::StrAppend(&text, "  The last replica has a write after: median ",
                  ms(prediction.converged_p50), ", P99 ", ms(prediction.converged_p99), "\n");
  if (prediction.not_converged > 0) {
    absl::StrAppend(&text, "  ", prediction.not_converged,
                    " of the writes had not reached every replica in time\n");
  }
  return text;
}

}  // namespace quorate::loadgen
