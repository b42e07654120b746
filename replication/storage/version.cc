#include "replication/storage/version.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace quorate {
namespace {

bool ActorLess(const Dot& dot, const Actor& actor) { return dot.actor < actor; }

// Whether every entry of `a` is covered by `b`. Both sorted by actor.
bool Covered(const std::vector<Dot>& a, const std::vector<Dot>& b) {
  auto other = b.begin();
  for (const Dot& entry : a) {
    while (other != b.end() && other->actor < entry.actor) ++other;
    if (other == b.end() || !(other->actor == entry.actor) || other->counter < entry.counter) {
      return false;
    }
  }
  return true;
}

VersionOrder FromCoverage(bool a_in_b, bool b_in_a) {
  if (a_in_b && b_in_a) return VersionOrder::kEqual;
  if (a_in_b) return VersionOrder::kBefore;
  if (b_in_a) return VersionOrder::kAfter;
  return VersionOrder::kConcurrent;
}

}  // namespace

Version Version::Sequenced(uint64_t epoch, uint64_t number) {
  Version version;
  version.epoch_ = epoch;
  version.number_ = number;
  return version;
}

absl::StatusOr<Version> Version::FromProto(const peer::v1::Version& proto) {
  if (static_cast<size_t>(proto.vector_size()) > kMaxEntries) {
    return absl::InvalidArgumentError("version vector has too many entries");
  }
  if (proto.vector_size() > 0 && (proto.epoch() != 0 || proto.number() != 0)) {
    return absl::InvalidArgumentError("version is both sequenced and dotted");
  }
  if (proto.number() >= kMaxNumber || proto.epoch() >= kMaxEpoch) {
    return absl::InvalidArgumentError("version has an epoch or a number out of range");
  }
  Version version = Sequenced(proto.epoch(), proto.number());
  version.vector_.reserve(proto.vector_size());
  for (const peer::v1::Dot& entry : proto.vector()) {
    const Dot dot{{entry.node(), entry.incarnation()}, entry.counter()};
    if (dot.counter == 0 || dot.counter >= kMaxCounter) {
      return absl::InvalidArgumentError("version vector has a counter out of range");
    }
    if (!version.vector_.empty() && !(version.vector_.back().actor < dot.actor)) {
      return absl::InvalidArgumentError("version vector is not sorted");
    }
    version.vector_.push_back(dot);
  }
  return version;
}

void Version::ToProto(peer::v1::Version* proto) const {
  if (epoch_ != 0) proto->set_epoch(epoch_);
  if (number_ != 0) proto->set_number(number_);
  for (const Dot& dot : vector_) {
    peer::v1::Dot* entry = proto->add_vector();
    entry->set_node(dot.actor.node);
    entry->set_incarnation(dot.actor.incarnation);
    entry->set_counter(dot.counter);
  }
}

VersionOrder Version::Compare(const Version& other) const {
  if (empty() || other.empty()) return FromCoverage(empty(), other.empty());
  if (sequenced() != other.sequenced()) return VersionOrder::kConcurrent;
  if (sequenced()) {
    const auto mine = std::tie(epoch_, number_);
    const auto theirs = std::tie(other.epoch_, other.number_);
    return FromCoverage(mine <= theirs, theirs <= mine);
  }
  return FromCoverage(Covered(vector_, other.vector_), Covered(other.vector_, vector_));
}

bool Version::Descends(const Version& other) const {
  const VersionOrder order = Compare(other);
  return order == VersionOrder::kAfter || order == VersionOrder::kEqual;
}

bool Version::Contains(const Dot& dot) const { return CounterOf(dot.actor) >= dot.counter; }

uint64_t Version::CounterOf(const Actor& actor) const {
  const auto it = std::lower_bound(vector_.begin(), vector_.end(), actor, ActorLess);
  return it != vector_.end() && it->actor == actor ? it->counter : 0;
}

void Version::Add(const Dot& dot) {
  const auto it = std::lower_bound(vector_.begin(), vector_.end(), dot.actor, ActorLess);
  if (it != vector_.end() && it->actor == dot.actor) {
    it->counter = std::max(it->counter, dot.counter);
  } else {
    vector_.insert(it, dot);
  }
}

void Version::Join(const Version& other) {
  for (const Dot& dot : other.vector_) Add(dot);
}

uint64_t Version::Number() const {
  if (sequenced()) return number_;
  uint64_t sum = 0;
  for (const Dot& dot : vector_) sum += dot.counter;
  return sum;
}

std::string Version::DebugString() const {
  if (sequenced()) return absl::StrCat("(", epoch_, ", ", number_, ")");
  return absl::StrCat("{",
                      absl::StrJoin(vector_, ", ",
                                    [](std::string* out, const Dot& dot) {
                                      absl::StrAppend(out, dot.actor.node, "@",
                                                      dot.actor.incarnation, ":", dot.counter);
                                    }),
                      "}");
}

}  // namespace quorate
