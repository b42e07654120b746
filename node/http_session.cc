#include "node/http_session.h"

#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "boost/asio/error.hpp"
#include "boost/asio/socket_base.hpp"
#include "boost/asio/write.hpp"
#include "boost/beast/core/error.hpp"
#include "boost/beast/http/read.hpp"
#include "boost/beast/http/write.hpp"

#include "node/key_request.h"
#include "node/rest_request.h"
#include "replication/outcomes.h"

namespace quorate {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr size_t kReadBytes = size_t{64} << 10;

constexpr absl::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::chrono::nanoseconds ToChrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

std::string HttpDate() {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::Now(), absl::UTCTimeZone());
}

// The answer to an operation that does not begin here.
HttpAnswer Refusal(const Operation& operation, absl::Status status, const KvApi& api) {
  OperationResult result = NotSent(std::move(status));
  if (operation.repeat) SpeakOfEarlierTries(&result);
  return EncodeResult(operation, AnswerForm::kDocument, /*siblings=*/false, result, api);
}

}  // namespace

absl::Status TooMuchInFlight() {
  return absl::ResourceExhaustedError(
      "the node has too many bytes of requests and answers in flight; try again later");
}

HttpSession::HttpSession(boost::asio::ip::tcp::socket socket, HttpSessionHost* host)
    : host_(host),
      stream_(std::move(socket)),
      buffer_(kReadBytes + host->options().max_header_bytes) {
  error_code ignored;
  stream_.socket().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
}

void HttpSession::Run() { AwaitRequest(); }

void HttpSession::Refuse(const HttpAnswer& answer) {
  keep_alive_ = false;
  body_read_ = false;
  Write(answer);
}

void HttpSession::Drain() {
  if (state_ == State::kIdle || state_ == State::kLingering) Close();
}

void HttpSession::Close() {
  if (state_ == State::kClosed) return;
  if (state_ == State::kWorking) host_->api().Cancel(operation_);
  state_ = State::kClosed;
  ReleaseAll();
  error_code ignored;
  stream_.socket().shutdown(boost::asio::socket_base::shutdown_both, ignored);
  stream_.close();
  host_->Remove(shared_from_this());
}

void HttpSession::AwaitRequest() {
  ++request_number_;
  parser_.emplace();
  SetLimits(host_->options(), &*parser_);
  http_version_ = 11;
  head_ = false;
  keep_alive_ = false;
  body_read_ = false;
  if (buffer_.size() > 0) {
    ReadHeader();
    return;
  }
  state_ = State::kIdle;
  if (host_->draining()) {
    Close();
    return;
  }
  stream_.expires_after(ToChrono(host_->options().idle_timeout));
  stream_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = shared_from_this()](const error_code& error, size_t bytes) {
                            if (self->state_ == State::kClosed) return;
                            if (error) {
                              self->Close();
                              return;
                            }
                            self->buffer_.commit(bytes);
                            self->ReadHeader();
                          });
}

void HttpSession::ReadHeader() {
  state_ = State::kReading;
  stream_.expires_after(ToChrono(host_->options().read_timeout));
  http::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const error_code& error, size_t bytes) {
        self->OnHeader(error ? error : CheckHeader(bytes, self->host_->options()));
      });
}

void HttpSession::OnHeader(const error_code& error) {
  if (state_ == State::kClosed) return;
  if (error) {
    OnReadError(error);
    return;
  }
  const auto& header = parser_->get();
  http_version_ = header.version();
  head_ = header.method() == http::verb::head;
  keep_alive_ = header.keep_alive();
  const bool wants_continue =
      boost::beast::iequals(header[http::field::expect], "100-continue") && http_version_ >= 11;
  stream_.expires_after(ToChrono(host_->options().read_timeout));
  if (wants_continue && !parser_->is_done()) {
    WriteContinue();
  } else {
    ReadBody();
  }
}

void HttpSession::WriteContinue() {
  boost::asio::async_write(stream_, boost::asio::buffer(kContinue.data(), kContinue.size()),
                           [self = shared_from_this()](const error_code& error, size_t) {
                             if (self->state_ == State::kClosed) return;
                             if (error) {
                               self->Close();
                             } else {
                               self->ReadBody();
                             }
                           });
}

void HttpSession::ReadBody() {
  if (parser_->is_done()) {
    body_read_ = true;
    Dispatch();
    return;
  }
  // Piece by piece, so that what has arrived is counted before more is read.
  http::async_read_some(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const error_code& error, size_t) { self->OnBodyPart(error); });
}

void HttpSession::OnBodyPart(const error_code& error) {
  if (state_ == State::kClosed) return;
  if (error) {
    OnReadError(error);
    return;
  }
  const size_t body_bytes = parser_->get().body().size();
  if (!host_->Reserve(body_bytes - reserved_bytes_)) {
    keep_alive_ = false;
    Operation operation;
    operation.repeat = IsRepeat(ViewOf(parser_->get()));  // all that counts here
    Respond(Refusal(operation, TooMuchInFlight(), host_->api()));
    return;
  }
  reserved_bytes_ = body_bytes;
  ReadBody();
}

void HttpSession::OnReadError(const error_code& error) {
  keep_alive_ = false;
  const absl::string_view rest(static_cast<const char*>(buffer_.cdata().data()), buffer_.size());
  std::optional<HttpAnswer> refusal =
      RefusalOf(error, host_->options(), ViewOfPart(*parser_, rest));
  if (refusal.has_value()) {
    Respond(*std::move(refusal));
  } else {
    Close();
  }
}

void HttpSession::Dispatch() {
  RestRequest request = DecodeRestRequest(ViewOf(parser_->get()));
  if (HttpAnswer* refusal = std::get_if<HttpAnswer>(&request)) {
    Respond(std::move(*refusal));
    return;
  }
  if (std::holds_alternative<HealthRequest>(request)) {
    v1::StatusResponse status = host_->api().Status();
    if (host_->draining()) status.set_state("draining");
    Respond(EncodeHealth(status));
    return;
  }
  key_request_ = std::get<KeyRequest>(std::move(request));
  if (host_->draining()) {
    Respond(Refusal(key_request_.operation, absl::UnavailableError("the node is shutting down"),
                    host_->api()));
    return;
  }
  parser_->get().body() = std::string();
  state_ = State::kWorking;
  stream_.expires_never();
  Operation operation = std::move(key_request_.operation);
  key_request_.operation = Operation();  // the answer needs no more than this
  key_request_.operation.kind = operation.kind;
  key_request_.operation.key = operation.key;
  operation.timeout = key_request_.timeout.value_or(host_->options().operation_timeout);
  operation_ = host_->StartOperation(shared_from_this(), request_number_, std::move(operation));
  WatchForDisconnect();
}

// While an operation is in flight nothing is read. A connection that is readable all the same has
// either its next request waiting, which can wait, or has come to its end: a client that has closed
// its sending side counts as gone, since it cannot be told from one that closed altogether.
void HttpSession::WatchForDisconnect() {
  stream_.socket().async_wait(
      boost::asio::socket_base::wait_read,
      [self = shared_from_this(), request = request_number_](const error_code& error) {
        if (error || self->state_ != State::kWorking || self->request_number_ != request) return;
        error_code unreadable;
        if (self->stream_.socket().available(unreadable) == 0 || unreadable) self->Close();
      });
}

void HttpSession::OnResult(uint64_t request, const OperationResult& result) {
  if (state_ != State::kWorking || request != request_number_) return;
  error_code ignored;
  stream_.socket().cancel(ignored);  // ends the watch
  const Operation& operation = key_request_.operation;
  HttpAnswer answer =
      EncodeResult(operation, key_request_.form, key_request_.siblings, result, host_->api());
  if (operation.is_write()) {
    // Refusing to send it would deny what has happened.
    ReleaseAll();
    Write(std::move(answer));
  } else {
    Respond(std::move(answer));
  }
}

void HttpSession::Respond(HttpAnswer answer) {
  ReleaseAll();
  const size_t counted = answer.body.size() > kUncountedAnswerBytes ? answer.body.size() : 0;
  if (!host_->Reserve(counted)) {
    Write(EncodeError(TooMuchInFlight()));
    return;
  }
  reserved_bytes_ = counted;
  Write(std::move(answer));
}

void HttpSession::Write(HttpAnswer answer) {
  state_ = State::kWriting;
  // The answer is all that is needed now. The request is counted no more, and its client may stay
  // for long.
  parser_.reset();
  key_request_ = KeyRequest();
  keep_alive_ = keep_alive_ && body_read_ && !host_->draining();
  response_ = {};
  response_.version(http_version_);
  response_.result(static_cast<unsigned>(answer.status));
  if (answer.status == 499) response_.reason("Client Closed Request");
  response_.set(http::field::server, "quorate");
  response_.set(http::field::date, HttpDate());
  response_.set(http::field::content_type, answer.content_type);
  // An answer holds for the moment it was asked for; one that a cache repeats would be stale
  // whatever the quorums.
  response_.set(http::field::cache_control, "no-store");
  for (const auto& [name, value] : answer.headers) response_.set(name, value);
  if (answer.status == 429 || answer.status == 503) response_.set(http::field::retry_after, "1");
  response_.keep_alive(keep_alive_);
  response_.body() = std::move(answer.body);
  response_.prepare_payload();
  serializer_.emplace(response_);
  stream_.expires_after(ToChrono(host_->options().write_timeout));
  auto done = [self = shared_from_this()](const error_code& error, size_t) {
    self->OnWritten(error);
  };
  if (head_) {
    http::async_write_header(stream_, *serializer_, std::move(done));
  } else {
    http::async_write(stream_, *serializer_, std::move(done));
  }
}

void HttpSession::OnWritten(const error_code& error) {
  if (state_ == State::kClosed) return;
  ReleaseAll();
  response_.body() = std::string();
  if (error) {
    Close();
  } else if (keep_alive_) {
    AwaitRequest();
  } else if (body_read_ && buffer_.size() == 0) {
    Close();
  } else {
    state_ = State::kLingering;
    error_code ignored;
    stream_.socket().shutdown(boost::asio::socket_base::shutdown_send, ignored);
    stream_.expires_after(ToChrono(host_->options().linger_timeout));
    buffer_.clear();
    Linger();
  }
}

// Closing a connection with unread data resets it, and the reset may overtake the answer.
void HttpSession::Linger() {
  stream_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = shared_from_this()](const error_code& error, size_t) {
                            if (self->state_ == State::kClosed) return;
                            if (error) {
                              self->Close();
                            } else {
                              self->Linger();
                            }
                          });
}

void HttpSession::ReleaseAll() {
  host_->Release(reserved_bytes_);
  reserved_bytes_ = 0;
}

}  // namespace quorate
