#include "node/kv_service.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <type_traits>
#include <utility>

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

// What the calls of a service share.
struct CallHost {
  RawService* service = nullptr;
  PollLoop* loop = nullptr;
  KvApi* api = nullptr;
  int64_t max_reply_bytes = 0;
  std::atomic<int64_t> reply_bytes{0};  // of replies to reads that are being sent
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
      const auto bytes = static_cast<int64_t>(reply.Length());
      if (host_->reply_bytes.fetch_add(bytes) + bytes > host_->max_reply_bytes) {
        host_->reply_bytes.fetch_sub(bytes);
        return Fail(NotSent(absl::ResourceExhaustedError(
            absl::StrCat("replies of ", host_->reply_bytes.load(),
                         " bytes wait for their clients; retry later"))));
      }
      reply_bytes_ = bytes;
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
    host_->reply_bytes.fetch_sub(reply_bytes_);
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
  int64_t reply_bytes_ = 0;  // of host_->reply_bytes
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
  Methods(PollLoop* loop, KvApi* api, int64_t max_reply_bytes)
      : calls{this, loop, api, max_reply_bytes} {}

  CallHost calls;
};

KvService::KvService(PollLoop* loop, KvApi* api, const KvLimits& limits)
    : methods_(std::make_unique<Methods>(loop, api, limits.max_reply_bytes)),
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

}  // namespace quorate
