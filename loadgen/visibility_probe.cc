#include "loadgen/visibility_probe.h"

#include <algorithm>

namespace quorate::loadgen {

VisibilityProbe::VisibilityProbe(size_t replicas, const Order& before, Nanos give_up_after)
    : before_(before), give_up_after_(give_up_after), polling_(replicas) {
  probe_.replicas.resize(replicas);
}

void VisibilityProbe::OnWriteSent(Nanos now) {
  write_ = Write::kSent;
  probe_.sent = now;
}

void VisibilityProbe::OnWriteAcknowledged(const Order& order, Nanos now) {
  write_ = Write::kAcknowledged;
  order_ = order;
  probe_.acknowledged = now;
}

void VisibilityProbe::OnWriteFailed() { write_ = Write::kFailed; }

bool VisibilityProbe::NeedsPoll(size_t replica, Nanos now) const {
  return (write_ == Write::kSent || write_ == Write::kAcknowledged) &&
         !polling_[replica].under_way && !probe_.replicas[replica].first_with.has_value() &&
         !TimeIsOver(now);
}

void VisibilityProbe::OnPollSent(size_t replica, Nanos now) {
  polling_[replica] = Polling{/*under_way=*/true, now};
}

void VisibilityProbe::OnPollAnswered(size_t replica, const Order& order, Nanos now) {
  polling_[replica].under_way = false;
  const Poll poll{polling_[replica].sent, now};
  WriteProbe::Replica& seen = probe_.replicas[replica];
  // The polls of a replica follow each other, so a later one is also answered later.
  (before_ < order ? seen.first_with : seen.last_without) = poll;
}

void VisibilityProbe::OnPollFailed(size_t replica) { polling_[replica].under_way = false; }

bool VisibilityProbe::Done(Nanos now) const {
  if (write_ == Write::kNotSent || write_ == Write::kSent) return false;
  const bool waits = std::any_of(polling_.begin(), polling_.end(),
                                 [](const Polling& polling) { return polling.under_way; });
  if (waits) return false;
  if (write_ == Write::kFailed || TimeIsOver(now)) return true;
  return std::all_of(
      probe_.replicas.begin(), probe_.replicas.end(),
      [](const WriteProbe::Replica& replica) { return replica.first_with.has_value(); });
}

std::optional<WriteProbe> VisibilityProbe::Result() const {
  if (write_ != Write::kAcknowledged) return std::nullopt;
  for (size_t i = 0; i < polling_.size(); ++i) {
    const WriteProbe::Replica& seen = probe_.replicas[i];
    const bool answered = seen.last_without.has_value() || seen.first_with.has_value();
    if (polling_[i].under_way || !answered) return std::nullopt;
  }
  return probe_;
}

}  // namespace quorate::loadgen
