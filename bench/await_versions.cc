// Waits until a node holds, of each of some keys, what another node held when this program began,
// or something later. Prints a line when it has read the other node's versions, and one when the
// node holds them all. catch_up.py runs it.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "glog/logging.h"
#include "grpcpp/client_context.h"
#include "nlohmann/json.hpp"

#include "bench/speed_messages.h"
#include "bench/transport_load.h"
#include "node/poll_loop.h"
#include "proto/kv.grpc.pb.h"

DEFINE_string(reference, "", "host:port of the node whose versions count");
DEFINE_string(target, "", "host:port of the node that must hold them; may be away at first");
DEFINE_uint64(keys, 50, "different keys");
DEFINE_uint64(key_stride, 1, "from the index of one key to the next");
DEFINE_double(seconds, 600, "time for all of it");

namespace quorate {
namespace {

constexpr size_t kBatch = 1000;
constexpr absl::Duration kPause = absl::Milliseconds(50);
constexpr absl::Duration kReadTimeout = absl::Seconds(10);

using Order = std::tuple<uint64_t, uint64_t, uint64_t>;

// What `count` keys from `keys` have at the node, by their places; nothing where the node did not
// answer all of them.
std::optional<std::vector<Order>> Read(v1::KeyValue::Stub* stub, const uint64_t* keys,
                                       size_t count) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoSeconds(kReadTimeout));
  const auto stream = stub->Stream(&context);
  v1::StreamRequest request;
  for (size_t i = 0; i < count; ++i) {
    v1::StreamOperation* const operation = request.add_operations();
    operation->set_id(i);
    operation->mutable_local_read()->set_key(SpeedKey(keys[i]));
  }
  std::vector<Order> orders(count);
  size_t answered = 0;
  v1::StreamResponse response;
  if (stream->Write(request)) {
    stream->WritesDone();
    while (stream->Read(&response)) {
      for (const v1::StreamResult& result : response.results()) {
        if (!result.has_read()) continue;
        const v1::Order& order = result.read().order();
        orders[result.id()] = Order(order.major(), order.minor(), order.tie());
        ++answered;
      }
    }
  }
  stream->Finish();
  if (answered < count) return std::nullopt;
  return orders;
}

std::unique_ptr<v1::KeyValue::Stub> Connect(const std::string& address) {
  return v1::KeyValue::NewStub(NewChannel(address));
}

// A key, and the least order that it must have.
struct Wanted {
  std::vector<uint64_t> keys;
  std::vector<Order> orders;
};

Wanted ReadReference() {
  Wanted wanted;
  for (uint64_t i = 0; i < FLAGS_keys; ++i) wanted.keys.push_back(i * FLAGS_key_stride);
  const std::unique_ptr<v1::KeyValue::Stub> stub = Connect(FLAGS_reference);
  for (size_t at = 0; at < wanted.keys.size(); at += kBatch) {
    const size_t count = std::min(kBatch, wanted.keys.size() - at);
    const auto orders = Read(stub.get(), &wanted.keys[at], count);
    CHECK(orders.has_value()) << FLAGS_reference << " does not answer";
    wanted.orders.insert(wanted.orders.end(), orders->begin(), orders->end());
  }
  return wanted;
}

// What the target still lacks. Gives up early where the target does not answer.
Wanted Lacking(const Wanted& wanted) {
  // A new channel: one that has failed waits before it connects again.
  const std::unique_ptr<v1::KeyValue::Stub> stub = Connect(FLAGS_target);
  Wanted lacking;
  for (size_t at = 0; at < wanted.keys.size(); at += kBatch) {
    const size_t count = std::min(kBatch, wanted.keys.size() - at);
    const auto orders = Read(stub.get(), &wanted.keys[at], count);
    const bool answered = orders.has_value();
    for (size_t i = at; i < (answered ? at + count : wanted.keys.size()); ++i) {
      if (answered && (*orders)[i - at] >= wanted.orders[i]) continue;
      lacking.keys.push_back(wanted.keys[i]);
      lacking.orders.push_back(wanted.orders[i]);
    }
    if (!answered) break;
  }
  return lacking;
}

void Print(const nlohmann::json& line) {
  std::puts(line.dump().c_str());
  std::fflush(stdout);
}

int Main() {
  const MonotonicTime end = MonotonicNow() + absl::Seconds(FLAGS_seconds);
  Wanted wanted = ReadReference();
  Print({{"time", absl::ToDoubleSeconds(MonotonicNow())}, {"keys", wanted.keys.size()}});
  while (true) {
    wanted = Lacking(wanted);
    const MonotonicTime now = MonotonicNow();
    if (wanted.keys.empty()) {
      Print({{"time", absl::ToDoubleSeconds(now)}});
      return 0;
    }
    if (now >= end) {
      LOG(ERROR) << FLAGS_target << " lacks " << wanted.keys.size() << " of the keys, the first "
                 << SpeedKey(wanted.keys[0]) << ", or does not answer";
      return 1;
    }
    std::this_thread::sleep_for(absl::ToChronoMilliseconds(kPause));
  }
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) {
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = google::WARNING;
  google::ParseCommandLineFlags(&argc, &argv, true);
  google::InitGoogleLogging(argv[0]);
  return quorate::Main();
}
