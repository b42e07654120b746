// RestLoad: runs a workload against servers with the documented REST API, in real time.
//
//   absl::StatusOr<std::unique_ptr<RestLoad>> load = RestLoad::Create(options);
//   const RunStats& stats = (*load)->Run([](const IntervalStats& second) { ... });
//
// Not thread-safe: one thread does everything.
#ifndef QUORATE_LOADGEN_REST_LOAD_H_
#define QUORATE_LOADGEN_REST_LOAD_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/signal_set.hpp"
#include "boost/asio/steady_timer.hpp"

#include "client/rest_client.h"
#include "loadgen/options.h"
#include "loadgen/runner.h"

namespace quorate::loadgen {

class RestLoad : private OperationSender {
 public:
  // Resolves the targets' names, which may block. REQUIRES: valid options. NOT_FOUND, naming the
  // target, where one has no address.
  static absl::StatusOr<std::unique_ptr<RestLoad>> Create(const Options& options);

  // Asks every target how it is; blocks until all have answered or timed out. In the targets'
  // order.
  std::vector<RestHealth> CheckTargets();

  // Whether every target's address is one of this machine.
  bool TargetsAreLocal() const;

  // Blocks for warm-up, duration, and for what is then still in flight, at most twice the timeout.
  // `on_second` is called each second and at the end; it must be quick: the load waits for it.
  // SIGINT or SIGTERM ends the schedule early; a second one ends the process. Call once.
  const RunStats& Run(const std::function<void(const IntervalStats&)>& on_second);

  bool interrupted() const { return interrupted_; }

 private:
  RestLoad(const Options& options, std::vector<boost::asio::ip::tcp::endpoint> endpoints);

  // OperationSender.
  bool HasRoom(size_t target) const override;
  void Send(const PlannedOperation& operation, Callback callback) override;

  Nanos Now() const;
  void SleepUntilEventOr(Nanos wake);

  // Fixed after construction.
  const Options options_;
  const std::vector<boost::asio::ip::tcp::endpoint> endpoints_;

  boost::asio::io_context io_;
  boost::asio::steady_timer timer_;
  std::optional<Nanos> timer_set_for_;
  boost::asio::signal_set signals_;
  bool interrupted_ = false;
  std::chrono::steady_clock::time_point start_;
  Runner runner_;
  std::vector<std::unique_ptr<RestClient>>
      clients_;  // one a target; go first, they call the runner
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_REST_LOAD_H_
