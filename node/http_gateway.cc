#include "node/http_gateway.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/address.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/steady_timer.hpp"
#include "glog/logging.h"

#include "node/http_session.h"
#include "replication/outcomes.h"
#include "support/mutex.h"

namespace quorate {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

// Connections beyond the limit that are told so before they are closed; more are closed untold.
constexpr size_t kRefusedConnections = 64;

// After a failure to accept, which usually means that file descriptors are scarce.
constexpr std::chrono::milliseconds kAcceptPause(100);

std::string EndpointName(const HttpOptions& options) {
  const bool v6 = options.address.find(':') != std::string::npos;
  return absl::StrCat(v6 ? "[" : "", options.address, v6 ? "]:" : ":", options.port);
}

absl::Status CannotListen(const HttpOptions& options, const error_code& error) {
  return absl::ErrnoToStatus(error.value(),
                             absl::StrCat("cannot listen for HTTP on ", EndpointName(options)));
}

}  // namespace

// Listener and sessions. Lives as long as the gateway or a result that is still to come.
class HttpServer : public HttpSessionHost, public std::enable_shared_from_this<HttpServer> {
 public:
  HttpServer(const HttpOptions& options, KvApi* api) : options_(options), api_(api) {}

  absl::Status Listen();
  int port() const { return port_; }

  // Serves until Stop.
  void Run() { context_.run(); }

  // Thread-safe. AwaitDrained is false where `deadline` came first.
  void BeginDrain();
  bool AwaitDrained(absl::Duration deadline);
  void Stop();

  const HttpOptions& options() const override { return options_; }
  KvApi& api() override { return *api_; }
  bool draining() const override { return draining_; }
  OperationId StartOperation(const std::shared_ptr<HttpSession>& session, uint64_t request,
                             Operation operation) override;
  // Thread-safe, as results come on any thread.
  bool Reserve(size_t bytes) override;
  void Release(size_t bytes) override { buffered_bytes_ -= bytes; }
  void Remove(const std::shared_ptr<HttpSession>& session) override;

 private:
  void TakeResult(const std::weak_ptr<HttpSession>& session, uint64_t request, bool write,
                  OperationResult result);
  void Accept();
  void OnAccepted(net::ip::tcp::socket socket);
  void PauseAccepting(const error_code& error);
  void ForEachSession(const std::function<void(HttpSession*)>& visit);
  void TellIfDrained();

  // Fixed after Listen.
  const HttpOptions options_;
  KvApi* const api_;
  int port_ = 0;

  std::atomic<size_t> buffered_bytes_{0};  // never above options_.max_buffered_bytes

  // Synchronises itself. Before what lives in its handlers.
  net::io_context context_{1};

  // On the server's thread.
  net::executor_work_guard<net::io_context::executor_type> work_{context_.get_executor()};
  net::ip::tcp::acceptor acceptor_{context_};
  net::steady_timer accept_pause_{context_};
  std::set<std::shared_ptr<HttpSession>> sessions_;
  bool draining_ = false;

  Mutex mu_;
  CondVar changed_;
  bool drained_ ABSL_GUARDED_BY(mu_) = false;
};

absl::Status HttpServer::Listen() {
  error_code error;
  const net::ip::address address = net::ip::make_address(options_.address, error);
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", options_.address, "' is not an IP address to listen on"));
  }
  if (options_.port < 0 || options_.port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("the HTTP port is ", options_.port, " but must be from 0 to 65535"));
  }
  const net::ip::tcp::endpoint endpoint(address, static_cast<uint16_t>(options_.port));
  acceptor_.open(endpoint.protocol(), error);
  // Lets a restarted node take its port back while old connections time out; a port that another
  // process listens on stays refused.
  if (!error) acceptor_.set_option(net::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(net::socket_base::max_listen_connections, error);
  if (error) return CannotListen(options_, error);
  const net::ip::tcp::endpoint bound = acceptor_.local_endpoint(error);
  if (error) return CannotListen(options_, error);
  port_ = bound.port();
  net::post(context_, [this] { Accept(); });
  return absl::OkStatus();
}

void HttpServer::Accept() {
  acceptor_.async_accept([this](const error_code& error, net::ip::tcp::socket socket) {
    if (draining_) return;
    if (error) {
      PauseAccepting(error);
      return;
    }
    OnAccepted(std::move(socket));
    Accept();
  });
}

void HttpServer::OnAccepted(net::ip::tcp::socket socket) {
  const size_t connections = sessions_.size();
  if (connections >= options_.max_connections + kRefusedConnections) return;
  auto session = std::make_shared<HttpSession>(std::move(socket), this);
  sessions_.insert(session);
  if (connections < options_.max_connections) {
    session->Run();
  } else {
    session->Refuse(EncodeError(absl::UnavailableError(
        absl::StrCat("the node has ", options_.max_connections, " connections, its limit"))));
  }
}

void HttpServer::PauseAccepting(const error_code& error) {
  LOG_EVERY_N(WARNING, 100) << "cannot accept an HTTP connection: " << error.message();
  accept_pause_.expires_after(kAcceptPause);
  accept_pause_.async_wait([this](const error_code& stopped) {
    if (!stopped && !draining_) Accept();
  });
}

OperationId HttpServer::StartOperation(const std::shared_ptr<HttpSession>& session,
                                       uint64_t request, Operation operation) {
  const bool write = operation.is_write();
  // The result may come when session and gateway are gone. What it is posted to must then still be
  // there, but it must not keep them from going.
  return api_->Start(
      std::move(operation),
      [server = shared_from_this(), weak = std::weak_ptr<HttpSession>(session), request, write](
          OperationResult result) { server->TakeResult(weak, request, write, std::move(result)); });
}

// On any thread. The values that reads have found wait here for the gateway's one thread, however
// long it takes, so they count; a write has none, and what became of it must be told.
void HttpServer::TakeResult(const std::weak_ptr<HttpSession>& session, uint64_t request, bool write,
                            OperationResult result) {
  size_t counted = write || !result.record.has_value() ? 0 : result.record->ValueBytes();
  if (counted <= kUncountedAnswerBytes) counted = 0;
  if (!Reserve(counted)) {
    counted = 0;
    result = NotSent(TooMuchInFlight());
  }
  net::post(context_, [this, session, request, counted, result = std::move(result)] {
    Release(counted);  // the session counts what it makes of it
    if (const std::shared_ptr<HttpSession> alive = session.lock()) {
      alive->OnResult(request, result);
    }
  });
}

bool HttpServer::Reserve(size_t bytes) {
  size_t held = buffered_bytes_;
  do {
    if (bytes > options_.max_buffered_bytes - held) return false;
  } while (!buffered_bytes_.compare_exchange_weak(held, held + bytes));
  return true;
}

void HttpServer::Remove(const std::shared_ptr<HttpSession>& session) {
  sessions_.erase(session);
  TellIfDrained();
}

// Sessions may remove themselves while they are visited.
void HttpServer::ForEachSession(const std::function<void(HttpSession*)>& visit) {
  const std::vector<std::shared_ptr<HttpSession>> sessions(sessions_.begin(), sessions_.end());
  for (const std::shared_ptr<HttpSession>& session : sessions) visit(session.get());
}

void HttpServer::TellIfDrained() {
  if (!draining_ || !sessions_.empty()) return;
  MutexLock lock(&mu_);
  drained_ = true;
  changed_.SignalAll();
}

void HttpServer::BeginDrain() {
  net::post(context_, [this] {
    draining_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    accept_pause_.cancel();
    ForEachSession([](HttpSession* session) { session->Drain(); });
    TellIfDrained();
  });
}

bool HttpServer::AwaitDrained(absl::Duration deadline) {
  const auto until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(deadline);
  MutexLock lock(&mu_);
  while (!drained_) {
    if (!changed_.WaitUntil(&mu_, until)) return drained_;
  }
  return true;
}

void HttpServer::Stop() {
  net::post(context_, [this] {
    ForEachSession([](HttpSession* session) { session->Close(); });
    context_.stop();
  });
}

absl::StatusOr<std::unique_ptr<HttpGateway>> HttpGateway::Start(const HttpOptions& options,
                                                                KvApi* api) {
  auto server = std::make_shared<HttpServer>(options, api);
  const absl::Status listening = server->Listen();
  if (!listening.ok()) return listening;
  const int port = server->port();
  return absl::WrapUnique(new HttpGateway(std::move(server), port));
}

HttpGateway::HttpGateway(std::shared_ptr<HttpServer> server, int port)
    : port_(port), server_(std::move(server)), thread_([this] { server_->Run(); }) {}

HttpGateway::~HttpGateway() { Shutdown(absl::ZeroDuration()); }

void HttpGateway::Shutdown(absl::Duration deadline) {
  if (!thread_.joinable()) return;
  server_->BeginDrain();
  server_->AwaitDrained(deadline);
  server_->Stop();
  thread_.join();
}

}  // namespace quorate
