// When a failed call is tried again: only where that is safe, later each time, and no more often
// than a budget allows.
#ifndef QUORATE_CLIENT_RETRY_POLICY_H_
#define QUORATE_CLIENT_RETRY_POLICY_H_

#include "absl/random/bit_gen_ref.h"
#include "absl/time/time.h"

#include "client/outcome.h"

namespace quorate {

struct RetryOptions {
  // Tries of a call, the first included; 1: nothing is tried again.
  int max_attempts = 10;
  // Before the k-th retry a call waits for a random time between half of and all of
  // initial_backoff * 2^(k-1), at most max_backoff.
  absl::Duration initial_backoff = absl::Milliseconds(10);
  absl::Duration max_backoff = absl::Milliseconds(500);
  // Each call earns so much of a retry; what is saved is limited. Retries of what never reached a
  // node are free: they load none.
  double budget_ratio = 0.1;
  double budget_max = 100;
  // Each write gets a name of its own, so that one whose outcome is not known can be tried again
  // and yet never happens twice. False: an unknown outcome is final. A write that has been given a
  // name (WriteRequest::request_id) is repeated in either case.
  bool name_writes = true;
};

// Whether the call can be made again: the failure may pass, and nothing can be written twice.
//   reads    UNAVAILABLE, RESOURCE_EXHAUSTED, ABORTED; DEADLINE_EXCEEDED of an attempt
//   writes   the same codes, and FAILED_PRECONDITION that names a leader. Where may_have_applied is
//            true only those that have a name (`named`), by which the cluster knows a repeat.
// Thread-safe.
bool SafeToRetry(const Error& error, bool write, bool named);

// How long to wait after the `attempts`-th try, from 1. Thread-safe if `random` is.
absl::Duration Backoff(const RetryOptions& options, int attempts, absl::BitGenRef random);

// A token bucket, full at first. Not thread-safe: belongs to a connection's thread.
class RetryBudget {
 public:
  explicit RetryBudget(const RetryOptions& options);

  void OnCall();
  // Takes a token, and returns whether there was one.
  bool TryRetry();

 private:
  const double ratio_;
  const double max_;
  double tokens_;
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_RETRY_POLICY_H_
