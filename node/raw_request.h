// Decodes the calls that carry a value as it is:
//
//   GET /v1/kv/{key}?r=2&siblings=true&consistency=quorum&timeout_ms=500     HEAD likewise
//   PUT /v1/kv/{key}?w=3&timeout_ms=500        the body is the value, whatever its type
//   DELETE /v1/kv/{key}?w=3&timeout_ms=500
//
// A key may be any bytes, percent-encoded, or stand in ?key_b64= instead of the path. PUT and
// DELETE take a context in the header Quorate-Context. Parameters that are not known are errors,
// and so are headers that would make a write conditional: a mistaken write is worse than a refused
// one.
//
// Pure: thread-safe, never blocks.
#ifndef QUORATE_NODE_RAW_REQUEST_H_
#define QUORATE_NODE_RAW_REQUEST_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "node/key_request.h"

namespace quorate {

constexpr absl::string_view kRawMethods = "GET, HEAD, PUT, DELETE";

// `request` has one of kRawMethods, `path_key` is what stands after "/v1/kv/", and `query` what
// stands after '?'. INVALID_ARGUMENT where the request is wrong, UNIMPLEMENTED where it asks for
// what this version does not have.
absl::StatusOr<KeyRequest> DecodeRawRequest(const HttpRequest& request, absl::string_view path_key,
                                            absl::string_view query);

}  // namespace quorate

#endif  // QUORATE_NODE_RAW_REQUEST_H_
