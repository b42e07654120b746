// Outcome: what came of a call: a value, or an error that says whether a write may have happened.
//
//   const quorate::Outcome<quorate::WriteReply> set = client.Set("key", "value").Get();
//   if (!set.ok()) std::cerr << set.status() << (set.details().may_have_applied ? "?" : "");
//
// Values: thread-compatible.
#ifndef QUORATE_CLIENT_OUTCOME_H_
#define QUORATE_CLIENT_OUTCOME_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "glog/logging.h"

namespace quorate {

// What else is known of a failed call.
struct ErrorDetails {
  // Writes: it was sent to at least one replica, or to a node that did not answer, and may take
  // effect, now or later; of a repeat, the call that it repeats may. It is never rolled back.
  // False: nothing was written and nothing will be.
  // Always false for reads.
  bool may_have_applied = false;
  int acks = 0;        // replicas that had acknowledged, or answered
  int required = 0;    // replicas that had to; 0 where no node has said so
  std::string leader;  // the node to turn to, where known (leader-follower)
};

// The codes of `status`; its message says more:
//   INVALID_ARGUMENT     the request is wrong, or too long
//   FAILED_PRECONDITION  it is not for this cluster or key: the node refuses writes and `leader`
//                        takes them; linearizable reads that the cluster does not have, or W and R
//                        where it is linearizable; a key with too many concurrent values
//   RESOURCE_EXHAUSTED   too much is in flight, in this connection or at the node, or a session has
//                        seen as many keys as it may
//   UNAVAILABLE          too few replicas, no leader, no node that can be reached or takes
//                        operations, or a repeat none of whose tries can be found
//   DEADLINE_EXCEEDED    not answered in time
//   CANCELLED            given up by the caller, or by the end of the connection
//   INTERNAL, UNKNOWN, UNIMPLEMENTED
//                        the node is broken, or speaks another protocol
// Nodes of other versions may send others; treat what you do not know like UNKNOWN.
struct Error {
  absl::Status status;
  ErrorDetails details;
};

template <typename T>
class Outcome {
 public:
  Outcome(T value) : value_(std::move(value)) {}  // implicit, like StatusOr's
  // `error.status` must not be OK.
  Outcome(Error error) : error_(std::move(error)) { CHECK(!error_.status.ok()); }

  bool ok() const { return value_.has_value(); }
  // OK where there is a value.
  const absl::Status& status() const { return error_.status; }
  // Of an error; otherwise empty.
  const ErrorDetails& details() const { return error_.details; }
  const Error& error() const { return error_; }

  // The value. There must be one.
  const T& operator*() const& { return Checked(); }
  T&& operator*() && {
    Checked();
    return *std::move(value_);
  }
  const T* operator->() const { return &Checked(); }

 private:
  const T& Checked() const {
    CHECK(value_.has_value()) << "no value: " << error_.status;
    return *value_;
  }

  std::optional<T> value_;
  Error error_;
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_OUTCOME_H_
