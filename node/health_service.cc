#include "node/health_service.h"

#include "glog/logging.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/async_unary_call.h"

namespace quorate {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

constexpr char kKeyValueService[] = "quorate.v1.KeyValue";

// A bound against clients that only open watches.
constexpr size_t kMaxWatches = 256;

}  // namespace

// Owns itself.
class HealthService::CheckCall {
 public:
  explicit CheckCall(HealthService* owner) : owner_(owner), hold_(owner->loop_) {
    owner_->service_.RequestCheck(&context_, &request_, &responder_, owner_->loop_->queue(),
                                  owner_->loop_->queue(), arrived_.tag());
  }

 private:
  void OnArrived(bool ok) {
    if (!ok) return OnFinished(false);  // the server goes down
    new CheckCall(owner_);
    const HealthCheckResponse response = owner_->StatusOf(request_.service());
    const bool known = response.status() != HealthCheckResponse::SERVICE_UNKNOWN;
    responder_.Finish(
        response,
        known ? grpc::Status::OK : grpc::Status(grpc::StatusCode::NOT_FOUND, "no such service"),
        finished_.tag());
  }
  void OnFinished(bool) { delete this; }

  HealthService* const owner_;
  const PollLoop::Hold hold_;
  grpc::ServerContext context_;
  HealthCheckRequest request_;
  grpc::ServerAsyncResponseWriter<HealthCheckResponse> responder_{&context_};
  EventTag<CheckCall> arrived_{this, &CheckCall::OnArrived};
  EventTag<CheckCall> finished_{this, &CheckCall::OnFinished};
};

// Owns itself.
class HealthService::WatchCall {
 public:
  explicit WatchCall(HealthService* owner) : owner_(owner), hold_(owner->loop_) {
    context_.AsyncNotifyWhenDone(done_.tag());
    owner_->service_.RequestWatch(&context_, &request_, &writer_, owner_->loop_->queue(),
                                  owner_->loop_->queue(), arrived_.tag());
  }

  // Sends the status if it is another than the last one sent.
  void Update() {
    if (writing_ || ending_) return;
    const HealthCheckResponse response = owner_->StatusOf(request_.service());
    if (response.status() == sent_) return;
    sent_ = response.status();
    writing_ = true;
    writer_.Write(response, written_.tag());
  }

 private:
  void OnArrived(bool ok) {
    if (!ok) {  // the server goes down; done_ does not come for a call that never was
      delete this;
      return;
    }
    new WatchCall(owner_);
    if (owner_->watches_.size() >= kMaxWatches) {
      return End(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many watches"));
    }
    owner_->watches_.insert(this);
    Update();
  }
  void OnWritten(bool ok) {
    writing_ = false;
    if (!ok || done_seen_) return End(grpc::Status::CANCELLED);
    Update();
  }
  // The client has gone, the server goes down, or the end has been sent.
  void OnDone(bool) {
    done_seen_ = true;
    if (!ending_ && !writing_) End(grpc::Status::CANCELLED);
    DeleteIfOver();
  }
  void End(const grpc::Status& status) {
    if (ending_) return;
    ending_ = true;
    owner_->watches_.erase(this);
    writer_.Finish(status, finished_.tag());
  }
  void OnFinished(bool) {
    finished_seen_ = true;
    DeleteIfOver();
  }
  void DeleteIfOver() {
    if (done_seen_ && finished_seen_) delete this;
  }

  HealthService* const owner_;
  const PollLoop::Hold hold_;
  HealthCheckResponse::ServingStatus sent_ = HealthCheckResponse::UNKNOWN;  // never sent
  bool writing_ = false;
  bool ending_ = false;
  bool done_seen_ = false;
  bool finished_seen_ = false;
  grpc::ServerContext context_;
  HealthCheckRequest request_;
  grpc::ServerAsyncWriter<HealthCheckResponse> writer_{&context_};
  EventTag<WatchCall> arrived_{this, &WatchCall::OnArrived};
  EventTag<WatchCall> written_{this, &WatchCall::OnWritten};
  EventTag<WatchCall> finished_{this, &WatchCall::OnFinished};
  EventTag<WatchCall> done_{this, &WatchCall::OnDone};
};

HealthService::~HealthService() { CHECK(watches_.empty()) << "watches outlive their service"; }

void HealthService::Start() {
  new CheckCall(this);
  new WatchCall(this);
}

void HealthService::SetServing(bool serving) {
  serving_ = serving;
  const std::set<WatchCall*> watches = watches_;
  for (WatchCall* watch : watches) watch->Update();
}

HealthCheckResponse HealthService::StatusOf(absl::string_view service) const {
  HealthCheckResponse response;
  if (!service.empty() && service != kKeyValueService) {
    response.set_status(HealthCheckResponse::SERVICE_UNKNOWN);
  } else {
    response.set_status(serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING);
  }
  return response;
}

}  // namespace quorate
