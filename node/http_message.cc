#include "node/http_message.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "boost/beast/http/error.hpp"

namespace quorate {
namespace {

namespace http = boost::beast::http;

absl::string_view View(boost::beast::string_view text) {
  return absl::string_view(text.data(), text.size());
}

}  // namespace

void SetLimits(const HttpOptions& options, HttpParser* parser) {
  parser->header_limit(static_cast<uint32_t>(options.max_header_bytes));
  parser->body_limit(options.max_body_bytes);
}

boost::system::error_code CheckHeader(size_t bytes, const HttpOptions& options) {
  if (bytes <= options.max_header_bytes) return {};
  return http::make_error_code(http::error::header_limit);
}

HttpRequest ViewOf(const HttpParser::value_type& message) {
  HttpRequest request{View(message.method_string()), View(message.target()), message.body(), {}};
  for (const auto& field : message.base()) {
    request.headers.emplace_back(View(field.name_string()), View(field.value()));
  }
  return request;
}

HttpRequest ViewOfPart(const HttpParser& parser, absl::string_view rest) {
  HttpRequest request = ViewOf(parser.get());
  if (parser.is_header_done()) return request;
  for (const absl::string_view line : absl::StrSplit(rest, '\n')) {
    if (absl::StripAsciiWhitespace(line).empty()) break;  // what follows is the body
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    request.headers.emplace_back(absl::StripAsciiWhitespace(field.first),
                                 absl::StripAsciiWhitespace(field.second));
  }
  return request;
}

std::optional<HttpAnswer> RefusalOf(const boost::system::error_code& error,
                                    const HttpOptions& options, const HttpRequest& request) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return EncodeRefusal(
        request, 431,
        absl::InvalidArgumentError(absl::StrCat("the request's header is longer than ",
                                                options.max_header_bytes, " bytes")));
  }
  if (error == http::error::body_limit) {
    return EncodeRefusal(
        request, 413,
        absl::InvalidArgumentError(
            absl::StrCat("the request's body is longer than ", options.max_body_bytes, " bytes")));
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error.category() != http::make_error_code(http::error::bad_method).category()) {
    return std::nullopt;
  }
  return EncodeRefusal(request, absl::InvalidArgumentError(
                                    absl::StrCat("not a valid HTTP request: ", error.message())));
}

}  // namespace quorate
