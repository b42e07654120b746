#include "client/connection_options.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace quorate {
namespace {

bool IsAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return false;
  const absl::string_view host = text.substr(0, colon);
  const bool bracketed = host.front() == '[' && host.back() == ']' && host.size() > 2;
  if (!bracketed && host.find_first_of(":[]/ ,") != absl::string_view::npos) return false;
  const absl::string_view digits = text.substr(colon + 1);
  int port = 0;
  return digits.find_first_not_of("0123456789") == absl::string_view::npos &&
         absl::SimpleAtoi(digits, &port) && port >= 1 && port <= 65535;
}

}  // namespace

absl::Status Validate(const ConnectionOptions& options) {
  if (options.targets.empty()) {
    return absl::InvalidArgumentError("targets are missing: name at least one node, host:port");
  }
  for (const std::string& target : options.targets) {
    if (IsAddress(target)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "target '", target, "' is no address: write host:port, with the port of the node's gRPC"));
  }
  if (options.retry.max_attempts < 1) {
    return absl::InvalidArgumentError("retry.max_attempts must be at least 1");
  }
  if (options.retry.initial_backoff <= absl::ZeroDuration() ||
      options.retry.max_backoff < options.retry.initial_backoff) {
    return absl::InvalidArgumentError(
        "retry.initial_backoff must be positive, and retry.max_backoff not below it");
  }
  if (!(options.retry.budget_ratio >= 0) || !(options.retry.budget_max >= 0)) {
    return absl::InvalidArgumentError(
        "retry.budget_ratio and retry.budget_max must not be negative");
  }
  if (options.attempt_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("attempt_timeout must be positive");
  }
  if (options.refresh_interval < kMinRefreshInterval) {
    return absl::InvalidArgumentError(absl::StrCat("refresh_interval must be at least ",
                                                   absl::FormatDuration(kMinRefreshInterval)));
  }
  if (options.max_calls < 1 || options.max_bytes < 1) {
    return absl::InvalidArgumentError("max_calls and max_bytes must be at least 1");
  }
  return absl::OkStatus();
}

}  // namespace quorate
