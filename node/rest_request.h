// Decodes the requests of the REST API into operations. Beside the documented fields there are:
//
//   POST /set {"key" | "key_b64", "value" | "value_b64", "w"?, "context"?}
//   POST /delete {"key" | "key_b64", "w"?, "context"?}
//   GET /get/{key}?r=2&siblings=true&consistency=quorum         or  GET /get?key_b64=...
//   GET /local_read/{key}?siblings=true      or  GET /local_read?key_b64=...
//   GET /health
//   GET, PUT, DELETE /v1/kv/{key}            see raw_request.h
//
// Each but a local read takes the header Quorate-Session: what such a header of an earlier answer
// said.
//
// A write takes the headers Idempotency-Key, its name, and Quorate-Repeat: true where it is not the
// first try.
//
// A key in a path is percent-decoded once and may hold '/'; '+' is a plus. HEAD goes where GET
// goes. Fields and parameters that are not known are ignored, except under /v1. Sizes, W and R are
// the replica's to judge.
//
// Pure: thread-safe, never blocks.
#ifndef QUORATE_NODE_REST_REQUEST_H_
#define QUORATE_NODE_REST_REQUEST_H_

#include <variant>

#include "node/key_request.h"
#include "node/rest_response.h"

namespace quorate {

struct HealthRequest {};

// A request that cannot be carried out is its own answer: 400, 404, 405 or 501.
using RestRequest = std::variant<HttpAnswer, HealthRequest, KeyRequest>;

// The body is read by POST and PUT only.
RestRequest DecodeRestRequest(const HttpRequest& http);

}  // namespace quorate

#endif  // QUORATE_NODE_REST_REQUEST_H_
