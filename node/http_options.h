// What the HTTP gateway is told before it starts.
//
// Values: thread-compatible.
#ifndef QUORATE_NODE_HTTP_OPTIONS_H_
#define QUORATE_NODE_HTTP_OPTIONS_H_

#include <cstddef>
#include <string>

#include "absl/time/time.h"

namespace quorate {

// The longest body that a value of `max_value_bytes` can need: every byte may be written as a
// \uXXXX escape of six, and the other fields need room too.
constexpr size_t BodyLimitFor(size_t max_value_bytes) {
  return max_value_bytes * 6 + (size_t{64} << 10);
}

struct HttpOptions {
  // Behaviour.
  std::string address = "127.0.0.1";  // an IPv4 or IPv6 address of this machine
  int port = 8080;                    // 0: any free port, see HttpGateway::port
  // The time that a request's operation may take, once the request has been read.
  absl::Duration operation_timeout = absl::Seconds(2);

  // Limits. A request beyond one is answered with the status behind it, then the connection is
  // closed.
  size_t max_header_bytes = size_t{8} << 10;              // 431; request line included
  size_t max_body_bytes = BodyLimitFor(size_t{4} << 20);  // 413
  size_t max_connections = 1024;                          // 503
  // Bodies of requests, large values that reads have found, and large answers, over all
  // connections.
  size_t max_buffered_bytes = size_t{256} << 20;  // 429

  // Timing. A connection that exceeds one is closed without an answer.
  absl::Duration idle_timeout = absl::Seconds(60);   // between two requests
  absl::Duration read_timeout = absl::Seconds(20);   // for a header, and again for a body
  absl::Duration write_timeout = absl::Seconds(20);  // for an answer
  // How long a client may go on sending what was refused, so that it gets to read why.
  absl::Duration linger_timeout = absl::Seconds(5);
};

}  // namespace quorate

#endif  // QUORATE_NODE_HTTP_OPTIONS_H_
