#include "loadgen/target_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

#include "client/retry_policy.h"
#include "loadgen/grpc_target.h"
#include "support/stream_metadata.h"

namespace quorate::loadgen {
namespace {

using google::protobuf::Arena;

// A message closes at this size; with one more operation it still is below what a node takes.
constexpr size_t kMessageBytes = size_t{1} << 20;

// What surrounds key and value, at most.
constexpr size_t kOperationBytes = 48;

// The messages of a fast stream fit without asking for memory.
constexpr size_t kArenaBlockBytes = size_t{128} << 10;

// A node that has not taken the stream after this long is taken for dead.
constexpr std::chrono::nanoseconds kOpenTimeout = std::chrono::seconds(1);

RetryOptions Reopening() {
  RetryOptions options;
  options.initial_backoff = absl::Milliseconds(50);
  options.max_backoff = absl::Seconds(2);
  return options;
}

google::protobuf::ArenaOptions ArenaOn(std::vector<char>* block) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block->data();
  options.initial_block_size = block->size();
  options.start_block_size = options.max_block_size = kArenaBlockBytes;
  return options;
}

Reply Failure(absl::Status status, bool may_have_applied) {
  Reply reply;
  reply.status = std::move(status);
  reply.may_have_applied = may_have_applied;
  return reply;
}

}  // namespace

TargetStream::TargetStream(const std::string& name, const TransportOptions* options,
                           GrpcQueue* queue, const std::shared_ptr<grpc::Channel>& channel)
    : name_(name),
      options_(options),
      timeout_(absl::ToChronoNanoseconds(options->timeout)),
      queue_(queue),
      stub_(v1::KeyValue::NewStub(channel)),
      outgoing_block_(kArenaBlockBytes),
      incoming_block_(kArenaBlockBytes),
      outgoing_arena_(ArenaOn(&outgoing_block_)),
      incoming_arena_(ArenaOn(&incoming_block_)) {
  NewMessage();
}

TargetStream::~TargetStream() { CHECK(idle()) << "a stream goes away with a call under way"; }

// ---- Operations ----

bool TargetStream::HasRoom() const {
  return operations_.size() < options_->max_in_flight && request_bytes_ < kMessageBytes;
}

bool TargetStream::Refuses(Time now) const {
  return state_ == State::kEnding || (state_ == State::kClosed && now < open_again_);
}

void TargetStream::Send(uint64_t tag, const Request& request) {
  const Time now = std::chrono::steady_clock::now();
  OperationTable::Entry& entry = operations_.Add();
  entry.tag = tag;
  entry.write = request.write;
  entry.deadline = now + timeout_;
  if (Refuses(now)) {
    entry.message = 0;
    refused_.push_back(entry.id);
    return;
  }
  entry.message = message_number_;
  entry.position = request_->operations_size();
  AddToMessage(entry.id, request);
  if (state_ == State::kClosed) Open(now);
}

void TargetStream::NewMessage() {
  outgoing_arena_.Reset();
  request_ = Arena::CreateMessage<v1::StreamRequest>(&outgoing_arena_);
  request_bytes_ = 0;
  ++message_number_;
}

void TargetStream::AddToMessage(uint64_t id, const Request& request) {
  v1::StreamOperation* const operation = request_->add_operations();
  operation->set_id(id);
  operation->set_timeout_ms(
      static_cast<uint32_t>(std::max<int64_t>(absl::ToInt64Milliseconds(options_->timeout), 1)));
  if (request.write) {
    v1::SetRequest* const set = operation->mutable_set();
    set->set_key_bytes(request.key.data(), request.key.size());
    set->set_data(request.value.data(), request.value.size());
    if (options_->w.has_value()) set->set_w(static_cast<uint32_t>(*options_->w));
  } else if (request.local) {
    operation->mutable_local_read()->set_key_bytes(request.key.data(), request.key.size());
  } else {
    v1::GetRequest* const get = operation->mutable_get();
    get->set_key_bytes(request.key.data(), request.key.size());
    if (options_->r.has_value()) get->set_r(static_cast<uint32_t>(*options_->r));
  }
  request_bytes_ += request.key.size() + request.value.size() + kOperationBytes;
}

// The last operation takes the place of the one that goes.
void TargetStream::RemoveFromMessage(const OperationTable::Entry& entry) {
  auto* const operations = request_->mutable_operations();
  const int last = operations->size() - 1;
  if (entry.position != last) {
    operations->SwapElements(entry.position, last);
    operations_.Find(operations->Get(entry.position).id())->position = entry.position;
  }
  operations->RemoveLast();
  if (operations->empty()) request_bytes_ = 0;
}

void TargetStream::End(uint64_t id, const Reply& reply) {
  OperationTable::Entry* const entry = operations_.Find(id);
  if (entry == nullptr) return;
  const uint64_t tag = entry->tag;
  operations_.Remove(entry);
  if (handler_ != nullptr) handler_->OnReply(tag, reply);
}

void TargetStream::Expire(Time now) {
  for (auto* entry = operations_.First(); entry != nullptr && entry->deadline <= now;
       entry = operations_.First()) {
    const bool sent = entry->message != message_number_ && entry->message != 0;
    if (entry->message == message_number_) RemoveFromMessage(*entry);
    // A node that reads nothing needs no longer list than that.
    if (sent && cancelled_.size() < options_->max_in_flight) cancelled_.push_back(entry->id);
    End(entry->id, Failure(absl::DeadlineExceededError("no answer in time"), sent && entry->write));
  }
}

void TargetStream::EndRefused() {
  const absl::Status why = last_failure_.ok()
                               ? absl::UnavailableError(absl::StrCat(name_, " ends the stream"))
                               : last_failure_;
  // The handler may send again, and be refused again.
  const std::vector<uint64_t> refused = std::exchange(refused_, {});
  for (const uint64_t id : refused) End(id, Failure(why, /*may_have_applied=*/false));
}

void TargetStream::EndLate(Time now) {
  if (state_ == State::kOpening && now >= open_deadline_) {
    open_deadline_ = Time::max();
    context_->TryCancel();
  }
  Expire(now);
  if (!refused_.empty()) EndRefused();
}

TargetStream::Time TargetStream::NextDeadline() const {
  if (!refused_.empty()) return Time();
  const OperationTable::Entry* const first = operations_.First();
  const Time deadline = first == nullptr ? Time::max() : first->deadline;
  return state_ == State::kOpening ? std::min(deadline, open_deadline_) : deadline;
}

// ---- The stream ----

void TargetStream::Open(Time now) {
  state_ = State::kOpening;
  finished_ = false;
  open_deadline_ = now + kOpenTimeout;
  context_ = std::make_unique<grpc::ClientContext>();
  call_ = stub_->PrepareAsyncStream(context_.get(), queue_->queue());
  call_->StartCall(started_tag_.tag());
}

void TargetStream::OnStarted(bool ok) {
  if (!ok) return Finish();
  // Nothing is sent before the node has taken the stream: until then, what is lost was not written.
  call_->ReadInitialMetadata(opened_tag_.tag());
}

void TargetStream::OnOpened(bool ok) {
  // A call that is refused has initial metadata too, as far as gRPC is concerned; and where the
  // time was over in the same turn, the call is already cancelled.
  const bool in_time = ok && open_deadline_ != Time::max();
  if (!in_time || context_->GetServerInitialMetadata().count(kStreamMetadata) == 0) return Finish();
  state_ = State::kOpen;
  response_ = Arena::CreateMessage<v1::StreamResponse>(&incoming_arena_);
  call_->Read(response_, read_tag_.tag());
  Flush();
}

void TargetStream::Flush() {
  if (state_ != State::kOpen || writing_) return;
  if (request_->operations_size() == 0 && cancelled_.empty()) return;
  for (const uint64_t id : cancelled_) request_->add_cancel(id);
  cancelled_.clear();
  writing_ = true;
  call_->Write(*request_, written_tag_.tag());
  // The message has been encoded.
  NewMessage();
}

void TargetStream::OnWritten(bool ok) {
  writing_ = false;
  // The stream may have ended before it is known that the write went well.
  if (state_ == State::kEnding) return CloseIfOver();
  // Where it failed, the read in flight fails too.
  if (ok) Flush();
}

void TargetStream::OnRead(bool ok) {
  if (!ok) return Finish();
  failures_ = 0;
  for (const v1::StreamResult& result : response_->results()) {
    const OperationTable::Entry* const entry = operations_.Find(result.id());
    // One that was not asked for, or that is too late.
    if (entry == nullptr || entry->message == message_number_ || entry->message == 0) continue;
    End(result.id(), ReplyOf(result, entry->write));
  }
  incoming_arena_.Reset();
  response_ = Arena::CreateMessage<v1::StreamResponse>(&incoming_arena_);
  call_->Read(response_, read_tag_.tag());
}

void TargetStream::Finish() {
  state_ = State::kEnding;
  call_->Finish(&status_, finished_tag_.tag());
}

void TargetStream::OnFinished(bool) {
  finished_ = true;
  CloseIfOver();
}

void TargetStream::CloseIfOver() {
  if (!finished_ || writing_) return;
  state_ = State::kClosed;
  call_.reset();
  context_.reset();
  incoming_arena_.Reset();
  cancelled_.clear();
  ++failures_;
  open_again_ = std::chrono::steady_clock::now() +
                absl::ToChronoNanoseconds(Backoff(Reopening(), failures_, random_));
  last_failure_ = absl::UnavailableError(absl::StrCat(
      "the stream to ", name_,
      " has ended: ", absl::StatusCodeToString(static_cast<absl::StatusCode>(status_.error_code())),
      " ", PrintableExcerpt(status_.error_message())));
  // The handler may send again, to be refused.
  std::vector<OperationTable::Entry> lost;
  for (auto* entry = operations_.First(); entry != nullptr; entry = operations_.After(*entry)) {
    if (entry->message != 0) lost.push_back(*entry);
  }
  const uint64_t unsent = message_number_;
  NewMessage();
  for (const OperationTable::Entry& entry : lost) {
    End(entry.id, Failure(last_failure_, entry.write && entry.message != unsent));
  }
}

void TargetStream::Shutdown() {
  if (shut_down_) return;
  shut_down_ = true;
  handler_ = nullptr;
  if (context_ != nullptr) context_->TryCancel();
}

}  // namespace quorate::loadgen
