// ReflectionService: grpc.reflection.v1alpha.ServerReflection: tells tools which services a node
// has and what their messages look like.
#ifndef QUORATE_NODE_REFLECTION_SERVICE_H_
#define QUORATE_NODE_REFLECTION_SERVICE_H_

#include <string>
#include <vector>

#include "node/poll_loop.h"
#include "proto/reflection.grpc.pb.h"

namespace quorate {

// The answer to one request: from the descriptors that are linked into this program, among which
// `services` are those that the server has. Thread-safe.
grpc::reflection::v1alpha::ServerReflectionResponse Reflect(
    const grpc::reflection::v1alpha::ServerReflectionRequest& request,
    const std::vector<std::string>& services);

// All calls are on the poll thread, or before it is started.
class ReflectionService {
 public:
  // `loop` must outlive the service, which must outlive the loop's last event.
  ReflectionService(PollLoop* loop, std::vector<std::string> services);
  ~ReflectionService();

  // To register with the server, before it starts.
  grpc::Service* service() { return &service_; }

  // Takes calls from now on, until the server is shut down; once, after the server has started.
  void Start();

 private:
  class Call;

  PollLoop* const loop_;
  const std::vector<std::string> services_;
  grpc::reflection::v1alpha::ServerReflection::AsyncService service_;
  int open_calls_ = 0;
};

}  // namespace quorate

#endif  // QUORATE_NODE_REFLECTION_SERVICE_H_
