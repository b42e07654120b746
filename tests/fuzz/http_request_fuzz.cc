// Bytes that a client sends to the gateway: parsed as the gateway does, and decoded into
// operations.
//
// The first byte says in which pieces the others arrive. What they mean must not depend on that; no
// refusal is without a reason; and an operation that was understood is understood alike when it is
// asked for in the plainest way.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "boost/asio/buffer.hpp"
#include "boost/asio/error.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/http/read.hpp"
#include "glog/logging.h"
#include "nlohmann/json.hpp"

#include "node/http_message.h"
#include "node/rest_request.h"
#include "tests/fuzz/rest_properties.h"

namespace quorate::fuzz {
namespace {

using boost::system::error_code;

// Small, so that short inputs reach them.
HttpOptions Options() {
  HttpOptions options;
  options.max_header_bytes = 512;
  options.max_body_bytes = 1024;
  return options;
}

// A connection on which `bytes` arrive in pieces, and then no more.
class Connection {
 public:
  Connection(absl::string_view bytes, size_t piece) : rest_(bytes), piece_(piece) {}

  template <typename Buffers>
  size_t read_some(const Buffers& buffers) {
    error_code ignored;
    return read_some(buffers, ignored);
  }
  template <typename Buffers>
  size_t read_some(const Buffers& buffers, error_code& error) {
    error = {};
    const absl::string_view piece = rest_.substr(0, piece_);
    const size_t bytes =
        boost::asio::buffer_copy(buffers, boost::asio::buffer(piece.data(), piece.size()));
    rest_.remove_prefix(bytes);
    if (bytes == 0 && boost::asio::buffer_size(buffers) > 0) error = boost::asio::error::eof;
    return bytes;
  }

 private:
  absl::string_view rest_;
  const size_t piece_;
};

void CheckMessage(const HttpParser::value_type& message) {
  const HttpRequest http = ViewOf(message);
  const RestRequest request = DecodeRestRequest(http);
  if (const HttpAnswer* refusal = std::get_if<HttpAnswer>(&request)) {
    CheckRefusal(http, *refusal);
  } else if (const KeyRequest* asked = std::get_if<KeyRequest>(&request)) {
    CheckKeyRequest(http, *asked);
  } else {
    CHECK(http.method == "GET" || http.method == "HEAD") << http.method;
  }
}

// The requests that are understood of a connection, as text. When the parser sees that something is
// wrong, and in which order, is its own affair: so refusals are checked, but not among these.
std::string Understood(absl::string_view bytes, size_t piece) {
  const HttpOptions options = Options();
  Connection connection(bytes, piece);
  boost::beast::flat_buffer buffer(size_t{4096} + options.max_header_bytes);
  std::string understood;
  while (true) {
    HttpParser parser;
    SetLimits(options, &parser);
    error_code error;
    const size_t header_bytes = boost::beast::http::read_header(connection, buffer, parser, error);
    if (!error) error = CheckHeader(header_bytes, options);
    while (!error && !parser.is_done()) {
      boost::beast::http::read_some(connection, buffer, parser, error);
    }
    if (error) {
      const HttpRequest part = ViewOfPart(
          parser,
          absl::string_view(static_cast<const char*>(buffer.cdata().data()), buffer.size()));
      const std::optional<HttpAnswer> refusal = RefusalOf(error, options, part);
      if (refusal.has_value()) CheckRefusal(part, *refusal);
      return understood;
    }
    CheckMessage(parser.get());
    const HttpRequest http = ViewOf(parser.get());
    absl::StrAppend(&understood, http.method, " ", http.target, " ",
                    absl::StrJoin(http.headers, ",", absl::PairFormatter("=")), " ", http.body,
                    "\n");
    if (!parser.get().keep_alive()) return understood;
  }
}

}  // namespace
}  // namespace quorate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = quorate::fuzz::Understood(bytes, /*piece=*/4096);
  const std::string pieces = quorate::fuzz::Understood(bytes, /*piece=*/1 + data[0] % 64);
  CHECK_EQ(whole, pieces) << "what was understood depends on how it arrived";
  return 0;
}
