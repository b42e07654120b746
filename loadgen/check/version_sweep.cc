#include "loadgen/check/version_sweep.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "loadgen/check/finished.h"
#include "loadgen/check/resolve.h"

namespace quorate::check {
namespace {

constexpr char kNotTotal[] =
    "concurrent writes may share a version, so versions are no total order";
constexpr char kNoOrder[] = "operations without a version";

ConflictKind KindOf(const Operation& earlier, const Operation& later) {
  if (later.is_write()) return ConflictKind::kWriteOrder;
  return earlier.is_write() ? ConflictKind::kStaleRead : ConflictKind::kInversion;
}

const char* PropertyOf(Model model) {
  switch (model) {
    case Model::kLinearizable:
      return "linearizable, by versions";
    case Model::kRegular:
      return "regular, by versions";
    case Model::kWriteOrder:
      return "writes in order of time";
  }
  return "";
}

// No operation that the model judges may have a smaller version than what was over before it began.
// A write says more about why than the reads of it, so it is what a conflict names where both were
// over.
void SweepVersions(const KeyOperations& key, const Resolved& resolved, Model model,
                   CheckResult* result) {
  FinishedQueue in_flight;
  Highest written;
  Highest read;
  for (uint32_t i = 0; i < key.operations.size(); ++i) {
    const uint64_t version = resolved.version[i];
    if (version == kNoVersion) continue;
    const Operation& operation = key.operations[i];
    in_flight.PopBefore(operation.start, [&](const Finished& entry) {
      (key.operations[entry.operation].is_write() ? written : read).Take(entry);
    });
    const bool judged =
        model == Model::kLinearizable || operation.is_write() == (model == Model::kWriteOrder);
    const bool below_write = written.IsAbove(version);
    const bool below_read = model != Model::kRegular && read.IsAbove(version);
    if (judged && (below_write || below_read)) {
      const uint32_t other = below_write ? written.operation : read.operation;
      const Operation& earlier = key.operations[other];
      result->Add(Conflict{KindOf(earlier, operation), key.key,
                           Between(earlier.end, operation.start),
                           WitnessOf(key, resolved, {other, i})});
    }
    in_flight.Push(Finished{operation.finish(), version, i});
  }
}

}  // namespace

void SweepKey(const KeyOperations& key, bool order_is_total, Model model, CheckResult* result) {
  if (!order_is_total) {
    result->CannotTell(kNotTotal);
    result->CountKey(0, 0);
    return;
  }
  Resolved resolved = ResolveByOrder(key, /*order_is_total=*/true);
  if (model != Model::kWriteOrder) {
    for (Conflict& anomaly : resolved.anomalies) result->Add(std::move(anomaly));
    AddFutureReads(key, resolved, result);
  }
  SweepVersions(key, resolved, model, result);
  if (resolved.unclear > 0) result->CannotTell(kNoOrder);
  result->CountKey(resolved.reads, resolved.writes);
}

CheckResult CheckVersionSweep(const History& history, Model model) {
  CheckResult result(PropertyOf(model));
  for (const KeyOperations& key : SplitByKey(history)) {
    SweepKey(key, history.order_is_total, model, &result);
  }
  return result;
}

}  // namespace quorate::check
