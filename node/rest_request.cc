#include "node/rest_request.h"

#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "node/json_fields.h"
#include "node/text_encoding.h"

namespace quorate {
namespace {

using QueryParameters = std::map<std::string, std::string>;

enum class Call { kGet, kLocalRead, kSet, kDelete, kHealth };

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
};

struct Target {
  absl::string_view path;
  absl::string_view query;
};

// Clients of a proxy write the whole URL into the request line; what stands before the path is of
// no interest here.
Target SplitTarget(absl::string_view target) {
  const size_t scheme = target.find("://");
  if (!absl::StartsWith(target, "/") && scheme != absl::string_view::npos) {
    const size_t path = target.find('/', scheme + 3);
    target = path == absl::string_view::npos ? "/" : target.substr(path);
  }
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(target, absl::MaxSplits('?', 1));
  return Target{parts.first, parts.second};
}

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

absl::StatusOr<QueryParameters> ParseQuery(absl::string_view query) {
  QueryParameters parameters;
  for (const absl::string_view part : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    std::optional<std::string> name = PercentDecode(pair.first);
    std::optional<std::string> value = PercentDecode(pair.second);
    if (!name.has_value() || !value.has_value()) {
      return absl::InvalidArgumentError("the query has a '%' without two hexadecimal digits");
    }
    if (!parameters.emplace(*std::move(name), *std::move(value)).second) {
      return absl::InvalidArgumentError("the query has a parameter twice");
    }
  }
  return parameters;
}

absl::StatusOr<std::string> DecodedField(absl::string_view name, absl::string_view text) {
  std::optional<std::string> bytes = DecodeBase64(text);
  if (!bytes.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("'", name, "' is not valid base64"));
  }
  return *std::move(bytes);
}

absl::Status EmptyKey() { return absl::InvalidArgumentError("the key is empty"); }

// `path_key` is what stands after the route's prefix, still encoded.
absl::StatusOr<std::string> KeyFromUrl(absl::string_view path_key, const QueryParameters& query) {
  const auto encoded = query.find("key_b64");
  if (encoded != query.end()) {
    if (!path_key.empty()) {
      return absl::InvalidArgumentError("give the key in the path or as 'key_b64', not both");
    }
    absl::StatusOr<std::string> key = DecodedField("key_b64", encoded->second);
    if (key.ok() && key->empty()) return EmptyKey();
    return key;
  }
  std::optional<std::string> key = PercentDecode(path_key);
  if (!key.has_value()) {
    return absl::InvalidArgumentError(
        "the key in the path has a '%' without two hexadecimal digits");
  }
  if (key->empty()) return EmptyKey();
  if (!IsValidUtf8(*key)) {
    return absl::InvalidArgumentError(
        "the key in the path is not valid UTF-8; give other bytes as 'key_b64'");
  }
  return *std::move(key);
}

absl::StatusOr<bool> SiblingsFromUrl(const QueryParameters& query) {
  const auto found = query.find("siblings");
  bool siblings = false;
  if (found != query.end() && !absl::SimpleAtob(found->second, &siblings)) {
    return absl::InvalidArgumentError("'siblings' must be true or false");
  }
  return siblings;
}

absl::StatusOr<KeyRequest> DecodeRead(Call call, absl::string_view path_key,
                                      absl::string_view query_text) {
  const absl::StatusOr<QueryParameters> query = ParseQuery(query_text);
  if (!query.ok()) return query.status();
  absl::StatusOr<std::string> key = KeyFromUrl(path_key, *query);
  if (!key.ok()) return key.status();
  const absl::StatusOr<bool> siblings = SiblingsFromUrl(*query);
  if (!siblings.ok()) return siblings.status();

  KeyRequest request;
  request.operation.kind = call == Call::kGet ? OperationKind::kGet : OperationKind::kLocalRead;
  request.operation.key = *std::move(key);
  request.siblings = *siblings;
  const auto r = query->find("r");
  if (call == Call::kGet && r != query->end()) {
    int answers = 0;
    if (!absl::SimpleAtoi(r->second, &answers)) {
      return absl::InvalidArgumentError("'r' must be a whole number from 1 to N");
    }
    request.operation.r = answers;
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

absl::StatusOr<KeyRequest> DecodeWrite(Call call, absl::string_view body) {
  static constexpr absl::string_view kFields[] = {"key",       "key_b64", "value",
                                                  "value_b64", "w",       "context"};
  absl::StatusOr<JsonFields> fields = ReadJsonObject(body, kFields);
  if (!fields.ok()) return fields.status();
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

HttpAnswer UnknownPath() {
  return EncodeError(absl::NotFoundError(
      "no such path; there are POST /set, POST /delete, GET /get/{key}, GET /local_read/{key} and "
      "GET /health"));
}

HttpAnswer WrongMethod(const Route& route) {
  HttpAnswer answer = EncodeError(
      405, absl::UnimplementedError(absl::StrCat(route.path, " takes ", route.methods, " only")));
  answer.allow = std::string(route.methods);
  return answer;
}

}  // namespace

RestRequest DecodeRestRequest(absl::string_view method, absl::string_view target,
                              absl::string_view body) {
  const Target parts = SplitTarget(target);
  const Route* route = FindRoute(parts.path);
  if (route == nullptr) return UnknownPath();
  if (!Allows(*route, method)) return WrongMethod(*route);
  if (route->call == Call::kHealth) return HealthRequest{};

  absl::string_view path_key = parts.path.substr(route->path.size());
  absl::ConsumePrefix(&path_key, "/");
  absl::StatusOr<KeyRequest> request = route->methods == kReadMethods
                                           ? DecodeRead(route->call, path_key, parts.query)
                                           : DecodeWrite(route->call, body);
  if (!request.ok()) return EncodeError(request.status());
  return *std::move(request);
}

}  // namespace quorate
