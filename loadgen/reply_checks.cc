#include "loadgen/reply_checks.h"

namespace quorate::loadgen {

void ReplyChecks::OnReadSent(const SentOperation& operation) {
  if (operation.session >= floors_.size()) floors_.resize(operation.session + 1);
  floors_[operation.session] = staleness_.AtReadStart(operation.planned.key);
}

void ReplyChecks::OnReadEnded(const SentOperation& operation, Nanos, const Reply& reply) {
  if (!reply.status.ok()) return;
  const bool wrong = reply.found && !values_->BelongsTo(operation.planned.key, reply.value);
  const bool stale = !wrong && StalenessTracker::IsStale(floors_[operation.session], reply.order);
  const auto count = [&](CheckCounts* counts) {
    if (!reply.found) ++counts->absent;
    if (wrong) ++counts->wrong;
    if (stale) ++counts->stale;
  };
  count(&all_);
  if (operation.measured) count(&measured_);
}

void ReplyChecks::OnWriteEnded(const SentOperation& operation, Nanos, const Reply& reply) {
  if (reply.status.ok()) staleness_.OnWriteAcknowledged(operation.planned.key, reply.order);
}

}  // namespace quorate::loadgen
