// Servers to measure against. Two serve quorate.v1.KeyValue and quorate.peer.v1.Peer, with the same
// codec over the same KvApi, and answer every batch of a Replicate stream with a batch of the same
// messages: transport_bench compares how they use gRPC. The third is as bare as gRPC allows.
#ifndef QUORATE_BENCH_TRANSPORT_SERVERS_H_
#define QUORATE_BENCH_TRANSPORT_SERVERS_H_

#include <memory>
#include <string>

#include "node/kv_api.h"

namespace quorate {

// Runs until its process ends: it has no way to stop, as only figures are wanted of it.
class BenchServer {
 public:
  virtual ~BenchServer() = default;
};

// As a node does it: KvService and PeerService on one completion queue and one poll thread. Null
// where `address` cannot be listened on. `api` must outlive the server.
std::unique_ptr<BenchServer> StartQueueServer(const std::string& address, KvApi* api);

// The same services over gRPC's callback API, on gRPC's threads.
std::unique_ptr<BenchServer> StartCallbackServer(const std::string& address, KvApi* api);

// Answers Get, and each message of Stream, with the very bytes that came, which it does not look
// at: on one completion queue and one poll thread, like a node. Null where `address` cannot be
// listened on.
std::unique_ptr<BenchServer> StartEchoServer(const std::string& address);

// A KvApi that answers every operation at once with a value of 100 bytes, on the calling thread.
std::unique_ptr<KvApi> MakeInstantApi();

}  // namespace quorate

#endif  // QUORATE_BENCH_TRANSPORT_SERVERS_H_
