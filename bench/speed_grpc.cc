#include "bench/speed_grpc.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"

#include "bench/speed_messages.h"
#include "bench/transport_load.h"
#include "proto/kv.pb.h"
#include "support/event_tag.h"

namespace quorate {
namespace {

constexpr absl::Duration kDrain = absl::Seconds(5);

// Encodes requests and judges answers. An echo's request is what a node answers to a Get, so that
// the client does for an echo what it does for a node.
class Codec {
 public:
  explicit Codec(const SpeedLoad& load)
      : echo_(load.call == "echo"),
        set_(load.call == "set"),
        requests_(load.value_bytes, load.w, load.r) {
    CHECK(echo_ || set_ || load.call == "get") << "no call over gRPC: " << load.call;
  }

  std::string method() const { return absl::StrCat("/quorate.v1.KeyValue/", set_ ? "Set" : "Get"); }

  grpc::ByteBuffer Request(uint64_t key) {
    if (echo_) Fill(&response_);
    if (set_) requests_.Fill(key, &set_request_);
    if (!echo_ && !set_) requests_.Fill(key, &get_request_);
    return echo_  ? EncodeMessage(response_)
           : set_ ? EncodeMessage(set_request_)
                  : EncodeMessage(get_request_);
  }

  void CheckResponse(const grpc::ByteBuffer& bytes, SpeedTally* tally) {
    if (set_) return Check(DecodeMessage(bytes, &write_response_), tally);
    Check(DecodeMessage(bytes, &response_) && response_.found(), tally);
  }

  // The operations of a message, in any number, then the message.
  void Add(uint64_t id, uint64_t key) {
    if (echo_) {
      v1::StreamResult* const result = echoed_.add_results();
      result->set_id(id);
      return Fill(result->mutable_read());
    }
    v1::StreamOperation* const operation = request_.add_operations();
    operation->set_id(id);
    if (set_) {
      requests_.Fill(key, operation->mutable_set());
    } else {
      requests_.Fill(key, operation->mutable_get());
    }
  }
  grpc::ByteBuffer TakeMessage() {
    const grpc::ByteBuffer bytes = echo_ ? EncodeMessage(echoed_) : EncodeMessage(request_);
    echoed_.Clear();
    request_.Clear();
    return bytes;
  }

  // Calls `done` with the id of each result.
  template <typename Done>
  void TakeResults(const grpc::ByteBuffer& bytes, SpeedTally* tally, Done done) {
    if (!DecodeMessage(bytes, &results_))
      return tally->Failed("a message that is no StreamResponse");
    for (const v1::StreamResult& result : results_.results()) {
      if (result.has_error()) {
        tally->Failed(result.error().message());
      } else {
        Check(set_ ? result.has_write() : result.has_read() && result.read().found(), tally);
      }
      done(result.id());
    }
  }

 private:
  static void Check(bool ok, SpeedTally* tally) {
    if (ok) return tally->Succeeded();
    tally->Failed("an answer that is not what was asked for");
  }
  void Fill(v1::GetResponse* response) const {
    response->set_found(true);
    response->set_text(requests_.value());
    response->set_version(1'000'000);
    response->mutable_order()->set_major(1);
    response->mutable_order()->set_minor(1'000'000);
    response->set_context("0123456789abcdef");
    response->set_node("1");
    response->set_answers(1);
    response->set_required(1);
    response->set_durability(v1::MEMORY);
  }

  const bool echo_;
  const bool set_;
  const SpeedRequests requests_;
  // Reused, since making them costs more than filling them.
  v1::SetRequest set_request_;
  v1::GetRequest get_request_;
  v1::GetResponse response_;
  v1::WriteResponse write_response_;
  v1::StreamRequest request_;
  v1::StreamResponse echoed_;
  v1::StreamResponse results_;
};

// What all callers of one load share.
struct Shared {
  Shared(const SpeedLoad& load, SpeedTally* counts) : codec(load), tally(counts) {}

  Codec codec;
  SpeedTally* const tally;
  grpc::CompletionQueue queue;
  int open = 0;  // callers that have not ended
};

// One call after the other.
class UnaryCaller final : public EventHandler {
 public:
  UnaryCaller(Shared* shared, const std::shared_ptr<grpc::Channel>& channel)
      : shared_(shared), stub_(channel), method_(shared->codec.method()) {
    ++shared_->open;
    Call();
  }

  void OnEvent(bool) override {
    if (status_.ok()) {
      shared_->codec.CheckResponse(response_, shared_->tally);
    } else {
      shared_->tally->Failed(status_.error_message());
    }
    Call();
  }
  void Cancel() {
    if (context_ != nullptr) context_->TryCancel();
  }

 private:
  void Call() {
    const std::optional<uint64_t> key = shared_->tally->NextKey();
    if (!key.has_value()) {
      --shared_->open;
      return;
    }
    context_ = std::make_unique<grpc::ClientContext>();
    call_ = stub_.PrepareUnaryCall(context_.get(), method_, shared_->codec.Request(*key),
                                   &shared_->queue);
    call_->StartCall();
    call_->Finish(&response_, &status_, static_cast<EventHandler*>(this));
  }

  Shared* const shared_;
  grpc::GenericStub stub_;
  const std::string method_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> call_;
};

// One stream with a window of operations.
class StreamCaller {
 public:
  StreamCaller(Shared* shared, const SpeedLoad& load)
      : shared_(shared),
        window_(static_cast<size_t>(load.in_flight)),
        batch_(static_cast<size_t>(load.batch)),
        stub_(NewChannel(load.target)) {
    for (uint64_t id = 1; id <= window_; ++id) free_.push_back(id);
    ++shared_->open;
    call_ = stub_.PrepareCall(&context_, "/quorate.v1.KeyValue/Stream", &shared_->queue);
    call_->StartCall(started_.tag());
  }
  void Cancel() { context_.TryCancel(); }

 private:
  void OnStarted(bool ok) {
    if (!ok) return Finish();
    reading_ = true;
    call_->Read(&incoming_, read_.tag());
    Advance();
  }
  void OnWritten(bool ok) {
    writing_ = false;
    broken_ = broken_ || !ok;
    Advance();
  }
  void OnRead(bool ok) {
    if (!ok) {
      reading_ = false;
      broken_ = true;
      return Advance();
    }
    shared_->codec.TakeResults(incoming_, shared_->tally, [this](uint64_t id) {
      free_.push_back(id);
      CHECK_LE(free_.size(), window_) << "more results than operations";
    });
    call_->Read(&incoming_, read_.tag());
    Advance();
  }
  void OnFinished(bool) {
    if (!status_.ok()) shared_->tally->Failed(status_.error_message());
    --shared_->open;
  }

  void Advance() {
    if (writing_) return;
    if (broken_) {
      if (!reading_) Finish();
      return;
    }
    if (closed_ || free_.empty() || free_.size() < batch_) return;
    size_t added = 0;
    for (size_t room = batch_ > 0 ? batch_ : free_.size(); added < room; ++added) {
      const std::optional<uint64_t> key = shared_->tally->NextKey();
      if (!key.has_value()) break;
      shared_->codec.Add(free_.back(), *key);
      free_.pop_back();
    }
    if (added > 0) {
      writing_ = true;
      call_->Write(shared_->codec.TakeMessage(), written_.tag());
    } else if (free_.size() == window_) {
      closed_ = writing_ = true;
      call_->WritesDone(written_.tag());
    }
  }
  void Finish() { call_->Finish(&status_, finished_.tag()); }

  Shared* const shared_;
  const size_t window_;
  const size_t batch_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;
  std::vector<uint64_t> free_;  // ids
  bool reading_ = false;
  bool writing_ = false;
  bool closed_ = false;  // no message follows
  bool broken_ = false;  // or ended by the server
  EventTag<StreamCaller> started_{this, &StreamCaller::OnStarted};
  EventTag<StreamCaller> written_{this, &StreamCaller::OnWritten};
  EventTag<StreamCaller> read_{this, &StreamCaller::OnRead};
  EventTag<StreamCaller> finished_{this, &StreamCaller::OnFinished};
};

template <typename Caller>
void Run(const SpeedLoad& load, Shared* shared,
         const std::vector<std::unique_ptr<Caller>>& callers) {
  PollQueue(&shared->queue, &shared->open, load.warm_up);
  shared->tally->Begin();
  PollQueue(&shared->queue, &shared->open, load.duration);
  shared->tally->End();
  PollQueue(&shared->queue, &shared->open, kDrain);
  for (const std::unique_ptr<Caller>& caller : callers) caller->Cancel();
  PollQueue(&shared->queue, &shared->open, kDrain);
  CHECK_EQ(shared->open, 0) << "calls that do not end";
}

}  // namespace

void RunUnary(const SpeedLoad& load, SpeedTally* tally) {
  Shared shared(load, tally);
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < load.connections; ++i) channels.push_back(NewChannel(load.target));
  std::vector<std::unique_ptr<UnaryCaller>> callers;
  for (int i = 0; i < load.in_flight; ++i) {
    callers.push_back(std::make_unique<UnaryCaller>(
        &shared, channels[static_cast<size_t>(i % load.connections)]));
  }
  Run(load, &shared, callers);
}

void RunStreams(const SpeedLoad& load, SpeedTally* tally) {
  Shared shared(load, tally);
  std::vector<std::unique_ptr<StreamCaller>> callers;
  for (int i = 0; i < load.connections; ++i) {
    callers.push_back(std::make_unique<StreamCaller>(&shared, load));
  }
  Run(load, &shared, callers);
}

}  // namespace quorate
