#include "client/node_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

#include "support/stream_metadata.h"

namespace quorate {
namespace {

// A message closes at this size; an operation that is larger travels alone.
constexpr size_t kBatchBytes = size_t{1} << 20;

// An id to cancel takes no more.
constexpr size_t kCancelBytes = 10;

// A node that has not taken the stream after this long is taken for dead.
constexpr absl::Duration kOpenTimeout = absl::Seconds(1);

// At least 1: 0 stands for the node's own default.
uint32_t TimeoutMillis(SteadyTime now, SteadyTime answer_by) {
  const absl::Duration wanted = std::min(absl::FromChrono(answer_by - now), absl::Hours(1));
  return static_cast<uint32_t>(std::max<int64_t>(absl::ToInt64Milliseconds(wanted), 1));
}

RetryOptions Reopening() {
  RetryOptions options;
  options.initial_backoff = absl::Milliseconds(50);
  options.max_backoff = absl::Seconds(2);
  return options;
}

}  // namespace

NodeStream::NodeStream(const std::string& address, EventLoop* loop, v1::KeyValue::Stub* stub,
                       NodeStreamListener* listener)
    : address_(address), loop_(loop), stub_(stub), listener_(listener) {}

NodeStream::~NodeStream() { CHECK(idle()) << "a stream goes away with a call under way"; }

absl::Status NodeStream::Send(v1::StreamOperation operation, SteadyTime answer_by) {
  if (shut_down_) return absl::UnavailableError("the connection is closing");
  if (state_ == State::kEnding || (state_ == State::kClosed && loop_->now() < open_again_)) {
    return last_failure_.ok() ? absl::UnavailableError(absl::StrCat(address_, " ends the stream"))
                              : last_failure_;
  }
  const uint64_t id = operation.id();
  queued_.emplace_hint(queued_.end(), id, Queued{std::move(operation), answer_by});
  if (state_ == State::kClosed) Open();
  return absl::OkStatus();
}

void NodeStream::Cancel(uint64_t id) {
  if (queued_.erase(id) > 0) return;
  if (sent_.erase(id) > 0 && state_ == State::kOpen) cancelled_.push_back(id);
}

void NodeStream::Open() {
  state_ = State::kOpening;
  finished_ = false;
  context_ = std::make_unique<grpc::ClientContext>();
  call_ = stub_->PrepareAsyncStream(context_.get(), loop_->queue());
  call_->StartCall(started_tag_.tag());
  timer_runs_ = true;
  open_timer_ = loop_->StartTimer(After(loop_->now(), kOpenTimeout), [this] {
    timer_runs_ = false;
    context_->TryCancel();
  });
}

void NodeStream::StopOpenTimer() {
  if (timer_runs_) loop_->StopTimer(open_timer_);
  timer_runs_ = false;
}

void NodeStream::OnStarted(bool ok) {
  if (!ok) return Finish();
  // Nothing is sent before the node has taken the stream: until then, what is lost was not written.
  // Nor can gRPC send anything twice, since its own retries of a call end where its metadata come.
  call_->ReadInitialMetadata(opened_tag_.tag());
}

void NodeStream::OnOpened(bool ok) {
  // A call that is refused has initial metadata too, as far as gRPC is concerned; and where the
  // time was over in the same turn, the call is already cancelled.
  const bool in_time = ok && timer_runs_;
  if (!in_time || context_->GetServerInitialMetadata().count(kStreamMetadata) == 0) return Finish();
  StopOpenTimer();
  state_ = State::kOpen;
  call_->Read(&response_, read_tag_.tag());
}

void NodeStream::Flush() {
  if (state_ != State::kOpen || writing_ || (queued_.empty() && cancelled_.empty())) return;
  request_.Clear();
  size_t bytes = 0;
  for (; !cancelled_.empty() && bytes < kBatchBytes; bytes += kCancelBytes) {
    request_.add_cancel(cancelled_.back());
    cancelled_.pop_back();
  }
  while (!queued_.empty() && bytes < kBatchBytes) {
    const auto first = queued_.begin();
    v1::StreamOperation& operation = first->second.operation;
    // Only now: it may have waited for the stream, or for messages before it.
    operation.set_timeout_ms(TimeoutMillis(loop_->now(), first->second.answer_by));
    const size_t size = operation.ByteSizeLong();
    if (bytes > 0 && bytes + size > kBatchBytes) break;
    bytes += size;
    sent_.insert(first->first);
    request_.mutable_operations()->Add(std::move(operation));
    queued_.erase(first);
  }
  writing_ = true;
  call_->Write(request_, written_tag_.tag());
}

void NodeStream::OnWritten(bool ok) {
  writing_ = false;
  // The stream may have ended before it is known that the write went well.
  if (state_ == State::kEnding) return CloseIfOver();
  // Where it failed, the read in flight fails too.
  if (ok) Flush();
}

void NodeStream::OnRead(bool ok) {
  if (!ok) return Finish();
  failures_ = 0;
  for (v1::StreamResult& result : *response_.mutable_results()) {
    if (sent_.erase(result.id()) > 0) listener_->OnResult(&result);
  }
  call_->Read(&response_, read_tag_.tag());
}

void NodeStream::Finish() {
  StopOpenTimer();
  state_ = State::kEnding;
  call_->Finish(&status_, finished_tag_.tag());
}

void NodeStream::OnFinished(bool) {
  finished_ = true;
  CloseIfOver();
}

void NodeStream::CloseIfOver() {
  if (!finished_ || writing_) return;
  state_ = State::kClosed;
  call_.reset();
  context_.reset();
  cancelled_.clear();
  ++failures_;
  open_again_ = After(loop_->now(), Backoff(Reopening(), failures_, random_));
  last_failure_ = absl::UnavailableError(absl::StrCat(
      "the stream to ", address_,
      " has ended: ", absl::StatusCodeToString(static_cast<absl::StatusCode>(status_.error_code())),
      " ", status_.error_message()));
  // The listener may send again, to other streams.
  const auto queued = std::exchange(queued_, {});
  const auto sent = std::exchange(sent_, {});
  for (const uint64_t id : sent) listener_->OnLost(id, /*sent=*/true, last_failure_);
  for (const auto& [id, unsent] : queued) listener_->OnLost(id, /*sent=*/false, last_failure_);
}

void NodeStream::Shutdown() {
  if (shut_down_) return;
  shut_down_ = true;
  queued_.clear();
  sent_.clear();
  if (context_ != nullptr) context_->TryCancel();
}

}  // namespace quorate
