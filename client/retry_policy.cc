#include "client/retry_policy.h"

#include <algorithm>
#include <cmath>

#include "absl/random/distributions.h"
#include "absl/status/status.h"

namespace quorate {

bool SafeToRetry(const Error& error, bool write, bool named) {
  if (write && !named && error.details.may_have_applied) return false;
  switch (error.status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
      return true;
    case absl::StatusCode::kFailedPrecondition:
      return write && !error.details.leader.empty();
    default:
      return false;
  }
}

absl::Duration Backoff(const RetryOptions& options, int attempts, absl::BitGenRef random) {
  const absl::Duration full = std::min(
      options.max_backoff, options.initial_backoff * std::exp2(std::min(attempts, 30) - 1));
  return full * absl::Uniform(random, 0.5, 1.0);
}

RetryBudget::RetryBudget(const RetryOptions& options)
    : ratio_(options.budget_ratio), max_(options.budget_max), tokens_(options.budget_max) {}

void RetryBudget::OnCall() { tokens_ = std::min(max_, tokens_ + ratio_); }

bool RetryBudget::TryRetry() {
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace quorate
