#include "node/kv_service.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "grpc/support/time.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/proto_buffer_writer.h"

#include "node/kv_codec.h"
#include "node/status_mapping.h"
#include "replication/outcomes.h"
#include "support/mutex.h"

namespace quorate {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(2);
// For the reply's way back. Beside it gRPC rounds a timeout up on the wire, by up to one per cent.
constexpr absl::Duration kReplyMargin = absl::Milliseconds(20);

// Calls that each method awaits at a time: more than arrive between two turns of the poll loop
// would only take memory.
constexpr int kAwaitedCalls = 64;

using RawService = v1::KeyValue::WithRawMethod_Get<
    v1::KeyValue::WithRawMethod_Set<v1::KeyValue::WithRawMethod_Delete<
        v1::KeyValue::WithRawMethod_LocalRead<v1::KeyValue::WithRawMethod_Status<
            v1::KeyValue::WithRawMethod_Stream<v1::KeyValue::Service>>>>>>;

using Responder = grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>;

template <typename Message>
bool Parse(grpc::ByteBuffer* bytes, Message* message) {
  grpc::ProtoBufferReader reader(bytes);
  return reader.status().ok() && message->ParseFromZeroCopyStream(&reader);
}

template <typename Message>
grpc::ByteBuffer Encode(const Message& message) {
  grpc::ByteBuffer bytes;
  bool own_buffer = false;
  grpc::SerializationTraits<Message>::Serialize(message, &bytes, &own_buffer);
  return bytes;
}

// The time until the client's deadline; infinite where it has set none.
absl::Duration Remaining(const grpc::ServerContext& context) {
  const gpr_timespec deadline = gpr_convert_clock_type(context.raw_deadline(), GPR_CLOCK_MONOTONIC);
  if (gpr_time_cmp(deadline, gpr_inf_future(GPR_CLOCK_MONOTONIC)) == 0) {
    return absl::InfiniteDuration();
  }
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(GPR_CLOCK_MONOTONIC));
  return absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
}

// The long replies to reads that clients have not taken yet. They are bounded, and in time, too: or
// a client that takes none would keep all others from reading for as long as it is connected.
// Thread-safe.
class WaitingReplies {
 public:
  WaitingReplies(size_t max_bytes, absl::Duration timeout)
      : max_bytes_(max_bytes), timeout_(timeout) {}

  // To be called before the reply is sent. RESOURCE_EXHAUSTED, and nothing changes, where it would
  // be too much. `context` is the call's, and must live until Remove.
  absl::Status Add(grpc::ServerContext* context, size_t bytes) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (bytes > max_bytes_ - bytes_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("replies of ", bytes_, " bytes wait for their clients; retry later"));
    }
    bytes_ += bytes;
    replies_.emplace(context, Reply{bytes, MonotonicNow()});
    return absl::OkStatus();
  }

  void Remove(grpc::ServerContext* context) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto found = replies_.find(context);
    bytes_ -= found->second.bytes;
    replies_.erase(found);
  }

  // Ends the calls whose replies have waited for too long: Remove follows. On the poll thread.
  void CutOff(MonotonicTime now) ABSL_LOCKS_EXCLUDED(mu_) {
    if (now < next_check_) return;
    next_check_ = now + std::min(kCheckInterval, timeout_ / 2);
    MutexLock lock(&mu_);
    for (const auto& [context, reply] : replies_) {
      if (reply.since <= now - timeout_) context->TryCancel();
    }
  }

 private:
  static constexpr absl::Duration kCheckInterval = absl::Seconds(1);

  struct Reply {
    size_t bytes = 0;
    MonotonicTime since;
  };

  const size_t max_bytes_;
  const absl::Duration timeout_;
  MonotonicTime next_check_ = -absl::InfiniteDuration();  // of the poll thread

  Mutex mu_;
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<grpc::ServerContext*, Reply> replies_ ABSL_GUARDED_BY(mu_);
};

// What the calls of a service share.
struct CallHost {
  RawService* service = nullptr;
  PollLoop* loop = nullptr;
  KvApi* api = nullptr;
  WaitingReplies replies;
};

template <typename Request>
constexpr bool kWrites =
    std::is_same_v<Request, v1::SetRequest> || std::is_same_v<Request, v1::DeleteRequest>;

// One call of one method, from the moment it is awaited to the end of its reply.
template <typename Request>
class Call {
 public:
  // Asks the server for the next call: RawService::RequestGet and the like.
  using Await = void (RawService::*)(grpc::ServerContext*, grpc::ByteBuffer*, Responder*,
                                     grpc::CompletionQueue*, grpc::ServerCompletionQueue*, void*);

  // Owns itself from here on.
  static void Start(CallHost* host, Await await) {
    auto* call = new Call(host, await);
    call->context_.AsyncNotifyWhenDone(call->done_.tag());
    (host->service->*await)(&call->context_, &call->bytes_, &call->responder_, host->loop->queue(),
                            host->loop->queue(), call->arrived_.tag());
  }

 private:
  Call(CallHost* host, Await await) : host_(host), await_(await), hold_(host->loop) {}

  void OnArrived(bool ok) {
    if (!ok) {  // the server goes down; done_ does not come for a call that never was
      delete this;
      return;
    }
    Start(host_, await_);
    Serve();
  }

  void Serve();

  // On any thread.
  void Fail(const OperationResult& result) {
    const grpc::Status status(
        static_cast<grpc::StatusCode>(ToWireStatus(result.status.code()).number),
        PrintableMessage(result.status.message()), EncodeErrorDetails(result, *host_->api));
    responder_.FinishWithError(status, finished_.tag());
  }
  void RefuseUnparsed(absl::Status status) {
    OperationResult refusal = NotSent(std::move(status));
    grpc::ProtoBufferReader reader(&bytes_);
    if (IsEncodedRepeat(*Request::descriptor(), &reader)) SpeakOfEarlierTries(&refusal);
    Fail(refusal);
  }
  void Reply(const OperationResult& result) {
    if (!result.status.ok()) return Fail(result);
    if constexpr (kWrites<Request>) {
      Finish(Encode(ToWriteResponse(key_, result, *host_->api)));
    } else {
      grpc::ByteBuffer reply = Encode(ToGetResponse(key_, siblings_, result, *host_->api));
      if (reply.Length() > kUncountedAnswerBytes) {
        absl::Status room = host_->replies.Add(&context_, reply.Length());
        if (!room.ok()) return Fail(NotSent(std::move(room)));
        counted_ = true;
      }
      Finish(reply);
    }
  }
  void Finish(const grpc::ByteBuffer& reply) {
    responder_.Finish(reply, grpc::Status::OK, finished_.tag());
  }

  void OnDone(bool) {
    done_seen_ = true;
    if (context_.IsCancelled() && operation_ != 0) host_->api->Cancel(operation_);
    DeleteIfOver();
  }
  void OnFinished(bool) {
    if (counted_) host_->replies.Remove(&context_);
    finished_seen_ = true;
    DeleteIfOver();
  }
  void DeleteIfOver() {
    if (done_seen_ && finished_seen_) delete this;
  }

  CallHost* const host_;
  const Await await_;
  const PollLoop::Hold hold_;
  grpc::ServerContext context_;
  grpc::ByteBuffer bytes_;
  std::string key_;
  bool siblings_ = false;
  Responder responder_{&context_};
  OperationId operation_ = 0;
  bool counted_ = false;  // the reply is one of host_->replies
  bool done_seen_ = false;
  bool finished_seen_ = false;
  EventTag<Call> arrived_{this, &Call::OnArrived};
  EventTag<Call> done_{this, &Call::OnDone};
  EventTag<Call> finished_{this, &Call::OnFinished};
};

template <typename Request>
void Call<Request>::Serve() {
  if (bytes_.Length() > kMaxRequestBytes) {
    return RefuseUnparsed(absl::ResourceExhaustedError(
        absl::StrCat("the request has ", bytes_.Length(), " bytes; the limit is ", kMaxRequestBytes,
                     ", and a value may have --max_value_bytes")));
  }
  Request request;
  if (!Parse(&bytes_, &request)) {
    return RefuseUnparsed(absl::InvalidArgumentError(absl::StrCat(
        "the request is no ", Request::descriptor()->name(),
        ": it is damaged, or a text in it is not UTF-8 (use key_bytes and data for bytes)")));
  }
  bytes_.Clear();
  siblings_ = WantsSiblings(request);
  const bool repeat = IsRepeat(request);
  absl::StatusOr<Operation> operation = ToOperation(std::move(request));
  if (!operation.ok()) {
    OperationResult refusal = NotSent(operation.status());
    if (repeat) SpeakOfEarlierTries(&refusal);
    return Fail(refusal);
  }
  operation->timeout = OperationTimeout(Remaining(context_));
  key_ = operation->key;
  operation_ =
      host_->api->Start(*std::move(operation), [this](OperationResult result) { Reply(result); });
}

template <>
void Call<v1::StatusRequest>::Serve() {
  Finish(Encode(host_->api->Status()));
}

}  // namespace

absl::Duration OperationTimeout(absl::Duration remaining) {
  if (remaining == absl::InfiniteDuration()) return kDefaultTimeout;
  const absl::Duration margin = std::min(remaining / 10, kReplyMargin + remaining / 100);
  return std::min(remaining - margin, kLongestTimeout);
}

class KvService::Methods : public RawService {
 public:
  Methods(PollLoop* loop, KvApi* api, const KvLimits& limits)
      : calls{this, loop, api, {limits.max_reply_bytes, limits.reply_timeout}} {}

  CallHost calls;
};

KvService::KvService(PollLoop* loop, KvApi* api, const KvLimits& limits)
    : methods_(std::make_unique<Methods>(loop, api, limits)),
      streams_(limits.stream, loop, api,
               [this, loop](grpc::ServerContext* context, KvStreams::Call* call, void* tag) {
                 methods_->RequestStream(context, call, loop->queue(), loop->queue(), tag);
               }) {}

KvService::~KvService() = default;

grpc::Service* KvService::service() { return methods_.get(); }

void KvService::Start() {
  CallHost* const calls = &methods_->calls;
  for (int i = 0; i < kAwaitedCalls; ++i) {
    Call<v1::GetRequest>::Start(calls, &RawService::RequestGet);
    Call<v1::SetRequest>::Start(calls, &RawService::RequestSet);
    Call<v1::DeleteRequest>::Start(calls, &RawService::RequestDelete);
    Call<v1::LocalReadRequest>::Start(calls, &RawService::RequestLocalRead);
  }
  Call<v1::StatusRequest>::Start(calls, &RawService::RequestStatus);
  streams_.Start();
}

bool KvService::Flush(MonotonicTime now) {
  methods_->calls.replies.CutOff(now);
  return streams_.Flush(now);
}

}  // namespace quorate
