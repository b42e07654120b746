// What the bytes of a connection say as HTTP: the parser under the gateway's limits, and what
// becomes of the messages and errors that it gives.
//
//   HttpParser parser;
//   SetLimits(options, &parser);
//   ...                                   // read into it
//   RestRequest request = DecodeRestRequest(ViewOf(parser.get()));
//
// Pure: thread-safe, never blocks.
#ifndef QUORATE_NODE_HTTP_MESSAGE_H_
#define QUORATE_NODE_HTTP_MESSAGE_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "boost/beast/http/message.hpp"
#include "boost/beast/http/parser.hpp"
#include "boost/beast/http/string_body.hpp"
#include "boost/system/error_code.hpp"

#include "node/http_options.h"
#include "node/key_request.h"
#include "node/rest_response.h"

namespace quorate {

using HttpParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

// To be called before the first byte is parsed.
void SetLimits(const HttpOptions& options, HttpParser* parser);

// The error of a header of that many bytes, request line included, which has been read. The parser
// itself sees to the limit only of a header that arrives in several pieces.
boost::system::error_code CheckHeader(size_t bytes, const HttpOptions& options);

// Views of a message that has been read whole: valid as long as it is.
HttpRequest ViewOf(const HttpParser::value_type& message);

// Views of what has arrived of a message at which reading has failed: valid as long as the parser
// and `rest`, which is what has arrived beyond that which the parser has taken. Where the parser
// has not come to the end of the header, the lines of `rest` up to there count as header fields if
// they look like some.
HttpRequest ViewOfPart(const HttpParser& parser, absl::string_view rest);

// The refusal for a request at which reading under `options` has failed: 400, 413 or 431. `request`
// is what has arrived of it, perhaps nothing. nullopt where the connection has ended or failed, so
// that nobody is there to be told.
std::optional<HttpAnswer> RefusalOf(const boost::system::error_code& error,
                                    const HttpOptions& options, const HttpRequest& request);

}  // namespace quorate

#endif  // QUORATE_NODE_HTTP_MESSAGE_H_
