#include "bench/phased_callers.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "glog/logging.h"
#include "grpc/support/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"

#include "bench/transport_load.h"
#include "node/poll_loop.h"
#include "proto/kv.pb.h"
#include "support/event_tag.h"

namespace quorate {
namespace {

// Operations a stream that wait for the transport, and operations a message.
constexpr size_t kMaxWaiting = 256;
constexpr size_t kMaxBatch = 256;

// Calls a connection: a node takes no more, so further ones would wait in the transport.
constexpr int kMaxCalls = 128;

constexpr absl::Duration kReopenAfter = absl::Milliseconds(100);

constexpr int kDeadlineExceeded = 4;
constexpr int kUnavailable = 14;

class StreamCaller final : public PhasedCaller {
 public:
  StreamCaller(const std::string& target, PhasedShared* shared)
      : shared_(shared), stub_(NewChannel(target)) {}

  bool Begin(const PhasedOperation& operation) override {
    if (unsent_ >= kMaxWaiting) return false;
    entries_.push_back(Entry{operation, false});
    ++unsent_;
    ++shared_->in_flight;
    return true;
  }
  void Flush() override { Advance(); }
  void Tick(MonotonicTime now) override {
    while (!entries_.empty() && entries_.front().operation.due + shared_->deadline <= now) {
      End(&entries_.front(), kDeadlineExceeded, "no answer in time", now);
      PopFront();
    }
    if (state_ == State::kClosed && !shut_down_ && now >= open_again_) Open();
  }
  void Shutdown() override {
    shut_down_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }

 private:
  enum class State { kClosed, kOpening, kOpen, kEnding, kFinishing };
  struct Entry {
    PhasedOperation operation;
    bool ended = false;
  };

  void Open() {
    state_ = State::kOpening;
    ++shared_->open;
    context_ = std::make_unique<grpc::ClientContext>();
    call_ = stub_.PrepareCall(context_.get(), "/quorate.v1.KeyValue/Stream", &shared_->queue);
    call_->StartCall(started_.tag());
  }
  void OnStarted(bool ok) {
    if (!ok) return Finish();
    state_ = State::kOpen;
    Read();
    Advance();
  }
  void OnWritten(bool ok) {
    writing_ = false;
    if (!ok) state_ = State::kEnding;
    Advance();
  }
  void OnRead(bool ok) {
    reading_ = false;
    if (!ok) {
      state_ = State::kEnding;
      if (writing_) context_->TryCancel();
      return Advance();
    }
    TakeResults();
    Read();
    shared_->on_ended();
    Advance();
  }
  void OnFinished(bool) {
    const int code = status_.ok() ? kUnavailable : status_.error_code();
    const MonotonicTime now = MonotonicNow();
    while (entries_.size() > unsent_) {
      End(&entries_.front(), code, status_.error_message(), now);
      PopFront();
    }
    --shared_->open;
    state_ = State::kClosed;
    open_again_ = now + kReopenAfter;
  }

  void Read() {
    reading_ = true;
    call_->Read(&incoming_, read_.tag());
  }
  void Finish() {
    state_ = State::kFinishing;
    call_->Finish(&status_, finished_.tag());
  }
  void Advance() {
    if (writing_) return;
    if (state_ == State::kEnding && !reading_) return Finish();
    if (state_ != State::kOpen || unsent_ == 0) return;
    const MonotonicTime now = MonotonicNow();
    for (size_t room = std::min(unsent_, kMaxBatch); room > 0; --room, --unsent_) {
      const size_t index = entries_.size() - unsent_;
      const PhasedOperation& operation = entries_[index].operation;
      v1::StreamOperation* const added = request_.add_operations();
      added->set_id(first_id_ + index);
      const absl::Duration left = operation.due + shared_->deadline - now;
      added->set_timeout_ms(
          static_cast<uint32_t>(std::max<int64_t>(absl::ToInt64Milliseconds(left), 1)));
      if (operation.set) {
        shared_->requests.Fill(operation.key, added->mutable_set());
      } else {
        shared_->requests.Fill(operation.key, added->mutable_get());
      }
      shared_->tally->Sent();
    }
    writing_ = true;
    call_->Write(EncodeMessage(request_), written_.tag());
    request_.Clear();
  }

  void TakeResults() {
    CHECK(DecodeMessage(incoming_, &results_)) << "a message that is no StreamResponse";
    const MonotonicTime now = MonotonicNow();
    for (const v1::StreamResult& result : results_.results()) {
      if (result.id() < first_id_) continue;  // too late
      const size_t index = result.id() - first_id_;
      CHECK_LT(index, entries_.size() - unsent_) << "a result of what was not asked";
      Entry& entry = entries_[index];
      if (result.has_error()) {
        End(&entry, result.error().code(), result.error().message(), now);
      } else {
        const bool right =
            entry.operation.set ? result.has_write() : result.has_read() && result.read().found();
        End(&entry, right ? 0 : kWrongAnswer, "not what was asked for", now);
      }
    }
    while (!entries_.empty() && entries_.front().ended) PopFront();
  }
  void End(Entry* entry, int code, const std::string& message, MonotonicTime now) {
    if (entry->ended) return;
    entry->ended = true;
    --shared_->in_flight;
    shared_->tally->Ended(entry->operation, code, message, now);
  }
  void PopFront() {
    entries_.pop_front();
    ++first_id_;
    unsent_ = std::min(unsent_, entries_.size());
  }

  PhasedShared* const shared_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;
  State state_ = State::kClosed;
  MonotonicTime open_again_;
  bool shut_down_ = false;
  bool reading_ = false;
  bool writing_ = false;
  std::deque<Entry> entries_;  // in the order of their ids, without gaps; the last are unsent
  uint64_t first_id_ = 1;      // of entries_.front()
  size_t unsent_ = 0;
  // Reused, since making them costs more than filling them.
  v1::StreamRequest request_;
  v1::StreamResponse results_;
  EventTag<StreamCaller> started_{this, &StreamCaller::OnStarted};
  EventTag<StreamCaller> written_{this, &StreamCaller::OnWritten};
  EventTag<StreamCaller> read_{this, &StreamCaller::OnRead};
  EventTag<StreamCaller> finished_{this, &StreamCaller::OnFinished};
};

class UnaryCaller final : public PhasedCaller {
 public:
  UnaryCaller(const std::string& target, PhasedShared* shared)
      : shared_(shared), stub_(NewChannel(target)) {}

  bool Begin(const PhasedOperation& operation) override {
    if (calls_ >= kMaxCalls) return false;
    ++calls_;
    ++shared_->open;
    ++shared_->in_flight;
    shared_->tally->Sent();
    new Call(this, operation);
    return true;
  }
  void Flush() override {}
  void Tick(MonotonicTime) override {}
  void Shutdown() override {}  // calls end by their deadlines

 private:
  // Deletes itself when it has ended.
  class Call final : public EventHandler {
   public:
    Call(UnaryCaller* owner, const PhasedOperation& operation)
        : owner_(owner), operation_(operation) {
      const absl::Duration left = operation.due + owner->shared_->deadline - MonotonicNow();
      context_.set_deadline(
          gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                       gpr_time_from_micros(std::max<int64_t>(absl::ToInt64Microseconds(left), 1),
                                            GPR_TIMESPAN)));
      call_ = owner->stub_.PrepareUnaryCall(
          &context_, operation.set ? "/quorate.v1.KeyValue/Set" : "/quorate.v1.KeyValue/Get",
          owner->Encode(operation), &owner->shared_->queue);
      call_->StartCall();
      call_->Finish(&response_, &status_, static_cast<EventHandler*>(this));
    }

    void OnEvent(bool) override {
      int code = status_.error_code();
      if (status_.ok() && !owner_->Right(response_, operation_)) code = kWrongAnswer;
      PhasedShared* const shared = owner_->shared_;
      shared->tally->Ended(operation_, code, status_.error_message(), MonotonicNow());
      --owner_->calls_;
      --shared->open;
      --shared->in_flight;
      delete this;
      shared->on_ended();
    }

   private:
    UnaryCaller* const owner_;
    const PhasedOperation operation_;
    grpc::ClientContext context_;
    grpc::ByteBuffer response_;
    grpc::Status status_;
    std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> call_;
  };

  grpc::ByteBuffer Encode(const PhasedOperation& operation) {
    if (operation.set) {
      shared_->requests.Fill(operation.key, &set_);
      return EncodeMessage(set_);
    }
    shared_->requests.Fill(operation.key, &get_);
    return EncodeMessage(get_);
  }
  bool Right(const grpc::ByteBuffer& response, const PhasedOperation& operation) {
    if (operation.set) return DecodeMessage(response, &written_);
    return DecodeMessage(response, &read_) && read_.found();
  }

  PhasedShared* const shared_;
  grpc::GenericStub stub_;
  int calls_ = 0;
  v1::SetRequest set_;
  v1::GetRequest get_;
  v1::WriteResponse written_;
  v1::GetResponse read_;
};

}  // namespace

std::unique_ptr<PhasedCaller> NewStreamCaller(const std::string& target, PhasedShared* shared) {
  return std::make_unique<StreamCaller>(target, shared);
}

std::unique_ptr<PhasedCaller> NewUnaryCaller(const std::string& target, PhasedShared* shared) {
  return std::make_unique<UnaryCaller>(target, shared);
}

}  // namespace quorate
