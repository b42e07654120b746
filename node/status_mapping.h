// The one table that turns a status into what the two APIs show, and the details that go with every
// error (doc/semantics.md 12, 82, 83).
//
// Pure functions: thread-safe, never block.
#ifndef QUORATE_NODE_STATUS_MAPPING_H_
#define QUORATE_NODE_STATUS_MAPPING_H_

#include <string>

#include "absl/status/status.h"

#include "node/kv_api.h"
#include "proto/kv.pb.h"
#include "replication/operation.h"

namespace quorate {

// How a status code looks from outside. `number` is the one of gRPC.
struct WireStatus {
  int number;
  const char* name;  // "INVALID_ARGUMENT"
  int http;
};

// Total: a code that is not in the table counts as UNKNOWN.
const WireStatus& ToWireStatus(absl::StatusCode code);

// The HTTP status of an operation's outcome. A failed write that may have happened is 504 whatever
// its code: only that tells a plain HTTP client not to take the failure for "nothing was written".
int HttpStatusOf(const OperationResult& result);

// What a caller must know of a failed operation. `api` names the leader.
v1::ErrorDetails DetailsOf(const OperationResult& result, const KvApi& api);

}  // namespace quorate

#endif  // QUORATE_NODE_STATUS_MAPPING_H_
