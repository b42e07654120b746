// KvService: the service quorate.v1.KeyValue over a KvApi: decode, call, encode.
//
// Requests come in as bytes and are parsed here, so that a request that is no message (a text that
// is not UTF-8, say) is the client's mistake and not an internal error.
#ifndef QUORATE_NODE_KV_SERVICE_H_
#define QUORATE_NODE_KV_SERVICE_H_

#include <memory>

#include "absl/time/time.h"

#include "node/kv_api.h"
#include "node/poll_loop.h"
#include "proto/kv.grpc.pb.h"

namespace quorate {

// The largest request of a client.
inline constexpr int kMaxRequestBytes = 8 << 20;

// How long an operation may take whose client waits for another `remaining`: a little less, so that
// the reply still arrives; 2 s where the client sets no deadline, at most 60 s. Not positive where
// the time is over.
absl::Duration OperationTimeout(absl::Duration remaining);

// All calls are on the poll thread, or before it is started.
class KvService {
 public:
  // `loop` and `api` must outlive the service, which must outlive the loop's last event.
  KvService(PollLoop* loop, KvApi* api);
  ~KvService();

  // To register with the server, before it starts.
  grpc::Service* service();

  // Takes calls from now on, until the server is shut down; once, after the server has started.
  void Start();

 private:
  class Methods;

  PollLoop* const loop_;
  KvApi* const api_;
  const std::unique_ptr<Methods> methods_;
};

}  // namespace quorate

#endif  // QUORATE_NODE_KV_SERVICE_H_
