#include "node/raw_request.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "node/url_fields.h"

namespace quorate {
namespace {

constexpr absl::string_view kReadParameters[] = {"key_b64", "r", "siblings", "consistency",
                                                 "timeout_ms"};
constexpr absl::string_view kWriteParameters[] = {"key_b64", "w", "timeout_ms"};

template <typename Range>
bool Contains(const Range& range, absl::string_view text) {
  return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

absl::Status DecodeRead(const QueryParameters& query, KeyRequest* request) {
  const absl::Status consistency = SetConsistency(query, &request->operation);
  if (!consistency.ok()) return consistency;
  const absl::StatusOr<bool> siblings = FlagParameter("siblings", query);
  if (!siblings.ok()) return siblings.status();
  request->siblings = *siblings;
  return absl::OkStatus();
}

absl::Status DecodeWriteHeaders(const HttpRequest& http, KeyRequest* request) {
  const absl::Status known = CheckWriteHeaders(http);
  if (!known.ok()) return known;
  for (const auto& [name, value] : http.headers) {
    if (absl::EqualsIgnoreCase(name, "Content-Range")) {
      return absl::InvalidArgumentError("a value is written as a whole, without Content-Range");
    }
  }
  absl::StatusOr<std::string> context = TokenHeader("Quorate-Context", http);
  if (!context.ok()) return context.status();
  request->operation.context = *std::move(context);
  return absl::OkStatus();
}

absl::Status DecodeWrite(const HttpRequest& http, const QueryParameters& query,
                         KeyRequest* request) {
  const bool put = http.method == "PUT";
  request->operation.kind = put ? OperationKind::kSet : OperationKind::kDelete;
  const absl::StatusOr<std::optional<int>> w = QuorumParameter("w", query);
  if (!w.ok()) return w.status();
  request->operation.w = *w;
  const absl::Status headers = DecodeWriteHeaders(http, request);
  if (!headers.ok()) return headers;
  if (put) {
    request->operation.value = std::string(http.body);
  } else if (!http.body.empty()) {
    return absl::InvalidArgumentError("a DELETE has no body");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<KeyRequest> DecodeRawRequest(const HttpRequest& http, absl::string_view path_key,
                                            absl::string_view query_text) {
  const absl::StatusOr<QueryParameters> query = ParseQuery(query_text);
  if (!query.ok()) return query.status();
  const bool reads = http.method == "GET" || http.method == "HEAD";
  const absl::Status known =
      reads ? ExpectOnly(kReadParameters, *query) : ExpectOnly(kWriteParameters, *query);
  if (!known.ok()) return known;

  KeyRequest request;
  request.form = AnswerForm::kRaw;
  absl::StatusOr<std::string> key = KeyFromUrl(path_key, PathKeys::kAnyBytes, *query);
  if (!key.ok()) return key.status();
  request.operation.key = *std::move(key);
  const absl::StatusOr<std::optional<absl::Duration>> timeout =
      TimeoutParameter("timeout_ms", *query);
  if (!timeout.ok()) return timeout.status();
  request.timeout = *timeout;
  const absl::Status rest =
      reads ? DecodeRead(*query, &request) : DecodeWrite(http, *query, &request);
  if (!rest.ok()) return rest;
  return request;
}

}  // namespace quorate
