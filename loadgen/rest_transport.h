// RestTransport: the documented REST calls, so that any server that has them can be loaded.
//
// Not thread-safe: belongs to one thread.
#ifndef QUORATE_LOADGEN_REST_TRANSPORT_H_
#define QUORATE_LOADGEN_REST_TRANSPORT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/steady_timer.hpp"

#include "client/rest_client.h"
#include "loadgen/transport.h"

namespace quorate::loadgen {

class RestTransport : public Transport {
 public:
  // Resolves the targets' names, which may block. NOT_FOUND, naming the target, where one has no
  // address.
  static absl::StatusOr<std::unique_ptr<Transport>> Create(const TransportOptions& options);

  bool HasRoom(size_t target) const override;
  void Send(uint64_t tag, const Request& request) override;
  void Poll(Time until, ReplyHandler* handler) override;
  std::vector<RestHealth> CheckTargets() override;
  bool TargetsAreLocal() const override;

 private:
  RestTransport(const TransportOptions& options,
                std::vector<boost::asio::ip::tcp::endpoint> endpoints);

  void OnResult(uint64_t tag, bool write, const RestResult& result);

  // Fixed after construction.
  const TransportOptions options_;
  const std::vector<boost::asio::ip::tcp::endpoint> endpoints_;

  boost::asio::io_context io_;
  boost::asio::steady_timer timer_;
  std::optional<Time> timer_set_for_;
  ReplyHandler* handler_ = nullptr;                   // while Poll runs
  std::vector<std::unique_ptr<RestClient>> clients_;  // one a target; go first
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_REST_TRANSPORT_H_
