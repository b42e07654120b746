#include "loadgen/grpc_target.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/channel_arguments.h"

#include "proto/kv.grpc.pb.h"

namespace quorate::loadgen {
namespace {

// A value with all its siblings fits.
constexpr int kMaxResponseBytes = 64 << 20;

RestHealth HealthOf(const grpc::Status& status, const v1::StatusResponse& response) {
  RestHealth health;
  if (!status.ok()) {
    health.status = absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                                 PrintableExcerpt(status.error_message()));
    return health;
  }
  if (response.state() != "serving") {
    health.status = absl::UnavailableError(
        PrintableExcerpt(absl::StrCat("the node is ", response.state(),
                                      response.detail().empty() ? "" : ": ", response.detail())));
  }
  health.node = PrintableExcerpt(response.node());
  health.role = PrintableExcerpt(response.role());
  health.strategy = PrintableExcerpt(response.strategy());
  health.guarantee = PrintableExcerpt(response.guarantee());
  health.durability = PrintableExcerpt(response.durability());
  health.emulated_delays = PrintableExcerpt(response.emulated_delays());
  for (const auto& [name, value] : response.counters()) {
    health.counters[PrintableExcerpt(name)] = value;
  }
  health.n = static_cast<int>(response.n());
  health.w = static_cast<int>(response.w());
  health.r = static_cast<int>(response.r());
  return health;
}

// A code of 0 would be no error; one that nobody knows is UNKNOWN to absl::Status too.
absl::Status ErrorOf(int code, absl::string_view message) {
  const auto known = code == 0 ? absl::StatusCode::kUnknown : static_cast<absl::StatusCode>(code);
  return absl::Status(known, PrintableExcerpt(message));
}

Order OrderOf(const v1::Order& order) { return {order.major(), order.minor(), order.tie()}; }

}  // namespace

std::shared_ptr<grpc::Channel> NewTargetChannel(const HostAndPort& target) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // Nodes are called directly, whatever proxy the environment names for the web.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  return grpc::CreateCustomChannel(target.ToString(), grpc::InsecureChannelCredentials(),
                                   arguments);
}

std::vector<RestHealth> AskStatus(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                                  absl::Duration timeout) {
  struct Call {
    grpc::ClientContext context;
    v1::StatusResponse response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<v1::StatusResponse>> reader;
  };
  const auto deadline = std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout);
  grpc::CompletionQueue queue;
  std::vector<Call> calls(channels.size());
  for (size_t i = 0; i < channels.size(); ++i) {
    calls[i].context.set_deadline(deadline);
    calls[i].reader = v1::KeyValue::NewStub(channels[i])
                          ->AsyncStatus(&calls[i].context, v1::StatusRequest(), &queue);
    calls[i].reader->Finish(&calls[i].response, &calls[i].status, &calls[i]);
  }
  void* tag = nullptr;
  bool ok = false;
  for (size_t i = 0; i < calls.size(); ++i) queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  std::vector<RestHealth> health;
  for (const Call& call : calls) health.push_back(HealthOf(call.status, call.response));
  return health;
}

Reply ReplyOf(const v1::GetResponse& response) {
  Reply reply;
  reply.found = response.found();
  if (response.found()) reply.value = response.has_text() ? response.text() : response.data();
  reply.version = response.version();
  // What was never written has no order, and that is known.
  reply.order_known = response.has_order() || response.version() == 0;
  reply.order = response.has_order() ? OrderOf(response.order()) : Order{0, response.version(), 0};
  reply.node = response.node();
  return reply;
}

Reply ReplyOf(const v1::WriteResponse& response) {
  Reply reply;
  reply.version = response.version();
  reply.order_known = response.has_order();
  reply.order = response.has_order() ? OrderOf(response.order()) : Order{0, response.version(), 0};
  reply.node = response.node();
  return reply;
}

Reply ReplyOf(const v1::StreamError& error) {
  Reply reply;
  reply.status = ErrorOf(error.code(), error.message());
  reply.may_have_applied = error.details().may_have_applied();
  return reply;
}

Reply ReplyOf(const v1::StreamResult& result, bool write) {
  if (result.has_error()) return ReplyOf(result.error());
  if (write && result.has_write()) return ReplyOf(result.write());
  if (!write && result.has_read()) return ReplyOf(result.read());
  Reply reply;
  reply.status = absl::InternalError("the node has answered with a result of another kind");
  reply.may_have_applied = write;
  return reply;
}

Reply ReplyOf(const grpc::Status& status, bool write) {
  Reply reply;
  reply.status = ErrorOf(status.error_code(), status.error_message());
  reply.may_have_applied = write;
  v1::RpcStatus rpc_status;
  v1::ErrorDetails details;
  if (write && rpc_status.ParseFromString(status.error_details()) &&
      rpc_status.details_size() > 0 && rpc_status.details(0).UnpackTo(&details)) {
    reply.may_have_applied = details.may_have_applied();
  }
  return reply;
}

}  // namespace quorate::loadgen
