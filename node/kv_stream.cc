#include "node/kv_stream.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "grpcpp/support/slice.h"

#include "node/kv_codec.h"
#include "node/stream_request_reader.h"
#include "replication/outcomes.h"
#include "support/stream_metadata.h"

namespace quorate {
namespace {

// A message of results closes at this size; a result that is larger travels alone.
constexpr size_t kBatchBytes = size_t{1} << 20;

// Operations that are started between two turns of the strand, a few times what it does in one; and
// a single stream's part of them, so that others have their turn.
constexpr int kMaxStartedInTurn = 1024;
constexpr int kMaxStartedByOne = 256;

// Of a read's result, as long as a stream has seen none: a stream that begins with many reads of
// the largest values must not fill the memory before it is known.
constexpr size_t kFirstExpectedBytes = size_t{256} << 10;

// Between two looks at who does not take what is written.
constexpr absl::Duration kCheckInterval = absl::Seconds(1);

// `results`, field 1 of StreamResponse, length-delimited.
constexpr char kResultsTag = v1::StreamResponse::kResultsFieldNumber << 3 | 2;

// Messages that are written one after the other are one message: its repeated field has the
// elements of all.
void AppendResult(const v1::StreamResult& result, size_t size, std::string* batch) {
  using google::protobuf::io::CodedOutputStream;
  const size_t before = batch->size();
  const size_t length_bytes = CodedOutputStream::VarintSize32(static_cast<uint32_t>(size));
  batch->resize(before + 1 + length_bytes + size);
  auto* out = reinterpret_cast<uint8_t*>(&(*batch)[before]);
  *out++ = static_cast<uint8_t>(kResultsTag);
  out = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(size), out);
  result.SerializeWithCachedSizesToArray(out);
}

bool IsRead(const v1::StreamOperation& request) {
  return request.has_get() || request.has_local_read();
}

}  // namespace

// One stream. Owns itself from the moment it is awaited until its last event has come and its last
// operation has ended. All calls are on the poll thread.
class KvStream {
 public:
  explicit KvStream(KvStreams* owner) : owner_(owner), hold_(owner->loop_) {
    context_.AsyncNotifyWhenDone(done_.tag());
    owner_->await_(&context_, &call_, accepted_.tag());
  }

  // Encodes the result of an operation, which is forgotten.
  void OnResult(KvStreams::InFlight* operation, const OperationResult& result);

  // No more requests are taken; the stream ends with `status` once all has been answered.
  void StopReading(grpc::Status status) {
    if (stopped_reading_) return;
    stopped_reading_ = true;
    status_ = std::move(status);
  }

  // Does what can be done now: starts operations, reads, writes, ends, deletes the stream. Returns
  // whether it has given the KvApi something to do, or could start more.
  bool Advance();

  // Ends the stream where the client has not taken a write that began at `began` or before.
  void CutOffIfSilent(MonotonicTime began) {
    if (writing_ && write_began_ <= began) context_.TryCancel();
  }

 private:
  void OnAccepted(bool ok);
  void OnRead(bool ok);
  void OnWritten(bool ok);
  void OnDone(bool ok);
  void OnFinished(bool ok);

  // Whether the stream may start another operation; as far as it is up to itself, and at all. A
  // stream with nothing in flight may always start one.
  bool HasOwnRoom() const {
    const StreamLimits& limits = owner_->limits_;
    return operations_.size() < limits.max_operations &&
           request_bytes_ + waiting_bytes_ + reads_ * expected_bytes_ < limits.max_bytes &&
           (waiting_bytes_ == 0 || owner_->waiting_bytes_ < limits.max_waiting_bytes_in_all);
  }
  bool HasRoom() const { return HasOwnRoom() && (operations_.empty() || owner_->RoomInAll()); }
  bool Take(const grpc::ByteBuffer& message);
  bool StartOperations();
  void StartOperation(absl::string_view bytes);
  void CancelOperation(uint64_t id);
  void CancelAll();
  // The result of an operation that was never started.
  // `repeat`: of a write that has been tried before.
  void Refuse(uint64_t id, bool repeat, absl::Status status);
  void Queue(bool replaceable);
  void Write();

  KvStreams* const owner_;
  const PollLoop::Hold hold_;

  // The message at hand: started up to where the reader stands.
  bool has_message_ = false;
  grpc::Slice message_;
  StreamRequestReader reader_;

  // In flight.
  absl::flat_hash_map<uint64_t, std::unique_ptr<KvStreams::InFlight>> operations_;  // by id
  size_t request_bytes_ = 0;
  size_t reads_ = 0;
  size_t expected_bytes_ = kFirstExpectedBytes;  // of a read's result: the recent maximum, decaying

  // Results to be sent, and the bytes of these and of those in the write in flight.
  std::deque<std::string> batches_;
  size_t waiting_bytes_ = 0;
  size_t writing_bytes_ = 0;

  bool reading_ = false;
  bool writing_ = false;
  MonotonicTime write_began_;
  bool stopped_reading_ = false;
  bool gone_ = false;       // nobody is there to hear results
  bool finishing_ = false;  // Finish has been called
  bool finished_ = false;   // and its event has come
  bool done_seen_ = false;
  grpc::Status status_;
  grpc::ServerContext context_;
  KvStreams::Call call_{&context_};
  grpc::ByteBuffer incoming_;
  EventTag<KvStream> accepted_{this, &KvStream::OnAccepted};
  EventTag<KvStream> read_{this, &KvStream::OnRead};
  EventTag<KvStream> written_{this, &KvStream::OnWritten};
  EventTag<KvStream> done_{this, &KvStream::OnDone};
  EventTag<KvStream> finish_{this, &KvStream::OnFinished};
};

void KvStream::OnAccepted(bool ok) {
  if (!ok) {  // the server goes down; done_ does not come for a call that never was
    delete this;
    return;
  }
  owner_->AwaitStream();
  if (owner_->ended_) {
    StopReading({grpc::StatusCode::UNAVAILABLE, "this node is shutting down"});
  } else if (owner_->streams_.size() >= owner_->limits_.max_streams) {
    StopReading({grpc::StatusCode::RESOURCE_EXHAUSTED,
                 absl::StrCat("this node has ", owner_->limits_.max_streams,
                              " streams, its limit; close one or use another node")});
  }
  owner_->streams_.insert(this);
  if (!stopped_reading_) {
    // Tells the client that the stream is taken: what it has not sent before was not written.
    writing_ = true;
    write_began_ = owner_->now_;
    context_.AddInitialMetadata(kStreamMetadata, kStreamMetadataValue);
    call_.SendInitialMetadata(written_.tag());
  }
  Advance();
}

void KvStream::OnRead(bool ok) {
  reading_ = false;
  if (!ok) {
    StopReading(grpc::Status::OK);
  } else if (!stopped_reading_) {
    if (!Take(incoming_)) {
      StopReading({grpc::StatusCode::INVALID_ARGUMENT, "the message is no StreamRequest"});
    }
    incoming_.Clear();
  }
  Advance();
}

bool KvStream::Take(const grpc::ByteBuffer& message) {
  if (message.Length() > static_cast<size_t>(kMaxRequestBytes)) {
    StopReading({grpc::StatusCode::RESOURCE_EXHAUSTED,
                 absl::StrCat("the message has ", message.Length(), " bytes; the limit is ",
                              kMaxRequestBytes, ": send fewer operations in one")});
    return true;
  }
  if (!message.TrySingleSlice(&message_).ok() && !message.DumpToSingleSlice(&message_).ok()) {
    return false;
  }
  reader_ = StreamRequestReader(
      absl::string_view(reinterpret_cast<const char*>(message_.begin()), message_.size()));
  has_message_ = reader_.WellFormed();
  return has_message_;
}

void KvStream::OnWritten(bool ok) {
  writing_ = false;
  waiting_bytes_ -= writing_bytes_;
  owner_->waiting_bytes_ -= writing_bytes_;
  writing_bytes_ = 0;
  if (!ok) CancelAll();
  Advance();
}

// The client has gone, the server goes down, or the end has been sent.
void KvStream::OnDone(bool) {
  done_seen_ = true;
  if (context_.IsCancelled()) CancelAll();
  Advance();
}

void KvStream::OnFinished(bool) {
  finished_ = true;
  Advance();
}

void KvStream::CancelAll() {
  StopReading(grpc::Status::CANCELLED);
  gone_ = true;
  has_message_ = false;
  for (const std::string& batch : batches_) {
    waiting_bytes_ -= batch.size();
    owner_->waiting_bytes_ -= batch.size();
  }
  batches_.clear();
  for (const auto& [id, operation] : operations_) {
    if (operation->operation != 0) owner_->api_->Cancel(operation->operation);
  }
}

bool KvStream::Advance() {
  bool more = StartOperations();
  if (!has_message_) message_ = grpc::Slice();
  if (!has_message_ && !reading_ && !stopped_reading_ && HasRoom()) {
    reading_ = true;
    call_.Read(&incoming_, read_.tag());
  }
  if (!writing_ && !batches_.empty()) Write();
  const bool idle = !has_message_ && operations_.empty() && !writing_;
  if (idle && stopped_reading_ && !finishing_) {
    finishing_ = true;
    call_.Finish(status_, finish_.tag());
  }
  if (idle && finished_ && done_seen_ && !reading_) {
    owner_->streams_.erase(this);
    owner_->waiting_.erase(this);
    delete this;
    return false;
  }
  return more;
}

bool KvStream::StartOperations() {
  StreamItem item;
  int started = 0;
  while (has_message_ && HasRoom() && started < kMaxStartedByOne && owner_->turn_left_ > 0) {
    if (!reader_.Next(&item)) {
      has_message_ = false;
      break;
    }
    ++started;
    --owner_->turn_left_;
    if (item.cancel.has_value()) {
      CancelOperation(*item.cancel);
    } else {
      StartOperation(*item.operation);
    }
  }
  // What the stream itself has too much of ends with an event of its own. A stream without a
  // message only waits for room in all.
  if ((has_message_ && HasOwnRoom()) || (!stopped_reading_ && HasOwnRoom() && !HasRoom())) {
    owner_->waiting_.insert(this);
  } else {
    owner_->waiting_.erase(this);
  }
  return started > 0;
}

void KvStream::StartOperation(absl::string_view bytes) {
  v1::StreamOperation& request = owner_->request_;
  const bool parsed = request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const uint64_t id = request.id();
  if (!parsed) {
    google::protobuf::io::ArrayInputStream encoded(bytes.data(), static_cast<int>(bytes.size()));
    return Refuse(id, IsEncodedRepeat(*v1::StreamOperation::descriptor(), &encoded),
                  absl::InvalidArgumentError(
                      "the operation is no StreamOperation: it is damaged, or a text in it is "
                      "not UTF-8 (use key_bytes and data for bytes)"));
  }
  const bool repeat = IsRepeat(request);
  auto [entry, inserted] = operations_.try_emplace(id);
  if (!inserted) {
    return Refuse(id, repeat,
                  absl::InvalidArgumentError(absl::StrCat("an operation with id ", id,
                                                          " is already in flight on this stream")));
  }
  const bool siblings = WantsSiblings(request);
  const bool read = IsRead(request);
  absl::StatusOr<Operation> operation = ToOperation(&request);
  if (!operation.ok()) {
    operations_.erase(entry);
    return Refuse(id, repeat, operation.status());
  }
  entry->second = std::make_unique<KvStreams::InFlight>();
  KvStreams::InFlight* const started = entry->second.get();
  started->stream = this;
  started->id = id;
  started->key = operation->key;
  started->write = !read;
  started->siblings = siblings;
  started->bytes = bytes.size();
  ++owner_->in_flight_;
  request_bytes_ += bytes.size();
  if (read) ++reads_;
  // The result may come before Start has returned; it is looked at by Flush only.
  started->operation =
      owner_->api_->Start(*std::move(operation), [owner = owner_, started](OperationResult result) {
        owner->OnResult(started, std::move(result));
      });
}

void KvStream::CancelOperation(uint64_t id) {
  const auto found = operations_.find(id);
  if (found == operations_.end() || found->second->operation == 0) return;
  owner_->api_->Cancel(found->second->operation);
}

void KvStream::Refuse(uint64_t id, bool repeat, absl::Status status) {
  OperationResult refusal = NotSent(std::move(status));
  if (repeat) SpeakOfEarlierTries(&refusal);
  v1::StreamResult& encoded = owner_->result_;
  encoded.set_id(id);
  *encoded.mutable_error() = ToStreamError(refusal, *owner_->api_);
  Queue(/*replaceable=*/false);
}

void KvStream::OnResult(KvStreams::InFlight* operation, const OperationResult& result) {
  const bool read = !operation->write;
  const uint64_t id = operation->id;
  if (!gone_) {
    v1::StreamResult& encoded = owner_->result_;
    encoded.set_id(id);
    if (!result.status.ok()) {
      *encoded.mutable_error() = ToStreamError(result, *owner_->api_);
    } else if (read) {
      FillGetResponse(operation->key, operation->siblings, result, *owner_->api_,
                      encoded.mutable_read());
    } else {
      FillWriteResponse(operation->key, result, *owner_->api_, encoded.mutable_write());
    }
    Queue(/*replaceable=*/read);
  }
  --owner_->in_flight_;
  request_bytes_ -= operation->bytes;
  if (read) --reads_;
  operations_.erase(id);
}

// The result in owner_->result_. `replaceable`: an error may stand in its place.
void KvStream::Queue(bool replaceable) {
  v1::StreamResult& result = owner_->result_;
  size_t size = result.ByteSizeLong();
  if (replaceable) expected_bytes_ = std::max(size, expected_bytes_ - expected_bytes_ / 8);
  const StreamLimits& limits = owner_->limits_;
  // Where all streams together have too much, those pay that have more than their part of it; one
  // result is never more than that.
  const bool too_much_in_all =
      waiting_bytes_ > 0 && owner_->waiting_bytes_ + size > limits.max_waiting_bytes_in_all &&
      waiting_bytes_ + size > limits.max_waiting_bytes_in_all / limits.max_streams;
  if (replaceable && (waiting_bytes_ + size > limits.max_waiting_bytes || too_much_in_all)) {
    *result.mutable_error() = ToStreamError(
        NotSent(absl::ResourceExhaustedError(
            "the results that wait for this client are too large together; read them, and have "
            "fewer reads of large values in flight")),
        *owner_->api_);
    size = result.ByteSizeLong();
  }
  if (batches_.empty() || batches_.back().size() + size > kBatchBytes) batches_.emplace_back();
  const size_t before = batches_.back().size();
  AppendResult(result, size, &batches_.back());
  waiting_bytes_ += batches_.back().size() - before;
  owner_->waiting_bytes_ += batches_.back().size() - before;
}

void KvStream::Write() {
  const std::string batch = std::move(batches_.front());
  batches_.pop_front();
  writing_ = true;
  writing_bytes_ = batch.size();
  write_began_ = owner_->now_;
  const grpc::Slice slice(batch);
  call_.Write(grpc::ByteBuffer(&slice, 1), written_.tag());
}

KvStreams::KvStreams(const StreamLimits& limits, PollLoop* loop, KvApi* api, Await await)
    : limits_(limits), loop_(loop), api_(api), await_(std::move(await)) {}

KvStreams::~KvStreams() { CHECK(streams_.empty()) << "streams outlive their service"; }

void KvStreams::Start() { AwaitStream(); }

void KvStreams::AwaitStream() { new KvStream(this); }

void KvStreams::OnResult(InFlight* operation, OperationResult result) {
  if (loop_->OnLoopThread()) {
    finished_here_.push_back(Finished{operation, std::move(result)});
    return;
  }
  // Once the result is in the list, the stream may end, and the loop with it.
  PollLoop* const loop = loop_;
  const PollLoop::Hold hold(loop);
  bool first = false;
  {
    MutexLock lock(&mu_);
    first = finished_elsewhere_.empty();
    finished_elsewhere_.push_back(Finished{operation, std::move(result)});
  }
  if (first) loop->Wake();
}

std::vector<KvStreams::Finished> KvStreams::TakeFinished() {
  std::vector<Finished> finished = std::move(finished_here_);
  finished_here_.clear();
  MutexLock lock(&mu_);
  std::move(finished_elsewhere_.begin(), finished_elsewhere_.end(), std::back_inserter(finished));
  finished_elsewhere_.clear();
  return finished;
}

void KvStreams::CutOffSilent(MonotonicTime now) {
  if (now < next_check_) return;
  next_check_ = now + std::min(kCheckInterval, limits_.write_timeout / 2);
  for (KvStream* stream : streams_) stream->CutOffIfSilent(now - limits_.write_timeout);
}

bool KvStreams::Flush(MonotonicTime now) {
  now_ = now;
  turn_left_ = kMaxStartedInTurn;
  CutOffSilent(now);
  std::set<KvStream*> touched = waiting_;
  KvStream* last = nullptr;
  for (Finished& finished : TakeFinished()) {
    KvStream* const stream = finished.operation->stream;
    stream->OnResult(finished.operation, finished.result);
    if (stream != last) touched.insert(stream);
    last = stream;
  }
  // Beginning behind the one that was served last, or the first ones would get all there is.
  std::vector<KvStream*> in_turn(touched.upper_bound(served_last_), touched.end());
  in_turn.insert(in_turn.end(), touched.begin(), touched.upper_bound(served_last_));
  bool more = false;
  for (KvStream* stream : in_turn) {
    if (!stream->Advance()) continue;
    served_last_ = stream;
    more = true;
  }
  return more || (!waiting_.empty() && RoomInAll()) || !finished_here_.empty();
}

void KvStreams::End() {
  ended_ = true;
  const std::set<KvStream*> streams = streams_;
  for (KvStream* stream : streams) {
    stream->StopReading({grpc::StatusCode::UNAVAILABLE, "this node is shutting down"});
    stream->Advance();
  }
}

}  // namespace quorate
