#include "loadgen/delay_probe.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace quorate::loadgen {
namespace {

// How soon the flag is noticed.
constexpr Nanos kLookInterval = kNanosPerSecond / 20;

// Polls of a replica are so far apart at least, and by this part of the write's age: the error that
// comes of it stays in proportion to the delay.
constexpr Nanos kPollInterval = 100'000;
constexpr Nanos kPollsPerAge = 25;

// Of what a replica showed before, so many writes say how long it need not be asked.
constexpr size_t kShownKept = 8;

constexpr uint64_t kWriteTag = ~uint64_t{0};  // a poll's tag is its replica

DelayEstimatorOptions EstimatorOptions(const DelayProbeOptions& options) {
  DelayEstimatorOptions estimator;
  estimator.seed = options.seed;
  return estimator;
}

}  // namespace

DelayProbe::DelayProbe(DelayProbeOptions options, std::unique_ptr<Transport> transport, Clock clock)
    : options_(std::move(options)),
      transport_(std::move(transport)),
      clock_(std::move(clock)),
      start_(clock_()),
      random_(options_.seed),
      key_(absl::StrCat(options_.key_prefix, key_number_)),
      next_poll_(options_.replicas),
      poll_sent_(options_.replicas),
      round_trips_(options_.replicas),
      shown_after_(options_.replicas),
      estimator_(static_cast<int>(options_.replicas), options_.w, EstimatorOptions(options_)) {}

Nanos DelayProbe::Now() const { return std::chrono::nanoseconds(clock_() - start_).count(); }

void DelayProbe::Run(const std::atomic<bool>* stop) {
  while (!stop->load(std::memory_order_relaxed)) {
    const Nanos now = Now();
    // A time that stays: transports need not set their timers anew.
    if (now >= next_look_) next_look_ = now + kLookInterval;
    if (probe_.has_value() && probe_->Done(now)) EndProbe(now);
    if (!probe_.has_value() && now >= next_probe_) BeginProbe(now);
    if (probe_.has_value()) SendPolls(now);
    transport_->Poll(start_ + std::chrono::nanoseconds(NextWake(now)), this);
  }
}

Nanos DelayProbe::NextWake(Nanos now) const {
  if (!probe_.has_value()) return std::min(next_probe_, next_look_);
  Nanos wake = next_look_;
  for (size_t i = 0; i < options_.replicas; ++i) {
    const bool waits = probe_->NeedsPoll(i, now) && transport_->HasRoom(i);
    if (waits) wake = std::min(wake, next_poll_[i]);
  }
  return wake;
}

void DelayProbe::BeginProbe(Nanos now) {
  const size_t target = options_.writes_to_first_target
                            ? 0
                            : static_cast<size_t>(random_.NextBelow(options_.replicas));
  if (!transport_->HasRoom(target)) {
    next_probe_ = now + options_.interval;
    return;
  }
  probe_.emplace(options_.replicas, shown_by_all_, options_.give_up_after);
  probe_began_ = now;
  for (size_t i = 0; i < options_.replicas; ++i) {
    next_poll_[i] = now + std::max(kPollInterval, QuietTime(i));
  }
  std::fill(round_trips_.begin(), round_trips_.end(), 0);
  probe_->OnWriteSent(now);
  Request write;
  write.write = true;
  write.target = target;
  write.key = key_;
  write.value = options_.value;
  transport_->Send(kWriteTag, write);
}

void DelayProbe::SendPolls(Nanos now) {
  for (size_t i = 0; i < options_.replicas; ++i) {
    if (now < next_poll_[i] || !probe_->NeedsPoll(i, now) || !transport_->HasRoom(i)) continue;
    poll_sent_[i] = Now();
    next_poll_[i] =
        poll_sent_[i] + std::max(kPollInterval, (poll_sent_[i] - probe_began_) / kPollsPerAge);
    probe_->OnPollSent(i, poll_sent_[i]);
    Request read;
    read.local = true;
    read.target = i;
    read.key = key_;
    transport_->Send(i, read);
  }
}

void DelayProbe::OnReply(uint64_t tag, const Reply& reply) {
  const Nanos now = Now();
  if (tag == kWriteTag) {
    if (reply.status.ok()) {
      probe_->OnWriteAcknowledged(reply.order, now);
    } else {
      probe_->OnWriteFailed();
    }
    return;
  }
  const auto replica = static_cast<size_t>(tag);
  if (!reply.status.ok()) return probe_->OnPollFailed(replica);
  round_trips_[replica] = now - poll_sent_[replica];
  probe_->OnPollAnswered(replica, reply.order, now);
}

Nanos DelayProbe::QuietTime(size_t replica) const {
  const std::deque<Nanos>& shown = shown_after_[replica];
  return shown.empty() ? 0 : *std::min_element(shown.begin(), shown.end()) / 2;
}

bool DelayProbe::Learn(size_t replica, const WriteProbe& write) {
  const WriteProbe::Replica& told = write.replicas[replica];
  std::deque<Nanos>& shown = shown_after_[replica];
  if (!told.last_without.has_value() && QuietTime(replica) > kPollInterval) {
    shown.clear();
    return false;
  }
  const Poll& poll = *(told.first_with.has_value() ? told.first_with : told.last_without);
  shown.push_back(poll.sent - write.sent);
  if (shown.size() > kShownKept) shown.pop_front();
  return true;
}

void DelayProbe::EndProbe(Nanos now) {
  const std::optional<WriteProbe> write = probe_->Result();
  bool all_have_shown = write.has_value();
  if (write.has_value()) {
    Nanos last = 0;
    bool asked_in_time = true;
    for (size_t i = 0; i < options_.replicas; ++i) {
      const WriteProbe::Replica& replica = write->replicas[i];
      all_have_shown = all_have_shown && replica.first_with.has_value();
      const Poll& poll =
          *(replica.first_with.has_value() ? replica.first_with : replica.last_without);
      last = std::max(last, poll.answered - write->sent);
      asked_in_time = Learn(i, *write) && asked_in_time;
    }
    if (asked_in_time) {
      estimator_.AddWrite(*write);
      estimator_.AddRead(round_trips_);
      converged_.Record(last);
      if (!all_have_shown) ++not_converged_;
    }
  } else {
    ++(probe_->acknowledged() ? lost_sight_ : failed_writes_);
  }
  if (all_have_shown) {
    shown_by_all_ = probe_->order();
  } else {
    // Whatever comes of this write later must not be taken for the next one.
    key_ = absl::StrCat(options_.key_prefix, ++key_number_);
    shown_by_all_ = Order{};
  }
  next_probe_ = std::max(probe_began_ + options_.interval, now + (now - probe_began_) / 2);
  probe_.reset();
}

}  // namespace quorate::loadgen
