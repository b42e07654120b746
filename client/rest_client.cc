#include "client/rest_client.h"

#include <algorithm>
#include <chrono>
#include <sys/socket.h>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "boost/beast/core.hpp"
#include "boost/beast/http.hpp"
#include "glog/logging.h"
#include "nlohmann/json.hpp"

namespace quorate {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

// Above what a node sends for its largest value, even where JSON escapes every byte of it.
constexpr size_t kMaxReplyBytes = size_t{32} << 20;

}  // namespace

// What came back, before anyone knows which call it answers.
struct RestClient::RawReply {
  absl::Status status;  // of the exchange itself, whatever the server said
  bool sent = false;    // some of the request may have reached the server
  int http_status = 0;
  std::string body;
};

// One connection: dialled at its first exchange, one exchange at a time.
class RestClient::Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(RestClient* owner) : owner_(owner), stream_(*owner->io_) {}

  // After this the owner is not called any more.
  void Abandon() {
    owner_ = nullptr;
    callback_ = nullptr;
    Close();
  }

  // A server may close a connection at any time between two exchanges. Whoever sends on it anyway
  // cannot tell whether the request was read, so look first.
  bool StillOpen() {
    char byte;
    const ssize_t got = ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }

  void Close() {
    error_code ignored;
    stream_.socket().close(ignored);
    open_ = false;
  }

  void Exchange(http::request<http::string_body> request, RawCallback callback) {
    request_ = std::move(request);
    callback_ = std::move(callback);
    sent_ = false;
    stream_.expires_after(absl::ToChronoNanoseconds(owner_->options_.timeout));
    if (open_) {
      Write();
      return;
    }
    stream_.async_connect(owner_->endpoint_, [self = shared_from_this()](error_code error) {
      self->OnConnect(error);
    });
  }

 private:
  void OnConnect(error_code error) {
    if (error) return Finish("connecting", error);
    open_ = true;
    error_code ignored;
    stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    Write();
  }

  void Write() {
    sent_ = true;
    http::async_write(stream_, request_, [self = shared_from_this()](error_code error, size_t) {
      self->OnWritten(error);
    });
  }

  void OnWritten(error_code error) {
    if (error) return Finish("sending", error);
    parser_.emplace();
    parser_->body_limit(kMaxReplyBytes);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) { self->OnRead(error); });
  }

  void OnRead(error_code error) {
    if (error) return Finish("awaiting the answer", error);
    RawReply reply;
    reply.sent = true;
    reply.http_status = parser_->get().result_int();
    reply.body = std::move(parser_->get().body());
    // Bytes beyond the answer belong to nothing that was asked.
    const bool reusable = parser_->keep_alive() && buffer_.size() == 0;
    Finish(std::move(reply), reusable);
  }

  void Finish(absl::string_view doing, error_code error) {
    RawReply reply;
    reply.sent = sent_;
    reply.status =
        error == beast::error::timeout
            ? absl::DeadlineExceededError(absl::StrCat("timed out ", doing))
            : absl::UnavailableError(absl::StrCat(doing, ": ", PrintableExcerpt(error.message())));
    Finish(std::move(reply), /*reusable=*/false);
  }

  void Finish(RawReply reply, bool reusable) {
    if (!reusable) Close();
    if (owner_ == nullptr) return;
    // The connection is free before the callback runs, which may want to use it.
    const RawCallback callback = std::exchange(callback_, nullptr);
    owner_->Release(shared_from_this(), reusable);
    callback(std::move(reply));
  }

  RestClient* owner_;
  beast::tcp_stream stream_;
  bool open_ = false;
  bool sent_ = false;
  http::request<http::string_body> request_;
  beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::string_body>> parser_;
  RawCallback callback_;
};

RestClient::RestClient(asio::io_context* io, const asio::ip::tcp::endpoint& endpoint,
                       std::string host, const Options& options)
    : io_(io), endpoint_(endpoint), host_(std::move(host)), options_(options) {
  CHECK_GE(options_.max_connections, 1);
}

RestClient::~RestClient() {
  for (const auto& connection : busy_) connection->Abandon();
  for (const auto& connection : idle_) connection->Abandon();
}

bool RestClient::HasRoom() const {
  return static_cast<int>(busy_.size()) < options_.max_connections;
}

void RestClient::Set(absl::string_view key, absl::string_view value, std::optional<int> w,
                     Callback callback) {
  nlohmann::json body = {{"key", std::string(key)}, {"value", std::string(value)}};
  if (w.has_value()) body["w"] = *w;
  Start(/*post=*/true, "/set", body.dump(), [callback](RawReply raw) {
    if (raw.status.ok()) return callback(ParseSetReply(raw.http_status, raw.body));
    RestResult failed;
    failed.status = std::move(raw.status);
    failed.may_have_applied = raw.sent;
    callback(std::move(failed));
  });
}

void RestClient::Get(absl::string_view key, std::optional<int> r, Callback callback) {
  const std::string query = r.has_value() ? absl::StrCat("?r=", *r) : "";
  StartRead(absl::StrCat("/get/", PercentEncode(key), query), std::move(callback));
}

void RestClient::LocalRead(absl::string_view key, Callback callback) {
  StartRead(absl::StrCat("/local_read/", PercentEncode(key)), std::move(callback));
}

void RestClient::Health(HealthCallback callback) {
  Start(/*post=*/false, "/health", "", [callback](RawReply raw) {
    RestHealth health;
    health.status = std::move(raw.status);
    callback(health.status.ok() ? ParseHealthReply(raw.http_status, raw.body) : health);
  });
}

void RestClient::StartRead(const std::string& target, Callback callback) {
  Start(/*post=*/false, target, "", [callback](RawReply raw) {
    if (raw.status.ok()) return callback(ParseReadReply(raw.http_status, raw.body));
    RestResult failed;
    failed.status = std::move(raw.status);
    callback(std::move(failed));
  });
}

void RestClient::Start(bool post, const std::string& target, std::string body,
                       RawCallback callback) {
  CHECK(HasRoom());
  http::request<http::string_body> request(post ? http::verb::post : http::verb::get, target, 11);
  request.set(http::field::host, host_);
  if (post) {
    request.set(http::field::content_type, "application/json");
    request.body() = std::move(body);
    request.prepare_payload();
  }
  std::shared_ptr<Connection> connection;
  while (connection == nullptr && !idle_.empty()) {
    connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->StillOpen()) connection = nullptr;
  }
  if (connection == nullptr) connection = std::make_shared<Connection>(this);
  busy_.push_back(connection);
  connection->Exchange(std::move(request), std::move(callback));
}

void RestClient::Release(std::shared_ptr<Connection> connection, bool reusable) {
  const auto position = std::find(busy_.begin(), busy_.end(), connection);
  CHECK(position != busy_.end());
  std::swap(*position, busy_.back());
  busy_.pop_back();
  if (reusable) idle_.push_back(std::move(connection));
}

std::string PercentEncode(absl::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded.push_back(c);
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace quorate
