#include "loadgen/unary_transport.h"

#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/status.h"

#include "loadgen/grpc_target.h"
#include "loadgen/local_address.h"
#include "support/event_tag.h"

namespace quorate::loadgen {

// One call after the other.
class UnaryTransport::Call final : public EventHandler {
 public:
  explicit Call(UnaryTransport* owner) : owner_(owner) {}

  void Start(uint64_t tag, const Request& request) {
    tag_ = tag;
    write_ = request.write;
    target_ = request.target;
    status_ = grpc::Status();
    context_.emplace();
    context_->set_deadline(std::chrono::system_clock::now() +
                           absl::ToChronoMicroseconds(owner_->options_.timeout));
    if (write_) {
      StartWrite(request);
    } else {
      StartRead(request);
    }
  }

  void Cancel() {
    if (context_.has_value()) context_->TryCancel();
  }

  void OnEvent(bool) override {
    reader_.reset();
    writer_.reset();
    context_.reset();
    --owner_->in_flight_[target_];
    --owner_->in_flight_in_all_;
    // The call is free only afterwards, since the reply's views point into it.
    if (owner_->handler_ != nullptr) owner_->handler_->OnReply(tag_, TakeReply());
    owner_->free_.push_back(this);
  }

 private:
  v1::KeyValue::Stub* stub() const { return owner_->stubs_[target_].get(); }

  void StartWrite(const Request& request) {
    set_.set_key_bytes(request.key.data(), request.key.size());
    set_.set_data(request.value.data(), request.value.size());
    if (owner_->options_.w.has_value()) set_.set_w(static_cast<uint32_t>(*owner_->options_.w));
    writer_ = stub()->AsyncSet(&*context_, set_, owner_->queue_.queue());
    writer_->Finish(&written_, &status_, static_cast<EventHandler*>(this));
  }

  void StartRead(const Request& request) {
    if (request.local) {
      local_read_.set_key_bytes(request.key.data(), request.key.size());
      reader_ = stub()->AsyncLocalRead(&*context_, local_read_, owner_->queue_.queue());
    } else {
      get_.set_key_bytes(request.key.data(), request.key.size());
      if (owner_->options_.r.has_value()) get_.set_r(static_cast<uint32_t>(*owner_->options_.r));
      reader_ = stub()->AsyncGet(&*context_, get_, owner_->queue_.queue());
    }
    reader_->Finish(&read_, &status_, static_cast<EventHandler*>(this));
  }

  Reply TakeReply() const {
    if (!status_.ok()) return ReplyOf(status_, write_);
    return write_ ? ReplyOf(written_) : ReplyOf(read_);
  }

  UnaryTransport* const owner_;
  uint64_t tag_ = 0;
  bool write_ = false;
  size_t target_ = 0;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::GetResponse>> reader_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::WriteResponse>> writer_;
  grpc::Status status_;
  // Reused, since making them costs more than filling them.
  v1::GetRequest get_;
  v1::LocalReadRequest local_read_;
  v1::SetRequest set_;
  v1::GetResponse read_;
  v1::WriteResponse written_;
};

absl::StatusOr<std::unique_ptr<Transport>> UnaryTransport::Create(const TransportOptions& options) {
  absl::StatusOr<std::vector<boost::asio::ip::tcp::endpoint>> endpoints =
      ResolveTargets(options.targets);
  if (!endpoints.ok()) return endpoints.status();
  return absl::WrapUnique<Transport>(new UnaryTransport(options, *std::move(endpoints)));
}

UnaryTransport::UnaryTransport(const TransportOptions& options,
                               std::vector<boost::asio::ip::tcp::endpoint> endpoints)
    : options_(options), endpoints_(std::move(endpoints)), in_flight_(options.targets.size()) {
  for (const HostAndPort& target : options.targets) {
    channels_.push_back(NewTargetChannel(target));
    stubs_.push_back(v1::KeyValue::NewStub(channels_.back()));
  }
}

UnaryTransport::~UnaryTransport() {
  handler_ = nullptr;
  for (const auto& call : calls_) call->Cancel();
  while (in_flight_in_all_ > 0) {
    queue_.Wait(std::chrono::steady_clock::now() + std::chrono::seconds(1));
  }
}

bool UnaryTransport::HasRoom(size_t target) const {
  return in_flight_[target] < options_.max_in_flight;
}

void UnaryTransport::Send(uint64_t tag, const Request& request) {
  if (free_.empty()) {
    calls_.push_back(std::make_unique<Call>(this));
    free_.push_back(calls_.back().get());
  }
  Call* const call = free_.back();
  free_.pop_back();
  ++in_flight_[request.target];
  ++in_flight_in_all_;
  call->Start(tag, request);
}

void UnaryTransport::Poll(Time until, ReplyHandler* handler) {
  handler_ = handler;
  if (in_flight_in_all_ > 0) {
    queue_.Wait(until);
  } else {
    queue_.SleepThenHandle(until);
  }
  handler_ = nullptr;
}

std::vector<RestHealth> UnaryTransport::CheckTargets() {
  return AskStatus(channels_, options_.timeout);
}

bool UnaryTransport::TargetsAreLocal() const { return AreLocal(endpoints_); }

}  // namespace quorate::loadgen
