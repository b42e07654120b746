#include "node/rest_request.h"

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "node/json_fields.h"
#include "node/raw_request.h"
#include "node/url_fields.h"

namespace quorate {
namespace {

enum class Call { kGet, kLocalRead, kSet, kDelete, kHealth, kRaw };

struct Route {
  absl::string_view path;
  Call call;
  bool key_in_path;
  absl::string_view methods;
};

constexpr absl::string_view kReadMethods = "GET, HEAD";
constexpr absl::string_view kWriteMethods = "POST";

constexpr Route kRoutes[] = {
    {"/get", Call::kGet, true, kReadMethods},
    {"/local_read", Call::kLocalRead, true, kReadMethods},
    {"/set", Call::kSet, false, kWriteMethods},
    {"/delete", Call::kDelete, false, kWriteMethods},
    {"/health", Call::kHealth, false, kReadMethods},
    {"/v1/kv", Call::kRaw, true, kRawMethods},
};

const Route* FindRoute(absl::string_view path) {
  for (const Route& route : kRoutes) {
    if (path == route.path) return &route;
    if (route.key_in_path && absl::StartsWith(path, absl::StrCat(route.path, "/"))) return &route;
  }
  return nullptr;
}

bool Allows(const Route& route, absl::string_view method) {
  for (const absl::string_view allowed : absl::StrSplit(route.methods, ", ")) {
    if (method == allowed) return true;
  }
  return false;
}

absl::StatusOr<KeyRequest> DecodeRead(Call call, absl::string_view path_key,
                                      absl::string_view query_text) {
  const absl::StatusOr<QueryParameters> query = ParseQuery(query_text);
  if (!query.ok()) return query.status();
  absl::StatusOr<std::string> key = KeyFromUrl(path_key, PathKeys::kText, *query);
  if (!key.ok()) return key.status();
  const absl::StatusOr<bool> siblings = FlagParameter("siblings", *query);
  if (!siblings.ok()) return siblings.status();

  KeyRequest request;
  request.operation.kind = OperationKind::kLocalRead;
  request.operation.key = *std::move(key);
  request.siblings = *siblings;
  if (call == Call::kGet) {
    const absl::Status consistency = SetConsistency(*query, &request.operation);
    if (!consistency.ok()) return consistency;
  }
  return request;
}

// A string field; nullptr where it is missing.
absl::StatusOr<std::string*> StringField(absl::string_view name, JsonFields* fields) {
  const auto found = fields->find(name);
  if (found == fields->end()) return nullptr;
  std::string* text = std::get_if<std::string>(&found->second);
  if (text != nullptr) return text;
  const OtherJsonValue* other = std::get_if<OtherJsonValue>(&found->second);
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' must be a string, not ",
                                                 other == nullptr ? "a number" : other->type));
}

// Bytes that come as text in one field or as base64 in its fellow.
absl::StatusOr<std::string> BytesField(absl::string_view name, JsonFields* fields) {
  const std::string encoded_name = absl::StrCat(name, "_b64");
  const absl::StatusOr<std::string*> text = StringField(name, fields);
  if (!text.ok()) return text.status();
  const absl::StatusOr<std::string*> encoded = StringField(encoded_name, fields);
  if (!encoded.ok()) return encoded.status();
  if (*text != nullptr && *encoded != nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("give '", name, "' or '", encoded_name, "', not both"));
  }
  if (*text != nullptr) return std::move(**text);
  if (*encoded != nullptr) return DecodedField(encoded_name, **encoded);
  return absl::InvalidArgumentError(absl::StrCat("the field '", name, "' is missing"));
}

absl::StatusOr<std::optional<int>> QuorumField(absl::string_view name, const JsonFields& fields) {
  const auto found = fields.find(name);
  if (found == fields.end()) return std::nullopt;
  const int64_t* number = std::get_if<int64_t>(&found->second);
  if (number == nullptr || *number < std::numeric_limits<int>::min() ||
      *number > std::numeric_limits<int>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' must be a whole number from 1 to N"));
  }
  return static_cast<int>(*number);
}

absl::StatusOr<KeyRequest> DecodeWrite(Call call, const HttpRequest& http) {
  static constexpr absl::string_view kFields[] = {"key",       "key_b64", "value",
                                                  "value_b64", "w",       "context"};
  absl::StatusOr<JsonFields> fields = ReadJsonObject(http.body, kFields);
  if (!fields.ok()) return fields.status();
  const absl::Status headers = CheckWriteHeaders(http);
  if (!headers.ok()) return headers;
  absl::StatusOr<std::string> key = BytesField("key", &*fields);
  if (!key.ok()) return key.status();
  if (key->empty()) return EmptyKey();

  KeyRequest request;
  request.operation.key = *std::move(key);
  request.operation.kind = call == Call::kSet ? OperationKind::kSet : OperationKind::kDelete;
  if (call == Call::kSet) {
    absl::StatusOr<std::string> value = BytesField("value", &*fields);
    if (!value.ok()) return value.status();
    request.operation.value = *std::move(value);
  }
  const absl::StatusOr<std::optional<int>> w = QuorumField("w", *fields);
  if (!w.ok()) return w.status();
  request.operation.w = *w;
  const absl::StatusOr<std::string*> context = StringField("context", &*fields);
  if (!context.ok()) return context.status();
  if (*context != nullptr) {
    absl::StatusOr<std::string> token = DecodedField("context", **context);
    if (!token.ok()) return token.status();
    request.operation.context = *std::move(token);
  }
  return request;
}

HttpAnswer UnknownPath(const HttpRequest& http) {
  const std::string served =
      absl::StrJoin(kRoutes, "; ", [](std::string* text, const Route& route) {
        absl::StrAppend(text, route.methods, " ", route.path, route.key_in_path ? "/{key}" : "");
      });
  return EncodeRefusal(http, absl::NotFoundError(absl::StrCat("no such path; there are ", served)));
}

HttpAnswer WrongMethod(const HttpRequest& http, const Route& route) {
  HttpAnswer answer = EncodeRefusal(
      http, 405,
      absl::UnimplementedError(absl::StrCat(route.path, " takes ", route.methods, " only")));
  answer.headers.emplace_back("Allow", route.methods);
  return answer;
}

absl::StatusOr<KeyRequest> DecodeKeyRequest(Call call, const HttpRequest& http,
                                            absl::string_view path_key, absl::string_view query) {
  switch (call) {
    case Call::kRaw:
      return DecodeRawRequest(http, path_key, query);
    case Call::kGet:
    case Call::kLocalRead:
      return DecodeRead(call, path_key, query);
    default:
      return DecodeWrite(call, http);
  }
}

}  // namespace

RestRequest DecodeRestRequest(const HttpRequest& http) {
  const UrlParts parts = SplitTarget(http.target);
  const Route* route = FindRoute(parts.path);
  if (route == nullptr) return UnknownPath(http);
  if (!Allows(*route, http.method)) return WrongMethod(http, *route);
  if (route->call == Call::kHealth) return HealthRequest{};

  absl::string_view path_key = parts.path.substr(route->path.size());
  absl::ConsumePrefix(&path_key, "/");
  absl::StatusOr<KeyRequest> request = DecodeKeyRequest(route->call, http, path_key, parts.query);
  if (!request.ok()) return EncodeRefusal(http, request.status());
  absl::StatusOr<std::string> session = TokenHeader(kSessionHeader, http);
  if (!session.ok()) return EncodeRefusal(http, session.status());
  request->operation.session = *std::move(session);
  if (request->operation.is_write()) {
    const absl::Status named = SetRequestId(http, &request->operation);
    if (!named.ok()) return EncodeRefusal(http, named);
  }
  return *std::move(request);
}

}  // namespace quorate
