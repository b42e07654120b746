#include "loadgen/delay_estimator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace quorate::loadgen {
namespace {

Nanos Middle(Nanos a, Nanos b) { return a + (b - a) / 2; }

// When the replica looked.
Nanos LookedAt(const Poll& poll) { return Middle(poll.sent, poll.answered); }

// When the write came to a replica: after `from`, no later than `to`.
struct Arrival {
  Nanos from = 0;
  Nanos to = 0;
};

std::optional<Arrival> ArrivalAt(const WriteProbe::Replica& replica, Nanos write_sent) {
  if (!replica.last_without.has_value() && !replica.first_with.has_value()) return std::nullopt;
  for (const std::optional<Poll>& poll : {replica.last_without, replica.first_with}) {
    if (poll.has_value() && poll->answered < poll->sent) return std::nullopt;
  }
  Arrival arrival;
  arrival.from = replica.last_without.has_value() ? LookedAt(*replica.last_without) : write_sent;
  arrival.to = replica.first_with.has_value() ? LookedAt(*replica.first_with) : arrival.from;
  // A poll before the write was sent says nothing about it.
  arrival.from = std::max(arrival.from, write_sent);
  if (arrival.to < arrival.from) return std::nullopt;
  return arrival;
}

}  // namespace

DelayEstimator::DelayEstimator(int replicas, int w, const DelayEstimatorOptions& options)
    : replicas_(static_cast<size_t>(replicas)),
      w_(static_cast<size_t>(w)),
      limit_(std::max<size_t>(options.limit, 1)),
      random_(options.seed) {}

std::optional<size_t> DelayEstimator::PlaceFor(uint64_t seen) {
  // Algorithm R (Vitter 1985).
  if (seen < limit_) return static_cast<size_t>(seen);
  const uint64_t place = random_() % (seen + 1);
  if (place >= limit_) return std::nullopt;
  return static_cast<size_t>(place);
}

bool DelayEstimator::AddWrite(const WriteProbe& probe) {
  if (probe.replicas.size() != replicas_ || probe.acknowledged < probe.sent) return false;
  WriteDelays delays;
  double uncertainty = 0;
  uint64_t never_shown = 0;
  for (const WriteProbe::Replica& replica : probe.replicas) {
    const std::optional<Arrival> arrival = ArrivalAt(replica, probe.sent);
    if (!arrival.has_value()) return false;
    delays.write.push_back(Middle(arrival->from, arrival->to) - probe.sent);
    uncertainty += static_cast<double>(arrival->to - arrival->from);
    if (!replica.first_with.has_value()) ++never_shown;
  }
  std::vector<Nanos> sorted = delays.write;
  std::nth_element(sorted.begin(), sorted.begin() + (w_ - 1), sorted.end());
  const Nanos rest = probe.acknowledged - probe.sent - sorted[w_ - 1];
  if (rest < 0) ++acknowledged_early_;
  delays.acknowledge.assign(replicas_, std::max<Nanos>(rest, 0));

  uncertainty_sum_ += uncertainty;
  never_shown_ += never_shown;
  const std::optional<size_t> place = PlaceFor(writes_++);
  if (!place.has_value()) return true;
  if (*place == samples_.writes.size()) samples_.writes.emplace_back();
  samples_.writes[*place] = std::move(delays);
  return true;
}

bool DelayEstimator::AddRead(const std::vector<Nanos>& round_trips) {
  if (round_trips.size() != replicas_) return false;
  ReadDelays delays;
  for (const Nanos round_trip : round_trips) {
    if (round_trip < 0) return false;
    delays.read.push_back(round_trip / 2);
    delays.respond.push_back(round_trip - round_trip / 2);
  }
  const std::optional<size_t> place = PlaceFor(reads_++);
  if (!place.has_value()) return true;
  if (*place == samples_.reads.size()) samples_.reads.emplace_back();
  samples_.reads[*place] = std::move(delays);
  return true;
}

Nanos DelayEstimator::MeanUncertainty() const {
  if (writes_ == 0) return 0;
  const double arrivals = static_cast<double>(writes_) * static_cast<double>(replicas_);
  return std::llround(uncertainty_sum_ / arrivals);
}

std::vector<std::string> DelayEstimator::Assumptions() const {
  return {
      absl::StrFormat("the delays are those of %d writes and %d reads of keys of their own, during "
                      "the run",
                      writes_, reads_),
      absl::StrFormat("when a write came to a replica is known to within %.3g ms, from polling it; "
                      "%d times it had not come when polling ended, and counts as if it had then",
                      static_cast<double>(MeanUncertainty()) / 1e6, never_shown_),
      absl::StrCat("an acknowledgement takes as long from each replica; ", acknowledged_early_,
                   " writes were acknowledged before W replicas were seen to have them, and count "
                   "as acknowledged then"),
      "a request to a replica takes as long as its answer, and from a coordinator as long as from "
      "the client",
  };
}

}  // namespace quorate::loadgen
