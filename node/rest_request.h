// Decodes the requests of the REST API into operations. Beside the documented fields there are:
//
//   POST /set {"key" | "key_b64", "value" | "value_b64", "w"?, "context"?}
//   POST /delete {"key" | "key_b64", "w"?, "context"?}
//   GET /get/{key}?r=2&siblings=true         or  GET /get?key_b64=...
//   GET /local_read/{key}?siblings=true      or  GET /local_read?key_b64=...
//   GET /health
//
// A key in a path is percent-decoded once and may hold '/'; '+' is a plus. HEAD goes where GET
// goes. Fields and parameters that are not known are ignored. Sizes, W and R are the replica's to
// judge.
//
// Pure: thread-safe, never blocks.
#ifndef QUORATE_NODE_REST_REQUEST_H_
#define QUORATE_NODE_REST_REQUEST_H_

#include <string>
#include <variant>

#include "absl/strings/string_view.h"

#include "node/rest_response.h"
#include "replication/operation.h"

namespace quorate {

struct HealthRequest {};

struct KeyRequest {
  Operation operation;  // without a timeout of its own
  bool siblings = false;
};

// A request that cannot be carried out is its own answer: 400, 404 or 405.
using RestRequest = std::variant<HttpAnswer, HealthRequest, KeyRequest>;

// `target` is the request line's, path and query; `body` is read by POST only.
RestRequest DecodeRestRequest(absl::string_view method, absl::string_view target,
                              absl::string_view body);

}  // namespace quorate

#endif  // QUORATE_NODE_REST_REQUEST_H_
