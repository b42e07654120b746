#include "loadgen/stream_transport.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"

#include "loadgen/grpc_target.h"
#include "loadgen/local_address.h"

namespace quorate::loadgen {

absl::StatusOr<std::unique_ptr<Transport>> StreamTransport::Create(
    const TransportOptions& options) {
  absl::StatusOr<std::vector<boost::asio::ip::tcp::endpoint>> endpoints =
      ResolveTargets(options.targets);
  if (!endpoints.ok()) return endpoints.status();
  return absl::WrapUnique<Transport>(new StreamTransport(options, *std::move(endpoints)));
}

StreamTransport::StreamTransport(const TransportOptions& options,
                                 std::vector<boost::asio::ip::tcp::endpoint> endpoints)
    : options_(options), endpoints_(std::move(endpoints)) {
  for (const HostAndPort& target : options.targets) {
    channels_.push_back(NewTargetChannel(target));
    streams_.push_back(
        std::make_unique<TargetStream>(target.ToString(), &options_, &queue_, channels_.back()));
  }
}

StreamTransport::~StreamTransport() {
  for (const auto& stream : streams_) stream->Shutdown();
  for (const auto& stream : streams_) {
    while (!stream->idle()) {
      queue_.Wait(std::chrono::steady_clock::now() + std::chrono::seconds(1));
    }
  }
}

void StreamTransport::Send(uint64_t tag, const Request& request) {
  streams_[request.target]->Send(tag, request);
}

void StreamTransport::Poll(Time until, ReplyHandler* handler) {
  const Time now = std::chrono::steady_clock::now();
  for (const auto& stream : streams_) stream->SetHandler(handler);
  for (const auto& stream : streams_) stream->EndLate(now);
  bool busy = false;
  for (const auto& stream : streams_) {
    stream->Flush();
    until = std::min(until, stream->NextDeadline());
    busy = busy || stream->busy();
  }
  if (busy) {
    queue_.Wait(until);
  } else {
    queue_.SleepThenHandle(until);
  }
  for (const auto& stream : streams_) stream->SetHandler(nullptr);
}

std::vector<RestHealth> StreamTransport::CheckTargets() {
  return AskStatus(channels_, options_.timeout);
}

bool StreamTransport::TargetsAreLocal() const { return AreLocal(endpoints_); }

}  // namespace quorate::loadgen
