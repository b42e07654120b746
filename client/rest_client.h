// RestClient: the documented REST calls of one server, asynchronously over kept-alive connections.
//
//   boost::asio::io_context io;
//   RestClient client(&io, endpoint, "localhost:8080", RestClient::Options{});
//   client.Get("mykey", std::nullopt, [](RestResult result) { ... });
//   io.run();
//
// Each operation in flight has a connection of its own. Nothing is retried: a repeated set could
// take effect twice (doc/semantics.md 14).
//
// Not thread-safe: belongs to the one thread that runs the io_context.
#ifndef QUORATE_CLIENT_REST_CLIENT_H_
#define QUORATE_CLIENT_REST_CLIENT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"

#include "client/rest_reply.h"

namespace quorate {

class RestClient {
 public:
  struct Options {
    // Behaviour: an operation that has not been answered after this fails with DEADLINE_EXCEEDED.
    absl::Duration timeout = absl::Seconds(3);
    // Performance: operations in flight at once, at least 1.
    int max_connections = 32;
  };

  // Called once, never before the call that took it has returned. Not called any more once the
  // client is destroyed.
  using Callback = std::function<void(RestResult)>;
  using HealthCallback = std::function<void(RestHealth)>;

  // `io` must outlive the client and everything that it still runs. `host` is what requests name as
  // their Host.
  RestClient(boost::asio::io_context* io, const boost::asio::ip::tcp::endpoint& endpoint,
             std::string host, const Options& options);
  ~RestClient();

  RestClient(const RestClient&) = delete;
  RestClient& operator=(const RestClient&) = delete;

  // Whether one more operation may start now.
  bool HasRoom() const;

  // All below REQUIRE HasRoom(), and do not block. `w` and `r` override the cluster's.
  //
  // A set that failed before it was sent has may_have_applied false; one that was cut off or timed
  // out later has it true. REQUIRES: key and value are UTF-8, as all text in JSON is.
  void Set(absl::string_view key, absl::string_view value, std::optional<int> w, Callback callback);
  void Get(absl::string_view key, std::optional<int> r, Callback callback);
  void LocalRead(absl::string_view key, Callback callback);
  void Health(HealthCallback callback);

 private:
  class Connection;
  struct RawReply;
  using RawCallback = std::function<void(RawReply)>;

  void StartRead(const std::string& target, Callback callback);
  void Start(bool post, const std::string& target, std::string body, RawCallback callback);
  void Release(std::shared_ptr<Connection> connection, bool reusable);

  boost::asio::io_context* const io_;
  const boost::asio::ip::tcp::endpoint endpoint_;
  const std::string host_;
  const Options options_;
  std::vector<std::shared_ptr<Connection>> idle_;
  std::vector<std::shared_ptr<Connection>> busy_;
};

// `text` as one segment of a URL's path: all but unreserved characters percent-encoded.
std::string PercentEncode(absl::string_view text);

}  // namespace quorate

#endif  // QUORATE_CLIENT_REST_CLIENT_H_
