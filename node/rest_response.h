// Encodes the answers of the REST API: JSON bodies and HTTP statuses.
//
// Pure: thread-safe, never blocks.
#ifndef QUORATE_NODE_REST_RESPONSE_H_
#define QUORATE_NODE_REST_RESPONSE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "node/kv_api.h"
#include "proto/kv.pb.h"
#include "replication/operation.h"

namespace quorate {

// The type of every body but a raw value's.
constexpr char kJsonType[] = "application/json; charset=utf-8";
constexpr char kBytesType[] = "application/octet-stream";

// In answers, what a session has seen of the key; a client hands the last one back. Missing, like
// Quorate-Context, where it would be longer than a header can be.
constexpr char kSessionHeader[] = "Quorate-Session";

struct HttpAnswer {
  int status = 200;
  std::string body;  // a JSON object, unless `content_type` says otherwise
  std::string content_type = kJsonType;
  std::vector<std::pair<std::string, std::string>> headers;  // beside those of every answer
};

// How an answer tells what was read or written.
enum class AnswerForm {
  kDocument,  // all in one JSON object
  kRaw,  // a value that was found as it is; what was done in headers: Quorate-Version and so on
};

// The answer to `operation` for its result: what was read or written, or the error. A read of an
// absent key is 404 with the version and context of what was deleted. `siblings`: show every
// concurrent value, which takes a JSON object in either form. `api` names nodes.
HttpAnswer EncodeResult(const Operation& operation, AnswerForm form, bool siblings,
                        const OperationResult& result, const KvApi& api);

// 200 where the node is serving, otherwise 503 with the reason.
HttpAnswer EncodeHealth(const v1::StatusResponse& status);

// A refusal of what has not reached the node, and of which no other try is known, with the HTTP
// status that belongs to `error`.
HttpAnswer EncodeError(const absl::Status& error);
// With `http_status` instead. `repeat`: it was not the first try of a write, so the answer does not
// deny that an earlier one may have been applied.
HttpAnswer EncodeError(int http_status, const absl::Status& error, bool repeat);

}  // namespace quorate

#endif  // QUORATE_NODE_REST_RESPONSE_H_
