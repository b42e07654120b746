#include "tests/nemesis/faulty_network.h"

#include <algorithm>

namespace quorate::nemesis {

FaultyNetwork::FaultyNetwork(const FaultyNetworkOptions& options, const FaultTimeline* faults,
                             std::function<absl::Duration(MonotonicTime)> since,
                             FaultCounters* counters)
    : options_(options),
      faults_(faults),
      since_(std::move(since)),
      counters_(counters),
      rng_(sim::SimRng::Stream(options.seed, "nemesis").Fork(options.self)) {}

absl::Duration FaultyNetwork::Delay(const peer::v1::Batch& batch, absl::Duration at) {
  const sim::NetworkPlan& plan = options_.plan;
  // The same for a way in every life of the node.
  const absl::Duration base = sim::SimRng::Stream(options_.seed, "ways")
                                  .Fork(uint64_t{batch.from()} << 32 | options_.self)
                                  .Between(plan.base_min, plan.base_max);
  const absl::Duration clog = faults_->Clog(batch.from(), options_.self, at);
  if (clog > absl::ZeroDuration()) ++counters_->clogged;
  absl::Duration delay = base + clog + rng_.Exponential(plan.jitter_mean);
  if (plan.emulated.any()) {
    delay += plan.emulated.For(batch.from(), options_.self, batch, [this] { return rng_.Next(); });
  }
  return delay;
}

void FaultyNetwork::Add(MonotonicTime now, peer::v1::Batch batch, Deliver deliver) {
  ++counters_->batches;
  const absl::Duration at = since_(now);
  const auto sent = std::make_shared<Sent>();
  sent->from = batch.from();
  sent->number = ++last_number_;
  sent->batch = std::move(batch);
  sent->deliver = std::move(deliver);
  const bool repeats = rng_.ChancePerMille(faults_->RepeatPerMille(at));
  if (repeats) ++counters_->repeated;
  // What is sent during a cut does not arrive, however late it would.
  const bool cut = faults_->Cut(sent->from, options_.self, at);
  for (int copy = 0; copy < (repeats ? 2 : 1); ++copy) {
    if (cut) {
      ++counters_->cut;
      continue;
    }
    if (rng_.ChancePerMille(faults_->LossPerMille(at))) {
      ++counters_->lost;
      continue;
    }
    MonotonicTime due = now + Delay(sent->batch, at);
    if (options_.plan.keeps_order) {
      Way& way = WayOf(sent->batch);
      due = way.last_due = std::max(due, way.last_due);
    }
    held_.emplace(due, sent);
  }
}

MonotonicTime FaultyNetwork::Release(MonotonicTime now) {
  while (!held_.empty() && held_.begin()->first <= now) {
    const std::shared_ptr<Sent> sent = std::move(held_.begin()->second);
    held_.erase(held_.begin());
    // Nor does it where it is under way when a cut begins.
    if (faults_->Cut(sent->from, options_.self, since_(now))) {
      ++counters_->cut;
      continue;
    }
    Way& way = WayOf(sent->batch);
    if (sent->number < way.last_delivered) ++counters_->overtaken;
    way.last_delivered = std::max(way.last_delivered, sent->number);
    sent->deliver(sent->batch);
  }
  return held_.empty() ? absl::InfiniteDuration() : held_.begin()->first;
}

}  // namespace quorate::nemesis
