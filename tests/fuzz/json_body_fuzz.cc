// The body of POST /set. What the gateway understands must be what any reader of JSON sees in it,
// and must not depend on where its fields stand.
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "nlohmann/json.hpp"

#include "node/rest_request.h"
#include "tests/fuzz/rest_properties.h"

namespace quorate::fuzz {
namespace {

using Json = nlohmann::json;

// The bytes of a field that comes as text or, under another name, as base64.
std::string BytesOf(const Json& body, const std::string& name) {
  if (body.contains(name)) return body[name].get<std::string>();
  const std::string text = body.at(name + "_b64").get<std::string>();
  std::string bytes;
  CHECK(absl::Base64Unescape(text, &bytes) || absl::WebSafeBase64Unescape(text, &bytes)) << text;
  return bytes;
}

void CheckBody(absl::string_view text) {
  const HttpRequest http{"POST", "/set", text, {}};
  const RestRequest request = DecodeRestRequest(http);
  const Json body = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (const HttpAnswer* refusal = std::get_if<HttpAnswer>(&request))
    return CheckRefusal(http, *refusal);
  CHECK(body.is_object()) << "what is no JSON object was understood";
  const KeyRequest& asked = std::get<KeyRequest>(request);
  CheckKeyRequest(http, asked);
  const Operation& operation = asked.operation;
  CHECK(operation.kind == OperationKind::kSet);
  CHECK_EQ(operation.key, BytesOf(body, "key"));
  CHECK_EQ(operation.value, BytesOf(body, "value"));
  CHECK_EQ(operation.w.has_value(), body.contains("w"));
  if (operation.w.has_value()) CHECK_EQ(*operation.w, body["w"].get<int64_t>());

  // The same fields in the order of the alphabet, without what is not known.
  Json again = {{"key_b64", absl::Base64Escape(operation.key)},
                {"value_b64", absl::WebSafeBase64Escape(operation.value)}};
  if (body.contains("context")) again["context"] = absl::Base64Escape(operation.context);
  if (body.contains("w")) again["w"] = body["w"];
  const std::string plain_text = again.dump();
  const RestRequest plain = DecodeRestRequest({"POST", "/set", plain_text, {}});
  const KeyRequest* same = std::get_if<KeyRequest>(&plain);
  CHECK(same != nullptr) << plain_text << ": " << std::get<HttpAnswer>(plain).body;
  CHECK(same->operation.key == operation.key && same->operation.value == operation.value &&
        same->operation.context == operation.context && same->operation.w == operation.w)
      << plain_text;
}

}  // namespace
}  // namespace quorate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  quorate::fuzz::CheckBody(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
