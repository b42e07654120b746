#include "tests/fuzz/rest_properties.h"

#include <string>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "nlohmann/json.hpp"

#include "node/fake_kv_api.h"
#include "node/rest_request.h"
#include "replication/operation.h"
#include "replication/storage/record.h"

namespace quorate::fuzz {
namespace {

using Json = nlohmann::json;

// The body as a JSON object; nothing that the gateway writes is anything else.
Json ParsedBody(const HttpAnswer& answer) {
  Json json = Json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  CHECK(json.is_object()) << answer.body;
  return json;
}

std::string PercentEncoded(absl::string_view bytes) {
  std::string text;
  for (const char c : bytes) absl::StrAppendFormat(&text, "%%%02X", static_cast<unsigned char>(c));
  return text;
}

bool Same(const Operation& a, const Operation& b) {
  return a.kind == b.kind && a.key == b.key && a.value == b.value && a.context == b.context &&
         a.w == b.w && a.r == b.r && a.linearizable == b.linearizable && a.session == b.session &&
         a.request == b.request && a.repeat == b.repeat;
}

// Asks for `request` with a path of percent-encoded bytes, through /v1/kv.
KeyRequest AskedPlainly(const KeyRequest& request) {
  const Operation& operation = request.operation;
  std::string target = absl::StrCat("/v1/kv/", PercentEncoded(operation.key), "?");
  if (operation.w.has_value()) absl::StrAppend(&target, "w=", *operation.w, "&");
  if (operation.r.has_value()) absl::StrAppend(&target, "r=", *operation.r, "&");
  if (request.siblings) absl::StrAppend(&target, "siblings=true&");
  if (request.timeout.has_value()) {
    absl::StrAppend(&target, "timeout_ms=", absl::ToInt64Milliseconds(*request.timeout), "&");
  }
  if (operation.kind == OperationKind::kLocalRead) absl::StrAppend(&target, "consistency=local");
  if (operation.linearizable) absl::StrAppend(&target, "consistency=linearizable");
  const std::string context = absl::WebSafeBase64Escape(operation.context);
  const std::string session = absl::WebSafeBase64Escape(operation.session);
  HttpRequest http{"GET", target, operation.value, {}};
  if (operation.kind == OperationKind::kSet) http.method = "PUT";
  if (operation.kind == OperationKind::kDelete) http.method = "DELETE";
  if (!context.empty()) http.headers.emplace_back("quorate-context", context);
  if (!session.empty()) http.headers.emplace_back("quorate-session", session);
  if (!operation.request.empty()) http.headers.emplace_back("idempotency-key", operation.request);
  if (operation.repeat) http.headers.emplace_back("quorate-repeat", "true");
  RestRequest decoded = DecodeRestRequest(http);
  CHECK(std::holds_alternative<KeyRequest>(decoded))
      << http.method << " " << target << ": " << std::get<HttpAnswer>(decoded).body;
  return std::get<KeyRequest>(std::move(decoded));
}

// The answer that the gateway would give if the key held what is written, or `key` otherwise.
void CheckAnswer(const KeyRequest& request) {
  const Operation& operation = request.operation;
  static const FakeKvApi& api = *new FakeKvApi();
  OperationResult result;
  result.node = 1;
  const std::string held = operation.is_write() ? operation.value : operation.key;
  result.record = Record::Sequenced(1, 7, operation.kind == OperationKind::kDelete, held);
  const HttpAnswer answer = EncodeResult(operation, request.form, request.siblings, result, api);
  for (const auto& [name, value] : answer.headers) {
    for (const char c : absl::StrCat(name, value)) {
      CHECK(absl::ascii_isprint(static_cast<unsigned char>(c))) << name << ": " << value;
    }
  }
  if (request.form == AnswerForm::kRaw && !operation.is_write()) {
    CHECK_EQ(answer.body, held);
    return;
  }
  const Json json = ParsedBody(answer);
  CHECK_EQ(json.at("version"), 7) << answer.body;
  std::string context;
  CHECK(absl::Base64Unescape(json.at("context").get<std::string>(), &context));
  CHECK(ParseContextToken(operation.key, context).ok()) << answer.body;
  if (operation.is_write()) return;
  std::string key;
  if (json.contains("key")) {
    key = json["key"].get<std::string>();
  } else {
    CHECK(absl::Base64Unescape(json.at("key_b64").get<std::string>(), &key));
  }
  CHECK_EQ(key, operation.key);
}

}  // namespace

void CheckRefusal(const HttpRequest& http, const HttpAnswer& refusal) {
  switch (refusal.status) {
    case 400:
    case 404:
    case 405:
    case 413:
    case 431:
    case 501:
      break;
    default:
      LOG(FATAL) << "refused with status " << refusal.status;
  }
  const Json json = ParsedBody(refusal);
  CHECK(!json.at("message").get<std::string>().empty()) << refusal.body;
  CHECK(!json.at("code").get<std::string>().empty()) << refusal.body;
  CHECK_EQ(json.at("details").at(0).at("may_have_applied"), IsRepeat(http)) << refusal.body;
}

void CheckKeyRequest(const HttpRequest& http, const KeyRequest& request) {
  const Operation& operation = request.operation;
  const bool asks_to_read = http.method == "GET" || http.method == "HEAD";
  CHECK_NE(operation.is_write(), asks_to_read) << http.method;
  CHECK(!operation.key.empty());
  if (operation.kind != OperationKind::kSet) CHECK_EQ(operation.value, "");
  if (operation.is_write()) {
    CHECK(!operation.r.has_value() && !request.siblings);
  } else {
    CHECK(!operation.w.has_value() && operation.context.empty());
  }
  if (operation.kind == OperationKind::kLocalRead) CHECK(!operation.r.has_value());
  if (operation.linearizable) {
    CHECK(operation.kind == OperationKind::kGet && !operation.r.has_value());
  }
  if (request.timeout.has_value()) {
    CHECK(*request.timeout > absl::ZeroDuration() && *request.timeout <= absl::Seconds(60));
  }
  const KeyRequest plain = AskedPlainly(request);
  CHECK(Same(plain.operation, operation)) << http.method << " " << http.target;
  CHECK(plain.timeout == request.timeout && plain.siblings == request.siblings);
  CheckAnswer(request);
}

}  // namespace quorate::fuzz
