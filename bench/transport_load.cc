#include "bench/transport_load.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "grpc/support/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

#include "node/peer_stream.h"
#include "node/poll_loop.h"
#include "proto/kv.grpc.pb.h"
#include "proto/peer.grpc.pb.h"

namespace quorate {
namespace {

constexpr absl::Duration kWarmUp = absl::Milliseconds(200);

// What all requests of one measurement share.
struct Tally {
  grpc::CompletionQueue queue;
  bool running = true;
  int open = 0;  // requests, or streams, that have not ended
  int64_t answers = 0;
};

// One call after the other.
class Caller final : public EventHandler {
 public:
  Caller(Tally* tally, const std::shared_ptr<grpc::Channel>& channel)
      : tally_(tally), stub_(v1::KeyValue::NewStub(channel)) {
    request_.set_key("key");
    ++tally_->open;
    Call();
  }

  void OnEvent(bool) override {
    CHECK(status_.ok()) << status_.error_message();
    ++tally_->answers;
    if (tally_->running) return Call();
    --tally_->open;
  }

 private:
  void Call() {
    context_ = std::make_unique<grpc::ClientContext>();
    call_ = stub_->PrepareAsyncGet(context_.get(), request_, &tally_->queue);
    call_->StartCall();
    call_->Finish(&response_, &status_, static_cast<EventHandler*>(this));
  }

  Tally* const tally_;
  const std::unique_ptr<v1::KeyValue::Stub> stub_;
  v1::GetRequest request_;
  v1::GetResponse response_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::GetResponse>> call_;
  grpc::Status status_;
};

// One stream with a window of batches.
class Streamer final {
 public:
  Streamer(Tally* tally, const StreamLoad& load, NodeId id, const std::string& address)
      : tally_(tally), window_(load.window), stub_(peer::v1::Peer::NewStub(NewChannel(address))) {
    batch_.set_cluster("bench");
    batch_.set_from(id);
    for (int i = 0; i < load.messages; ++i) {
      batch_.add_messages(std::string(static_cast<size_t>(load.message_bytes), 'm'));
    }
    context_.AddMetadata(kNodeMetadata, absl::StrCat(id));
    context_.AddMetadata(kClusterMetadata, "bench");
    ++tally_->open;
    call_ = stub_->AsyncReplicate(&context_, &tally_->queue, started_.tag());
  }

  // Ends the stream; the tally's `open` falls when it has ended.
  void Cancel() { context_.TryCancel(); }

 private:
  void OnStarted(bool ok) {
    CHECK(ok) << "the stream did not start";
    call_->Read(&reply_, read_.tag());
    Write();
  }
  void OnWritten(bool ok) {
    writing_ = false;
    if (!ok) return Ended();
    if (tally_->running && in_flight_ < window_) return Write();
    Ended();
  }
  void OnRead(bool ok) {
    if (!ok) {
      CHECK(!tally_->running) << "the server has ended the stream";
      reading_ = false;
      return Ended();
    }
    tally_->answers += reply_.messages_size();
    --in_flight_;
    call_->Read(&reply_, read_.tag());
    if (tally_->running && !writing_) Write();
  }
  void Write() {
    writing_ = true;
    ++in_flight_;
    call_->Write(batch_, written_.tag());
  }
  void Ended() {
    if (!reading_ && !writing_) call_->Finish(&status_, finished_.tag());
  }
  void OnFinished(bool) { --tally_->open; }

  Tally* const tally_;
  const int window_;
  const std::unique_ptr<peer::v1::Peer::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<peer::v1::Batch, peer::v1::Batch>> call_;
  peer::v1::Batch batch_;
  peer::v1::Batch reply_;
  grpc::Status status_;
  int in_flight_ = 0;
  bool reading_ = true;
  bool writing_ = false;
  EventTag<Streamer> started_{this, &Streamer::OnStarted};
  EventTag<Streamer> read_{this, &Streamer::OnRead};
  EventTag<Streamer> written_{this, &Streamer::OnWritten};
  EventTag<Streamer> finished_{this, &Streamer::OnFinished};
};

double AnswersPerSecond(Tally* tally, absl::Duration duration) {
  PollQueue(&tally->queue, &tally->open, kWarmUp);
  const int64_t before = tally->answers;
  const MonotonicTime start = MonotonicNow();
  PollQueue(&tally->queue, &tally->open, duration);
  return static_cast<double>(tally->answers - before) /
         absl::ToDoubleSeconds(MonotonicNow() - start);
}

}  // namespace

std::shared_ptr<grpc::Channel> NewChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(kMaxPeerMessageBytes);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

void PollQueue(grpc::CompletionQueue* queue, const int* open, absl::Duration duration) {
  const MonotonicTime end = MonotonicNow() + duration;
  while (*open > 0) {
    const MonotonicTime now = MonotonicNow();
    if (now >= end) return;
    void* tag = nullptr;
    bool ok = false;
    const gpr_timespec wait =
        gpr_time_from_micros(absl::ToInt64Microseconds(end - now), GPR_TIMESPAN);
    const grpc::CompletionQueue::NextStatus status =
        queue->AsyncNext(&tag, &ok, gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), wait));
    if (status == grpc::CompletionQueue::GOT_EVENT) static_cast<EventHandler*>(tag)->OnEvent(ok);
  }
}

Measurement MeasureUnary(const std::string& address, const UnaryLoad& load,
                         absl::Duration duration) {
  Tally tally;
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < load.channels; ++i) channels.push_back(NewChannel(address));
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < load.in_flight; ++i) {
    callers.push_back(
        std::make_unique<Caller>(&tally, channels[static_cast<size_t>(i % load.channels)]));
  }
  const double rate = AnswersPerSecond(&tally, duration);
  tally.running = false;
  PollQueue(&tally.queue, &tally.open, absl::InfiniteDuration());
  return Measurement{rate, tally.answers};
}

Measurement MeasureStreams(const std::string& address, const StreamLoad& load,
                           absl::Duration duration) {
  Tally tally;
  std::vector<std::unique_ptr<Streamer>> streamers;
  for (int i = 1; i <= load.streams; ++i) {
    streamers.push_back(std::make_unique<Streamer>(&tally, load, static_cast<NodeId>(i), address));
  }
  const double rate = AnswersPerSecond(&tally, duration);
  tally.running = false;
  for (const std::unique_ptr<Streamer>& streamer : streamers) streamer->Cancel();
  PollQueue(&tally.queue, &tally.open, absl::InfiniteDuration());
  return Measurement{rate, tally.answers};
}

}  // namespace quorate
