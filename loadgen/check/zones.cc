#include "loadgen/check/zones.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "loadgen/check/resolve.h"

namespace quorate::check {
namespace {

constexpr char kUnclearReads[] =
    "reads of a value that was written twice, or of one of several deletes";

// The state before the first write has no operation.
constexpr uint32_t kNone = 0xFFFF'FFFF;

struct Zone {
  Nanos first_finish = kNever;
  Nanos last_start = kBeforeAll;
  uint32_t finishes_first = kNone;  // the operations that have them
  uint32_t starts_last = kNone;

  bool forward() const { return first_finish < last_start; }

  void Take(const Operation& operation, uint32_t place) {
    if (finishes_first == kNone || operation.finish() < first_finish) {
      first_finish = operation.finish();
      finishes_first = place;
    }
    if (starts_last == kNone || operation.start > last_start) {
      last_start = operation.start;
      starts_last = place;
    }
  }
};

std::vector<Zone> ZonesOf(const KeyOperations& key, const Resolved& resolved) {
  std::vector<Zone> zones(1);
  zones[0].first_finish = kBeforeAll;  // the state before the first write
  std::vector<uint32_t> zone_of(key.operations.size(), 0);
  for (uint32_t i = 0; i < key.operations.size(); ++i) {
    if (resolved.source[i] != i) continue;
    zone_of[i] = static_cast<uint32_t>(zones.size());
    zones.emplace_back();
    zones.back().Take(key.operations[i], i);
  }
  for (uint32_t i = 0; i < key.operations.size(); ++i) {
    const uint32_t source = resolved.source[i];
    if (source == i) continue;
    if (source == kInitial) {
      // Nothing finishes before the initial state did.
      zones[0].last_start = std::max(zones[0].last_start, key.operations[i].start);
      if (zones[0].last_start == key.operations[i].start) zones[0].starts_last = i;
    } else if (source < key.operations.size()) {
      zones[zone_of[source]].Take(key.operations[i], i);
    }
  }
  return zones;
}

void AddZones(const KeyOperations& key, const Resolved& resolved, const Zone& a, const Zone& b,
              CheckResult* result) {
  std::vector<uint32_t> operations;
  for (const uint32_t operation :
       {a.finishes_first, a.starts_last, b.finishes_first, b.starts_last}) {
    if (operation != kNone) operations.push_back(operation);
  }
  const Nanos severity =
      std::min(Between(a.first_finish, b.last_start), Between(b.first_finish, a.last_start));
  result->Add(
      Conflict{ConflictKind::kZones, key.key, severity, WitnessOf(key, resolved, operations)});
}

// Forward zones by first finish, each with the one up to it that reaches furthest.
class ForwardZones {
 public:
  explicit ForwardZones(std::vector<Zone> zones) : zones_(std::move(zones)) {
    std::sort(zones_.begin(), zones_.end(), [](const Zone& a, const Zone& b) {
      if (a.first_finish != b.first_finish) return a.first_finish < b.first_finish;
      return a.last_start != b.last_start ? a.last_start < b.last_start
                                          : a.finishes_first < b.finishes_first;
    });
    furthest_.resize(zones_.size());
    for (size_t i = 0; i < zones_.size(); ++i) {
      const bool further = i == 0 || zones_[i].last_start > zones_[furthest_[i - 1]].last_start;
      furthest_[i] = further ? i : furthest_[i - 1];
    }
  }

  size_t size() const { return zones_.size(); }
  const Zone& operator[](size_t i) const { return zones_[i]; }

  // Of the zones before place `count`, the one that reaches furthest. REQUIRES: count > 0.
  const Zone& FurthestOf(size_t count) const { return zones_[furthest_[count - 1]]; }

  // How many zones have their first finish before `time`.
  size_t CountBefore(Nanos time) const {
    const auto place = std::partition_point(zones_.begin(), zones_.end(), [time](const Zone& zone) {
      return zone.first_finish < time;
    });
    return static_cast<size_t>(place - zones_.begin());
  }

 private:
  std::vector<Zone> zones_;
  std::vector<size_t> furthest_;
};

void CompareZones(const KeyOperations& key, const Resolved& resolved, CheckResult* result) {
  std::vector<Zone> forward;
  std::vector<Zone> backward;
  for (const Zone& zone : ZonesOf(key, resolved)) {
    (zone.forward() ? forward : backward).push_back(zone);
  }
  const ForwardZones zones(std::move(forward));
  for (size_t i = 1; i < zones.size(); ++i) {
    const Zone& before = zones.FurthestOf(i);
    if (zones[i].first_finish < before.last_start)
      AddZones(key, resolved, before, zones[i], result);
  }
  for (const Zone& zone : backward) {
    const size_t count = zones.CountBefore(zone.last_start);
    if (count == 0) continue;
    const Zone& around = zones.FurthestOf(count);
    if (zone.first_finish < around.last_start) AddZones(key, resolved, around, zone, result);
  }
}

}  // namespace

void CheckZonesOfKey(const KeyOperations& key, CheckResult* result) {
  Resolved resolved = ResolveByValue(key);
  for (Conflict& anomaly : resolved.anomalies) result->Add(std::move(anomaly));
  AddFutureReads(key, resolved, result);
  CompareZones(key, resolved, result);
  if (resolved.unclear > 0) result->CannotTell(kUnclearReads);
  result->CountKey(resolved.reads, resolved.writes);
}

CheckResult CheckZones(const History& history) {
  CheckResult result("linearizable, by values");
  for (const KeyOperations& key : SplitByKey(history)) CheckZonesOfKey(key, &result);
  return result;
}

}  // namespace quorate::check
