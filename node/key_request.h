// What the decoders of the REST API work on, and what they make of it.
//
// Values: thread-compatible.
#ifndef QUORATE_NODE_KEY_REQUEST_H_
#define QUORATE_NODE_KEY_REQUEST_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "node/rest_response.h"
#include "replication/operation.h"

namespace quorate {

// A whole HTTP request, decoded no further than HTTP. Views: valid as long as what they look at.
struct HttpRequest {
  absl::string_view method;
  absl::string_view target;  // the request line's: path and query, or a whole URL
  absl::string_view body;
  std::vector<std::pair<absl::string_view, absl::string_view>> headers;  // names in any case
};

// An operation on one key.
struct KeyRequest {
  Operation operation;                    // its own timeout does not count
  std::optional<absl::Duration> timeout;  // nullopt: the gateway's
  AnswerForm form = AnswerForm::kDocument;
  bool siblings = false;
};

// UNIMPLEMENTED where a header of a write would change what it means, in a way that this version
// does not have: to ignore it would write what was not asked for.
absl::Status CheckWriteHeaders(const HttpRequest& request);

// The bytes of the header `name`, which has them as base64; empty where it is missing.
// INVALID_ARGUMENT where it is no base64, or comes twice.
absl::StatusOr<std::string> TokenHeader(absl::string_view name, const HttpRequest& request);

// Whether it may be another try of a write than the first: what refuses such a request says nothing
// of the tries before it. True also where the header Quorate-Repeat is there and cannot be read.
bool IsRepeat(const HttpRequest& request);

// The refusal of `request`, with the HTTP status that belongs to `error`, or with `http_status`
// where HTTP has a more exact one.
HttpAnswer EncodeRefusal(const HttpRequest& request, const absl::Status& error);
HttpAnswer EncodeRefusal(const HttpRequest& request, int http_status, const absl::Status& error);

// Sets what the headers Idempotency-Key and Quorate-Repeat make of a write. INVALID_ARGUMENT where
// one of them is wrong.
absl::Status SetRequestId(const HttpRequest& request, Operation* operation);

}  // namespace quorate

#endif  // QUORATE_NODE_KEY_REQUEST_H_
