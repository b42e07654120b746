// ConnectionOptions: how a connection reaches a cluster, and its limits.
//
// Values: thread-compatible.
#ifndef QUORATE_CLIENT_CONNECTION_OPTIONS_H_
#define QUORATE_CLIENT_CONNECTION_OPTIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "client/retry_policy.h"

namespace quorate {

// Nodes are not asked for their status more often than this.
inline constexpr absl::Duration kMinRefreshInterval = absl::Milliseconds(200);

struct ConnectionOptions {
  // Behaviour.
  // gRPC addresses of some nodes, host:port; an IPv6 address stands in brackets. The others are
  // learned from these. All of one cluster: that of the first node that says its own is the
  // connection's, and nodes of another one are logged and not asked. Reads and writes wait for
  // that, for a second at most.
  std::vector<std::string> targets;
  RetryOptions retry;
  // A read that a node has not answered after this goes to another node, if there is one and
  // `retry` allows it, and so does a write that has not left yet. Each time the call then waits
  // twice as long: slow nodes are no failure, and no call ends before its own timeout for being
  // slow.
  absl::Duration attempt_timeout = absl::Milliseconds(700);
  // How often nodes are asked for their status: who they are, who leads, who serves. Failures lead
  // to a look at once. At least kMinRefreshInterval.
  absl::Duration refresh_interval = absl::Seconds(10);

  // Limits: calls in flight, those that wait for a retry included, and the bytes of their requests,
  // which take up to twice as much memory: they are kept for the next try while one is being sent.
  // Beyond, calls are refused at once with RESOURCE_EXHAUSTED.
  size_t max_calls = 10000;
  size_t max_bytes = size_t{64} << 20;
};

// INVALID_ARGUMENT with a message that names the wrong option.
absl::Status Validate(const ConnectionOptions& options);

}  // namespace quorate

#endif  // QUORATE_CLIENT_CONNECTION_OPTIONS_H_
