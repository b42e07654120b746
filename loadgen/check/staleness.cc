#include "loadgen/check/staleness.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "loadgen/check/finished.h"
#include "loadgen/check/resolve.h"

namespace quorate::check {
namespace {

// Of the writes that have been acknowledged so far, those above a version: how many, the first
// acknowledgement and the first start. A Fenwick tree over ranks of versions, the greatest first.
class AcknowledgedWrites {
 public:
  struct Sum {
    uint64_t count = 0;
    Nanos first_end = kNever;
    Nanos first_start = kNever;

    void Take(const Sum& other) {
      count += other.count;
      first_end = std::min(first_end, other.first_end);
      first_start = std::min(first_start, other.first_start);
    }
  };

  // `versions` are those of all writes that will be added.
  explicit AcknowledgedWrites(std::vector<uint64_t> versions) : versions_(std::move(versions)) {
    std::sort(versions_.begin(), versions_.end());
    versions_.erase(std::unique(versions_.begin(), versions_.end()), versions_.end());
    tree_.resize(versions_.size() + 1);
  }

  void Add(uint64_t version, const Operation& write) {
    const Sum one{1, write.end, write.start};
    const auto place = std::lower_bound(versions_.begin(), versions_.end(), version);
    for (size_t i = CountFrom(place); i < tree_.size(); i += i & (~i + 1)) tree_[i].Take(one);
  }

  Sum Above(uint64_t version) const {
    Sum sum;
    const auto place = std::upper_bound(versions_.begin(), versions_.end(), version);
    for (size_t i = CountFrom(place); i > 0; i -= i & (~i + 1)) sum.Take(tree_[i]);
    return sum;
  }

 private:
  size_t CountFrom(std::vector<uint64_t>::const_iterator place) const {
    return static_cast<size_t>(versions_.end() - place);
  }

  std::vector<uint64_t> versions_;
  std::vector<Sum> tree_;
};

class StalenessSweep {
 public:
  StalenessSweep(const KeyOperations& key, const Resolved& resolved,
                 const std::function<void(const StaleRead&)>& on_stale, Staleness* staleness)
      : key_(key),
        resolved_(resolved),
        on_stale_(on_stale),
        staleness_(staleness),
        acknowledged_(AcknowledgedVersions()) {}

  void Run() {
    for (uint32_t i = 0; i < key_.operations.size(); ++i) {
      const Operation& operation = key_.operations[i];
      const uint64_t version = resolved_.version[i];
      if (version == kNoVersion) continue;
      in_flight_.PopBefore(operation.start, [this](const Finished& entry) { Finish(entry); });
      if (operation.is_read()) Judge(i);
      in_flight_.Push(Finished{operation.finish(), version, i});
    }
  }

 private:
  std::vector<uint64_t> AcknowledgedVersions() const {
    std::vector<uint64_t> versions;
    for (size_t i = 0; i < key_.operations.size(); ++i) {
      if (!key_.operations[i].is_write() || !key_.operations[i].ok()) continue;
      if (resolved_.version[i] != kNoVersion) versions.push_back(resolved_.version[i]);
    }
    return versions;
  }

  void Finish(const Finished& entry) {
    const Operation& operation = key_.operations[entry.operation];
    if (operation.is_read()) return seen_.Take(entry);
    written_.Take(entry);
    acknowledged_.Add(entry.version, operation);
  }

  void Judge(uint32_t place) {
    const uint64_t version = resolved_.version[place];
    ++staleness_->reads;
    if (!written_.IsAbove(version)) {
      ++staleness_->missed[0];
      if (seen_.IsAbove(version)) ++staleness_->inversions;
      return;
    }
    const Operation& read = key_.operations[place];
    const AcknowledgedWrites::Sum above = acknowledged_.Above(version);
    StaleRead stale;
    stale.operation = key_.first + place;
    stale.newest = key_.first + written_.operation;
    stale.missed = above.count;
    stale.obsolete_at_least = Between(above.first_end, read.start);
    stale.obsolete_at_most = Between(above.first_start, read.end);
    ++staleness_->stale;
    ++staleness_->missed[std::min<uint64_t>(stale.missed, Staleness::kMissedMax)];
    staleness_->obsolete_at_least.push_back(stale.obsolete_at_least);
    on_stale_(stale);
  }

  const KeyOperations& key_;
  const Resolved& resolved_;
  const std::function<void(const StaleRead&)>& on_stale_;
  Staleness* const staleness_;
  AcknowledgedWrites acknowledged_;
  FinishedQueue in_flight_;
  Highest written_;
  Highest seen_;
};

}  // namespace

Nanos Staleness::ObsoletePercentile(double p) const {
  if (obsolete_at_least.empty()) return 0;
  std::vector<Nanos> sorted = obsolete_at_least;
  const double last = static_cast<double>(sorted.size() - 1);
  const auto place = sorted.begin() + static_cast<ptrdiff_t>(std::llround(p * last));
  std::nth_element(sorted.begin(), place, sorted.end());
  return *place;
}

void MeasureStalenessOfKey(const KeyOperations& key, bool order_is_total,
                           const std::function<void(const StaleRead&)>& on_stale,
                           Staleness* staleness) {
  const Resolved resolved = ResolveByOrder(key, order_is_total);
  StalenessSweep(key, resolved, on_stale, staleness).Run();
  for (uint32_t i = 0; i < key.operations.size(); ++i) {
    const uint32_t source = resolved.source[i];
    if (source == kNobody) ++staleness->phantom;
    if (source < key.operations.size() && source != i &&
        key.operations[i].end < key.operations[source].start) {
      ++staleness->future;
    }
  }
  staleness->not_judged += resolved.unclear;
}

Staleness MeasureStaleness(const History& history,
                           const std::function<void(const StaleRead&)>& on_stale) {
  Staleness staleness;
  for (const KeyOperations& key : SplitByKey(history)) {
    MeasureStalenessOfKey(key, history.order_is_total, on_stale, &staleness);
  }
  return staleness;
}

}  // namespace quorate::check
