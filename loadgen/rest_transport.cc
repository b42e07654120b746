#include "loadgen/rest_transport.h"

#include <utility>

#include "absl/memory/memory.h"

#include "loadgen/local_address.h"

namespace quorate::loadgen {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Between two looks at what is due.
constexpr int kMaxEvents = 64;

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> RestTransport::Create(const TransportOptions& options) {
  absl::StatusOr<std::vector<asio::ip::tcp::endpoint>> endpoints = ResolveTargets(options.targets);
  if (!endpoints.ok()) return endpoints.status();
  return absl::WrapUnique<Transport>(new RestTransport(options, *std::move(endpoints)));
}

RestTransport::RestTransport(const TransportOptions& options,
                             std::vector<asio::ip::tcp::endpoint> endpoints)
    : options_(options), endpoints_(std::move(endpoints)), timer_(io_) {
  RestClient::Options client_options;
  client_options.timeout = options.timeout;
  client_options.max_connections = static_cast<int>(options.max_in_flight);
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    clients_.push_back(std::make_unique<RestClient>(&io_, endpoints_[i],
                                                    options.targets[i].ToString(), client_options));
  }
}

bool RestTransport::HasRoom(size_t target) const { return clients_[target]->HasRoom(); }

void RestTransport::Send(uint64_t tag, const Request& request) {
  RestClient& client = *clients_[request.target];
  const auto callback = [this, tag, write = request.write](const RestResult& result) {
    OnResult(tag, write, result);
  };
  if (request.write) {
    client.Set(request.key, request.value, options_.w, callback);
  } else if (request.local) {
    client.LocalRead(request.key, callback);
  } else {
    client.Get(request.key, options_.r, callback);
  }
}

void RestTransport::OnResult(uint64_t tag, bool write, const RestResult& result) {
  Reply reply;
  reply.status = result.status;
  reply.may_have_applied = result.may_have_applied;
  reply.found = result.found;
  reply.value = result.value;
  reply.version = result.version;
  reply.order = result.order.value_or(Order{0, result.version, 0});
  // What was never written has no order, and that is known.
  reply.order_known =
      result.status.ok() && (result.order.has_value() || (!write && result.version == 0));
  handler_->OnReply(tag, reply);
}

void RestTransport::Poll(Time until, ReplyHandler* handler) {
  handler_ = handler;
  // The timer stays set over many events: to set it anew costs two system calls.
  const bool over = until <= std::chrono::steady_clock::now();
  if (!over && timer_set_for_ != until) {
    timer_set_for_ = until;
    timer_.expires_at(until);
    timer_.async_wait([this](error_code error) {
      if (!error) timer_set_for_.reset();
    });
  }
  int events = over ? 0 : static_cast<int>(io_.run_one());
  while (events < kMaxEvents && io_.poll_one() > 0) ++events;
  // Without anything to do the context counts as stopped, and must be told to go on.
  if (io_.stopped()) io_.restart();
  handler_ = nullptr;
}

std::vector<RestHealth> RestTransport::CheckTargets() {
  std::vector<RestHealth> health(clients_.size());
  size_t answered = 0;
  for (size_t i = 0; i < clients_.size(); ++i) {
    clients_[i]->Health([&health, &answered, i](RestHealth answer) {
      health[i] = std::move(answer);
      ++answered;
    });
  }
  while (answered < clients_.size()) io_.run_one();
  return health;
}

bool RestTransport::TargetsAreLocal() const { return AreLocal(endpoints_); }

}  // namespace quorate::loadgen
