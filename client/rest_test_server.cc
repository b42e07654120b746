#include "client/rest_test_server.h"

#include <unistd.h>

#include "boost/beast/core.hpp"
#include "boost/beast/http.hpp"

namespace quorate {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

// An address of this process alone, so that no other test can mistake the port for its own.
asio::ip::tcp::endpoint OwnEndpoint() {
  const auto pid = static_cast<uint32_t>(::getpid());
  return {asio::ip::address_v4(0x7f000000u | (1u << 22) | (pid & 0x3fffffu)), 0};
}

}  // namespace

class RestTestServer::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(asio::ip::tcp::socket socket, const Handler* handler)
      : socket_(std::move(socket)), handler_(handler) {}

  void Read() {
    request_ = {};
    http::async_read(socket_, buffer_, request_,
                     [self = shared_from_this()](error_code error, size_t) {
                       if (!error && self->socket_.is_open()) self->Answer();
                     });
  }

  void Close() {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  void Answer() {
    const RestTestServer::Answer answer = (*handler_)(
        {std::string(request_.method_string()), std::string(request_.target()), request_.body()});
    if (answer.then == Then::kSilence) return;
    if (answer.then == Then::kCutOff) return Close();
    response_ = {};
    response_.result(static_cast<unsigned>(answer.http_status));
    response_.body() = answer.body;
    response_.keep_alive(answer.then != Then::kClose);
    response_.prepare_payload();
    http::async_write(socket_, response_,
                      [self = shared_from_this(), then = answer.then](error_code error, size_t) {
                        if (!error && then == Then::kKeepAlive) return self->Read();
                        self->Close();
                      });
  }

  asio::ip::tcp::socket socket_;
  const Handler* const handler_;
  boost::beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
};

RestTestServer::RestTestServer(asio::io_context* io, Handler handler)
    : io_(io), handler_(std::move(handler)), acceptor_(*io, OwnEndpoint()) {
  Accept();
}

RestTestServer::~RestTestServer() { Stop(); }

void RestTestServer::Stop() {
  error_code ignored;
  acceptor_.close(ignored);
  for (const auto& session : sessions_) session->Close();
}

void RestTestServer::Accept() {
  acceptor_.async_accept(*io_, [this](error_code error, asio::ip::tcp::socket socket) {
    if (error) return;  // stopped, and perhaps destroyed
    sessions_.push_back(std::make_shared<Session>(std::move(socket), &handler_));
    sessions_.back()->Read();
    Accept();
  });
}

}  // namespace quorate
