// KvService: the service quorate.v1.KeyValue over a KvApi: decode, call, encode.
//
// Requests come in as bytes and are parsed here, so that a request that is no message (a text that
// is not UTF-8, say) is the client's mistake and not an internal error.
#ifndef QUORATE_NODE_KV_SERVICE_H_
#define QUORATE_NODE_KV_SERVICE_H_

#include <cstddef>
#include <memory>

#include "absl/time/time.h"

#include "node/kv_api.h"
#include "node/kv_stream.h"
#include "node/poll_loop.h"
#include "proto/kv.grpc.pb.h"
#include "replication/env.h"

namespace quorate {

// How long an operation may take whose client waits for another `remaining`: a little less, so that
// the reply still arrives; 2 s where the client sets no deadline, at most 60 s. Not positive where
// the time is over.
absl::Duration OperationTimeout(absl::Duration remaining);

struct KvLimits {
  // Replies to unary reads that clients have not taken yet, those longer than
  // kUncountedAnswerBytes; a read beyond ends with RESOURCE_EXHAUSTED. The outcome of a write is
  // told in any case.
  size_t max_reply_bytes = size_t{256} << 20;
  // For a client to take a reply that counts; the call is cut off then.
  absl::Duration reply_timeout = absl::Seconds(20);
  StreamLimits stream;
};

// All calls are on the poll thread, or before it is started.
class KvService {
 public:
  // `loop` and `api` must outlive the service, which must outlive the loop's last event.
  KvService(PollLoop* loop, KvApi* api, const KvLimits& limits = KvLimits());
  ~KvService();

  // To register with the server, before it starts.
  grpc::Service* service();

  // Takes calls from now on, until the server is shut down; once, after the server has started.
  void Start();

  // Sends the results of streams that have come since the last call, and cuts off calls whose
  // clients do not take their replies: after each turn of the strand, and at least once a second.
  // Returns whether it has given the KvApi new work, or there is more to send.
  bool Flush(MonotonicTime now);

  // Ends all streams once what is in flight has been answered, and takes no more. Again and again
  // does no harm.
  void EndStreams() { streams_.End(); }

 private:
  class Methods;

  const std::unique_ptr<Methods> methods_;
  KvStreams streams_;
};

}  // namespace quorate

#endif  // QUORATE_NODE_KV_SERVICE_H_
