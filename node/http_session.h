// HttpSession: one connection of the HTTP gateway. Requests are answered one after another in the
// order of their arrival, so that pipelining is safe.
#ifndef QUORATE_NODE_HTTP_SESSION_H_
#define QUORATE_NODE_HTTP_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "boost/asio/ip/tcp.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/core/tcp_stream.hpp"
#include "boost/beast/http/message.hpp"
#include "boost/beast/http/serializer.hpp"
#include "boost/beast/http/string_body.hpp"

#include "node/http_message.h"
#include "node/http_options.h"
#include "node/key_request.h"
#include "node/kv_api.h"
#include "node/rest_response.h"

namespace quorate {

class HttpSession;

// Why what would be too much for that memory is refused.
absl::Status TooMuchInFlight();

// What a session needs of the gateway. Not thread-safe: all on the gateway's thread.
class HttpSessionHost {
 public:
  virtual ~HttpSessionHost() = default;

  virtual const HttpOptions& options() const = 0;
  virtual KvApi& api() = 0;
  virtual bool draining() const = 0;

  // Starts an operation whose result goes to session->OnResult(request, ...), later and on the
  // gateway's thread, if the session still exists.
  virtual OperationId StartOperation(const std::shared_ptr<HttpSession>& session, uint64_t request,
                                     Operation operation) = 0;

  // Memory that all sessions share. Reserve is false, and changes nothing, where it would be too
  // much.
  virtual bool Reserve(size_t bytes) = 0;
  virtual void Release(size_t bytes) = 0;

  // The session has closed its connection.
  virtual void Remove(const std::shared_ptr<HttpSession>& session) = 0;
};

// Not thread-safe: all on the gateway's thread.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  // `host` must outlive the session.
  HttpSession(boost::asio::ip::tcp::socket socket, HttpSessionHost* host);

  // Serves requests until either side closes.
  void Run();
  // Answers whatever comes with `answer`, and closes.
  void Refuse(const HttpAnswer& answer);
  // The gateway has begun to drain: closes now, or after the answer to the request at hand.
  void Drain();
  // Cancels what is in flight and closes. Any number of calls.
  void Close();

  // The result of the operation that was started for `request`.
  void OnResult(uint64_t request, const OperationResult& result);

 private:
  enum class State {
    kIdle,       // between two requests
    kReading,    // a request has begun
    kWorking,    // an operation is in flight
    kWriting,    // an answer is on its way
    kLingering,  // refused: reading what the client still sends, and dropping it
    kClosed,
  };

  void AwaitRequest();
  void ReadHeader();
  void OnHeader(const boost::system::error_code& error);
  void WriteContinue();
  void ReadBody();
  void OnBodyPart(const boost::system::error_code& error);
  void OnReadError(const boost::system::error_code& error);
  void Dispatch();
  void WatchForDisconnect();
  void Respond(HttpAnswer answer);
  void Write(HttpAnswer answer);
  void OnWritten(const boost::system::error_code& error);
  void Linger();
  void ReleaseAll();

  HttpSessionHost* const host_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  State state_ = State::kIdle;
  size_t reserved_bytes_ = 0;

  // The request at hand.
  uint64_t request_number_ = 0;
  std::optional<HttpParser> parser_;
  unsigned http_version_ = 11;
  bool head_ = false;
  bool keep_alive_ = false;
  bool body_read_ = false;
  KeyRequest key_request_;
  OperationId operation_ = 0;

  // Its answer.
  boost::beast::http::response<boost::beast::http::string_body> response_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::string_body>>
      serializer_;
};

}  // namespace quorate

#endif  // QUORATE_NODE_HTTP_SESSION_H_
