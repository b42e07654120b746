#include "node/url_fields.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "node/text_encoding.h"

namespace quorate {
namespace {

constexpr int kLongestTimeoutMs = 60000;

}  // namespace

UrlParts SplitTarget(absl::string_view target) {
  const size_t scheme = target.find("://");
  if (!absl::StartsWith(target, "/") && scheme != absl::string_view::npos) {
    const size_t path = target.find('/', scheme + 3);
    target = path == absl::string_view::npos ? "/" : target.substr(path);
  }
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(target, absl::MaxSplits('?', 1));
  return UrlParts{parts.first, parts.second};
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

absl::Status ExpectOnly(absl::Span<const absl::string_view> known, const QueryParameters& query) {
  for (const auto& [name, value] : query) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the query has an unknown parameter '", name,
                       "'; known here: ", absl::StrJoin(known, ", ")));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<int>> QuorumParameter(absl::string_view name,
                                                   const QueryParameters& query) {
  const auto found = query.find(std::string(name));
  if (found == query.end()) return std::nullopt;
  int replicas = 0;
  if (!absl::SimpleAtoi(found->second, &replicas)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' must be a whole number from 1 to N"));
  }
  return replicas;
}

absl::Status SetConsistency(const QueryParameters& query, Operation* operation) {
  const absl::StatusOr<std::optional<int>> r = QuorumParameter("r", query);
  if (!r.ok()) return r.status();
  operation->kind = OperationKind::kGet;
  operation->r = *r;
  const auto found = query.find("consistency");
  if (found == query.end() || found->second == "quorum") return absl::OkStatus();
  const std::string& wanted = found->second;
  operation->linearizable = wanted == "linearizable";
  if (wanted == "local") operation->kind = OperationKind::kLocalRead;
  if (wanted == "linearizable" || wanted == "local") {
    if (!r->has_value()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("'r' goes with 'consistency' quorum only, not with ", wanted));
  }
  // The protocol's rules name them too.
  for (const absl::string_view later : {"bounded", "at_least", "causal"}) {
    if (wanted != later) continue;
    return absl::UnimplementedError(absl::StrCat("'consistency' ", later,
                                                 " is not there in this version; quorum, "
                                                 "linearizable and local are"));
  }
  return absl::InvalidArgumentError("'consistency' must be quorum, linearizable or local");
}

absl::StatusOr<bool> FlagParameter(absl::string_view name, const QueryParameters& query) {
  const auto found = query.find(std::string(name));
  bool value = false;
  if (found != query.end() && !absl::SimpleAtob(found->second, &value)) {
    return absl::InvalidArgumentError(absl::StrCat("'", name, "' must be true or false"));
  }
  return value;
}

absl::StatusOr<std::optional<absl::Duration>> TimeoutParameter(absl::string_view name,
                                                               const QueryParameters& query) {
  const auto found = query.find(std::string(name));
  if (found == query.end()) return std::nullopt;
  int milliseconds = 0;
  if (!absl::SimpleAtoi(found->second, &milliseconds) || milliseconds < 1 ||
      milliseconds > kLongestTimeoutMs) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' must be a whole number from 1 to ", kLongestTimeoutMs));
  }
  return absl::Milliseconds(milliseconds);
}

absl::StatusOr<std::string> KeyFromUrl(absl::string_view path_key, PathKeys keys,
                                       const QueryParameters& query) {
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
  if (keys == PathKeys::kText && !IsValidUtf8(*key)) {
    return absl::InvalidArgumentError(
        "the key in the path is not valid UTF-8; give other bytes as 'key_b64'");
  }
  return *std::move(key);
}

absl::StatusOr<std::string> DecodedField(absl::string_view name, absl::string_view text) {
  std::optional<std::string> bytes = DecodeBase64(text);
  if (!bytes.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("'", name, "' is not valid base64"));
  }
  return *std::move(bytes);
}

absl::Status EmptyKey() { return absl::InvalidArgumentError("the key is empty"); }

}  // namespace quorate
