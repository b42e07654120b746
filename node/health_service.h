// HealthService: grpc.health.v1.Health: whether a node serves, for probes and load balancers. It
// knows the node as a whole (the empty name) and quorate.v1.KeyValue, with the same status.
#ifndef QUORATE_NODE_HEALTH_SERVICE_H_
#define QUORATE_NODE_HEALTH_SERVICE_H_

#include <set>

#include "absl/strings/string_view.h"

#include "node/poll_loop.h"
#include "proto/health.grpc.pb.h"

namespace quorate {

// All calls are on the poll thread, or before it is started.
class HealthService {
 public:
  // `loop` must outlive the service, which must outlive the loop's last event.
  explicit HealthService(PollLoop* loop) : loop_(loop) {}
  ~HealthService();

  // To register with the server, before it starts.
  grpc::Service* service() { return &service_; }

  // Takes calls from now on, until the server is shut down; once, after the server has started.
  void Start();

  // Not serving until it is told otherwise.
  void SetServing(bool serving);

 private:
  class CheckCall;
  class WatchCall;

  // The status of a service, or SERVICE_UNKNOWN.
  grpc::health::v1::HealthCheckResponse StatusOf(absl::string_view service) const;

  PollLoop* const loop_;
  grpc::health::v1::Health::AsyncService service_;
  bool serving_ = false;
  std::set<WatchCall*> watches_;
};

}  // namespace quorate

#endif  // QUORATE_NODE_HEALTH_SERVICE_H_
