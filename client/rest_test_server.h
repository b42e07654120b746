// RestTestServer: an HTTP server for tests, on an address and port of its own, whose answers and
// misbehaviour the test chooses request by request.
//
// Not thread-safe: runs on the io_context of whom it tests.
#ifndef QUORATE_CLIENT_REST_TEST_SERVER_H_
#define QUORATE_CLIENT_REST_TEST_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"

namespace quorate {

class RestTestServer {
 public:
  struct Request {
    std::string method;
    std::string target;
    std::string body;
  };

  enum class Then {
    kKeepAlive,  // answer, and read the next request
    kClose,      // answer with "Connection: close", and close
    kHangUp,     // answer as if the connection stayed, and close it
    kCutOff,     // close without an answer
    kSilence,    // read the request, and never answer
  };

  struct Answer {
    int http_status = 200;
    std::string body;
    Then then = Then::kKeepAlive;
  };

  using Handler = std::function<Answer(const Request&)>;

  // `io` must outlive the server and all that it still runs.
  RestTestServer(boost::asio::io_context* io, Handler handler);
  ~RestTestServer();

  boost::asio::ip::tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  int accepted() const { return static_cast<int>(sessions_.size()); }

  // No more connections; those that are open are closed.
  void Stop();

 private:
  class Session;

  void Accept();

  boost::asio::io_context* const io_;
  const Handler handler_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::vector<std::shared_ptr<Session>> sessions_;
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_REST_TEST_SERVER_H_
