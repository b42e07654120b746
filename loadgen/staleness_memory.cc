#include "loadgen/staleness_memory.h"

#include <algorithm>

namespace quorate::loadgen {
namespace {

// Whether `a` tells more than `b` about what later reads must return: a greater order, or the same
// one from an earlier time on.
bool Exceeds(const AcknowledgedWrite& a, const AcknowledgedWrite& b) {
  return b.order < a.order || (a.order == b.order && a.acknowledged < b.acknowledged);
}

void KeepGreatest(const AcknowledgedWrite& write, std::optional<AcknowledgedWrite>* greatest) {
  if (!greatest->has_value() || Exceeds(write, **greatest)) *greatest = write;
}

uint64_t Scatter(uint64_t x) {
  // The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

void AcknowledgedWrites::Add(const AcknowledgedWrite& write, size_t limit) {
  KeepGreatest(write, &greatest_);
  if (ring_.size() < limit) {
    ring_.push_back(write);
    return;
  }
  if (limit == 0) return KeepGreatest(write, &greatest_forgotten_);
  KeepGreatest(ring_[next_], &greatest_forgotten_);
  ring_[next_] = write;
  next_ = (next_ + 1) % ring_.size();
}

const AcknowledgedWrite* AcknowledgedWrites::GreatestBefore(Nanos time) const {
  if (!greatest_.has_value()) return nullptr;
  if (greatest_->acknowledged < time) return &*greatest_;
  const AcknowledgedWrite* found = nullptr;
  const auto consider = [&found, time](const AcknowledgedWrite& write) {
    if (write.acknowledged >= time) return;
    if (found == nullptr || Exceeds(write, *found)) found = &write;
  };
  for (const AcknowledgedWrite& write : ring_) consider(write);
  if (greatest_forgotten_.has_value()) consider(*greatest_forgotten_);
  return found;
}

AcknowledgedWrites::Newer AcknowledgedWrites::NewerThan(const Order& order, Nanos time) const {
  Newer newer;
  for (const AcknowledgedWrite& write : ring_) {
    if (!(order < write.order) || write.acknowledged >= time) continue;
    const bool first = newer.count++ == 0;
    newer.first_acknowledged =
        first ? write.acknowledged : std::min(newer.first_acknowledged, write.acknowledged);
    newer.first_sent = first ? write.sent : std::min(newer.first_sent, write.sent);
  }
  newer.some_forgotten = greatest_forgotten_.has_value() && order < greatest_forgotten_->order;
  return newer;
}

void ReturnedOrders::Add(const Order& order, Nanos finished) {
  if (order == Order{}) return;
  // Most reads return what an earlier one has returned, and change nothing.
  size_t at = size_;
  while (at > 0 && steps_[at - 1].finished > finished) --at;
  if (at > 0 && !(steps_[at - 1].order < order)) return;
  // Whatever finished no earlier and returned nothing greater is no step any more.
  size_t end = at;
  while (end < size_ && !(order < steps_[end].order)) ++end;
  size_t begin = at;
  if (begin > 0 && steps_[begin - 1].finished == finished) --begin;
  if (begin == end) {
    if (size_ == steps_.size()) {
      if (at == 0) return;  // older than all that there is room for
      std::copy(steps_.begin() + 1, steps_.begin() + at, steps_.begin());
      steps_[at - 1] = Step{finished, order};
      return;
    }
    std::copy_backward(steps_.begin() + at, steps_.begin() + size_, steps_.begin() + size_ + 1);
    ++size_;
    steps_[at] = Step{finished, order};
    return;
  }
  steps_[begin] = Step{finished, order};
  std::copy(steps_.begin() + end, steps_.begin() + size_, steps_.begin() + begin + 1);
  size_ -= end - begin - 1;
}

Order ReturnedOrders::GreatestBefore(Nanos time) const {
  for (size_t i = size_; i > 0; --i) {
    if (steps_[i - 1].finished < time) return steps_[i - 1].order;
  }
  return Order{};
}

SessionMemory::SessionMemory(size_t pairs) {
  size_t sets = 1;
  while (sets * kWays < pairs) sets *= 2;
  sets_.resize(sets);
}

size_t SessionMemory::SetOf(uint32_t session, size_t key) const {
  const uint64_t hash = Scatter(Scatter(uint64_t{session} + 1) ^ static_cast<uint64_t>(key));
  return static_cast<size_t>(hash) & (sets_.size() - 1);
}

SessionMemory::Seen SessionMemory::Find(uint32_t session, size_t key) const {
  for (const Entry& entry : sets_[SetOf(session, key)].entries) {
    if (entry.used && entry.session == session && entry.key == key) return entry.seen;
  }
  return Seen{};
}

SessionMemory::Seen* SessionMemory::FindOrAdd(uint32_t session, size_t key) {
  Set& set = sets_[SetOf(session, key)];
  for (Entry& entry : set.entries) {
    if (entry.used && entry.session == session && entry.key == key) return &entry.seen;
  }
  Entry& entry = set.entries[set.oldest];
  set.oldest = static_cast<uint8_t>((set.oldest + 1) % kWays);
  if (entry.used) ++forgotten_;
  entry = Entry{true, session, key, Seen{}};
  return &entry.seen;
}

void SessionMemory::OnRead(uint32_t session, size_t key, const Order& order) {
  Seen* seen = FindOrAdd(session, key);
  seen->read = std::max(seen->read, order);
}

void SessionMemory::OnWritten(uint32_t session, size_t key, const Order& order) {
  Seen* seen = FindOrAdd(session, key);
  seen->written = std::max(seen->written, order);
}

}  // namespace quorate::loadgen
