#include "loadgen/pbs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace quorate::loadgen {
namespace {

constexpr int kMaxReplicas = 64;

// Uniform in 0..bound-1, up to a bias of bound / 2^64. std::uniform_int_distribution would draw
// other numbers with other libraries.
size_t Below(size_t bound, std::mt19937_64* random) {
  return static_cast<size_t>((*random)() % bound);
}

// Works out trials, in memory that is allocated once.
class Trials {
 public:
  Trials(int replicas, const PbsOptions& options)
      : w_(options.w),
        r_(options.r),
        read_replicas_(options.read_replicas),
        random_(options.seed ^ 0x9e3779b97f4a7c15u),
        commits_(replicas),
        answers_(replicas) {}

  // Until when, after the commit, a read with these delays is stale.
  Nanos StaleUntil(const DelayDraw& draw) {
    for (size_t i = 0; i < commits_.size(); ++i) {
      commits_[i] = draw.write[i] + draw.acknowledge[i];
      answers_[i] = {draw.read[i] + draw.respond[i], draw.write[i] - draw.read[i]};
    }
    std::nth_element(commits_.begin(), commits_.begin() + (w_ - 1), commits_.end());
    ChooseReplicas();
    Nanos looked = answers_[0].second;
    for (int i = 1; i < r_; ++i) looked = std::min(looked, answers_[i].second);
    return looked - commits_[w_ - 1];
  }

 private:
  // Moves the replicas that the read waits for to the front.
  void ChooseReplicas() {
    if (r_ == static_cast<int>(answers_.size())) return;
    if (read_replicas_ == ReadReplicas::kFastest) {
      std::nth_element(answers_.begin(), answers_.begin() + (r_ - 1), answers_.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      return;
    }
    for (int i = 0; i < r_; ++i) {
      std::swap(answers_[i], answers_[i + Below(answers_.size() - i, &random_)]);
    }
  }

  const int w_;
  const int r_;
  const ReadReplicas read_replicas_;
  std::mt19937_64 random_;
  std::vector<Nanos> commits_;
  std::vector<std::pair<Nanos, Nanos>> answers_;  // when it came back; W - R
};

absl::Status CheckQuorums(int replicas, const PbsOptions& options) {
  if (replicas < 1 || replicas > kMaxReplicas) {
    return absl::InvalidArgumentError(
        absl::StrCat("a prediction is for 1 to ", kMaxReplicas, " replicas, not ", replicas));
  }
  if (options.w < 1 || options.w > replicas || options.r < 1 || options.r > replicas) {
    return absl::InvalidArgumentError(
        absl::StrCat("W=", options.w, " and R=", options.r, " must be in 1 to ", replicas));
  }
  if (options.trials == 0) return absl::InvalidArgumentError("a prediction needs trials");
  return absl::OkStatus();
}

// The number of replicas.
absl::StatusOr<int> CheckSamples(const DelaySamples& samples) {
  if (samples.writes.empty() || samples.reads.empty()) {
    return absl::InvalidArgumentError("there are no delay samples of writes, or none of reads");
  }
  const size_t replicas = samples.writes[0].write.size();
  for (const WriteDelays& delays : samples.writes) {
    if (delays.write.size() != replicas || delays.acknowledge.size() != replicas) {
      return absl::InvalidArgumentError("delay samples of writes differ in their replicas");
    }
  }
  for (const ReadDelays& delays : samples.reads) {
    if (delays.read.size() != replicas || delays.respond.size() != replicas) {
      return absl::InvalidArgumentError("delay samples of reads differ in their replicas");
    }
  }
  return static_cast<int>(std::min<size_t>(replicas, kMaxReplicas + 1));
}

}  // namespace

VisibilityCurve::VisibilityCurve(std::vector<Nanos> stale_until)
    : trials_(stale_until.size()), stale_until_(std::move(stale_until)) {
  stale_until_.erase(std::remove_if(stale_until_.begin(), stale_until_.end(),
                                    [](Nanos until) { return until <= 0; }),
                     stale_until_.end());
  std::sort(stale_until_.begin(), stale_until_.end());
}

double VisibilityCurve::StaleShare(Nanos after) const {
  if (trials_ == 0) return 0;
  const auto beyond =
      std::upper_bound(stale_until_.begin(), stale_until_.end(), std::max<Nanos>(after, 0));
  return static_cast<double>(stale_until_.end() - beyond) / static_cast<double>(trials_);
}

double VisibilityCurve::MeanStaleShare(Nanos from, Nanos to) const {
  if (to == std::numeric_limits<Nanos>::max() || to <= from) return StaleShare(from);
  constexpr int kPoints = 32;
  const double low = static_cast<double>(std::max<Nanos>(from, 1));
  const double ratio = static_cast<double>(to) / low;
  double sum = 0;
  for (int i = 0; i < kPoints; ++i) {
    sum += StaleShare(std::llround(low * std::pow(ratio, (i + 0.5) / kPoints)));
  }
  return sum / kPoints;
}

Nanos VisibilityCurve::ConsistentAfter(double share) const {
  const double allowed = (1 - std::min(std::max(share, 0.0), 1.0)) * static_cast<double>(trials_);
  // So many trials may still be stale; a rounding error must not take one away.
  const size_t still_stale = static_cast<size_t>(allowed + 1e-6);
  if (stale_until_.size() <= still_stale) return 0;
  return stale_until_[stale_until_.size() - 1 - still_stale];
}

absl::StatusOr<VisibilityCurve> Simulate(int replicas, const PbsOptions& options,
                                         const std::function<void(DelayDraw*)>& draw) {
  const absl::Status valid = CheckQuorums(replicas, options);
  if (!valid.ok()) return valid;
  Trials trials(replicas, options);
  DelayDraw delays;
  for (std::vector<Nanos>* list :
       {&delays.write, &delays.acknowledge, &delays.read, &delays.respond}) {
    list->resize(replicas);
  }
  std::vector<Nanos> stale_until(options.trials);
  for (Nanos& until : stale_until) {
    draw(&delays);
    until = trials.StaleUntil(delays);
  }
  return VisibilityCurve(std::move(stale_until));
}

absl::StatusOr<VisibilityCurve> SimulateJoint(const DelaySamples& samples,
                                              const PbsOptions& options) {
  const absl::StatusOr<int> replicas = CheckSamples(samples);
  if (!replicas.ok()) return replicas.status();
  std::mt19937_64 random(options.seed);
  return Simulate(*replicas, options, [&samples, &random](DelayDraw* draw) {
    const WriteDelays& write = samples.writes[Below(samples.writes.size(), &random)];
    const ReadDelays& read = samples.reads[Below(samples.reads.size(), &random)];
    draw->write = write.write;
    draw->acknowledge = write.acknowledge;
    draw->read = read.read;
    draw->respond = read.respond;
  });
}

absl::StatusOr<VisibilityCurve> SimulateIndependent(const DelaySamples& samples,
                                                    const PbsOptions& options) {
  const absl::StatusOr<int> replicas = CheckSamples(samples);
  if (!replicas.ok()) return replicas.status();
  std::mt19937_64 random(options.seed);
  const std::vector<WriteDelays>& writes = samples.writes;
  const std::vector<ReadDelays>& reads = samples.reads;
  return Simulate(*replicas, options, [&writes, &reads, &random](DelayDraw* draw) {
    for (size_t i = 0; i < draw->write.size(); ++i) {
      draw->write[i] = writes[Below(writes.size(), &random)].write[i];
      draw->acknowledge[i] = writes[Below(writes.size(), &random)].acknowledge[i];
      draw->read[i] = reads[Below(reads.size(), &random)].read[i];
      draw->respond[i] = reads[Below(reads.size(), &random)].respond[i];
    }
  });
}

double OlderThanShare(int n, int w, int r, double k) {
  if (n < 1 || w < 1 || w > n || r < 1 || r > n || !(k >= 0)) return 0;
  double missed = 1;  // that R replicas avoid the W that hold a write
  for (int i = 0; i < r; ++i) missed *= static_cast<double>(std::max(n - w - i, 0)) / (n - i);
  return std::pow(missed, k);
}

double BackwardReadShare(int n, int w, int r, double writes_per_second,
                         double client_reads_per_second) {
  if (!(writes_per_second >= 0) || !(client_reads_per_second > 0)) return 0;
  return OlderThanShare(n, w, r, 1 + writes_per_second / client_reads_per_second);
}

double RootMeanSquareError(const VisibilityCurve& curve, const std::vector<DeltaBucket>& measured,
                           uint64_t least_reads) {
  double sum = 0;
  int buckets = 0;
  for (const DeltaBucket& bucket : measured) {
    if (bucket.reads == 0 || bucket.reads < least_reads) continue;
    const double share = static_cast<double>(bucket.stale) / static_cast<double>(bucket.reads);
    const double difference = curve.MeanStaleShare(bucket.from, bucket.to) - share;
    sum += difference * difference;
    ++buckets;
  }
  if (buckets == 0) return std::numeric_limits<double>::quiet_NaN();
  return std::sqrt(sum / buckets);
}

std::vector<std::string> PbsAssumptions() {
  return {
      "no replica fails, and no message is lost",
      "a key has one write in flight at most; more of them make reads staler than predicted",
      "no read repair and no other repair: what they mend makes reads fresher than predicted",
      "the replicas of a key are always the same ones",
      "delays during the run were as those of the samples",
  };
}

}  // namespace quorate::loadgen
