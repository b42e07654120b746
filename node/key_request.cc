#include "node/key_request.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "node/status_mapping.h"
#include "node/url_fields.h"

namespace quorate {
namespace {

constexpr absl::string_view kUnimplementedHeaders[] = {"If-Match", "If-None-Match",
                                                       "If-Unmodified-Since"};
constexpr absl::string_view kRepeatHeader = "Quorate-Repeat";

// nullopt where the header is missing.
absl::StatusOr<std::optional<absl::string_view>> OneHeader(absl::string_view name,
                                                           const HttpRequest& request) {
  std::optional<absl::string_view> text;
  for (const auto& [header, value] : request.headers) {
    if (!absl::EqualsIgnoreCase(header, name)) continue;
    if (text.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("the header ", name, " comes twice"));
    }
    text = value;
  }
  return text;
}

}  // namespace

absl::Status CheckWriteHeaders(const HttpRequest& request) {
  for (const auto& [name, value] : request.headers) {
    for (const absl::string_view refused : kUnimplementedHeaders) {
      if (!absl::EqualsIgnoreCase(name, refused)) continue;
      return absl::UnimplementedError(absl::StrCat(
          "the header ", refused, " is not there in this version; nothing was written"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> TokenHeader(absl::string_view name, const HttpRequest& request) {
  const absl::StatusOr<std::optional<absl::string_view>> text = OneHeader(name, request);
  if (!text.ok()) return text.status();
  return DecodedField(name, text->value_or(""));
}

bool IsRepeat(const HttpRequest& request) {
  if (request.method == "GET" || request.method == "HEAD") return false;
  for (const auto& [name, value] : request.headers) {
    if (!absl::EqualsIgnoreCase(name, kRepeatHeader)) continue;
    bool repeat = false;
    if (!absl::SimpleAtob(value, &repeat) || repeat) return true;
  }
  return false;
}

HttpAnswer EncodeRefusal(const HttpRequest& request, const absl::Status& error) {
  return EncodeRefusal(request, ToWireStatus(error.code()).http, error);
}

HttpAnswer EncodeRefusal(const HttpRequest& request, int http_status, const absl::Status& error) {
  return EncodeError(http_status, error, IsRepeat(request));
}

absl::Status SetRequestId(const HttpRequest& request, Operation* operation) {
  const absl::StatusOr<std::optional<absl::string_view>> id = OneHeader("Idempotency-Key", request);
  if (!id.ok()) return id.status();
  const absl::StatusOr<std::optional<absl::string_view>> repeat = OneHeader(kRepeatHeader, request);
  if (!repeat.ok()) return repeat.status();
  if (id->has_value() && (*id)->empty()) {
    return absl::InvalidArgumentError("the header Idempotency-Key is empty");
  }
  operation->request = std::string(id->value_or(""));
  if (repeat->has_value() && !absl::SimpleAtob(**repeat, &operation->repeat)) {
    return absl::InvalidArgumentError("the header Quorate-Repeat must be true or false");
  }
  return absl::OkStatus();
}

}  // namespace quorate
