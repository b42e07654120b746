#include "node/key_request.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "node/url_fields.h"

namespace quorate {
namespace {

constexpr absl::string_view kUnimplementedHeaders[] = {"If-Match", "If-None-Match",
                                                       "If-Unmodified-Since", "Idempotency-Key"};

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
  std::optional<absl::string_view> text;
  for (const auto& [header, value] : request.headers) {
    if (!absl::EqualsIgnoreCase(header, name)) continue;
    if (text.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("the header ", name, " comes twice"));
    }
    text = value;
  }
  return DecodedField(name, text.value_or(""));
}

}  // namespace quorate
