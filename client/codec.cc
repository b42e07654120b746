#include "client/codec.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace quorate {
namespace {

Order Decode(const v1::Order& order) { return {order.major(), order.minor(), order.tie()}; }

// By the name that the other interfaces have for it; empty where the node has said nothing.
std::string Decode(v1::Durability durability) {
  switch (durability) {
    case v1::MEMORY:
      return "memory";
    case v1::OS:
      return "os";
    case v1::SYNCED:
      return "synced";
    default:
      return "";
  }
}

// Takes the value out of a message that has the oneof of text and data.
template <typename Message>
std::string TakeValue(Message* message) {
  return message->has_text() ? std::move(*message->mutable_text())
                             : std::move(*message->mutable_data());
}

Error WrongKind(bool write) {
  Error error;
  error.status = absl::InternalError("the node has answered with a result of another kind");
  error.details.may_have_applied = write;
  return error;
}

// A quorum below 1 is sent as 0, which a node refuses by name.
uint32_t Quorum(int wanted) { return wanted < 0 ? 0 : static_cast<uint32_t>(wanted); }

// All but the value.
template <typename Message>
void EncodeWrite(WriteRequest request, Message* message) {
  message->set_key_bytes(std::move(request.key));
  message->set_context(std::move(request.context));
  message->set_session(std::move(request.session));
  message->set_request_id(std::move(request.request_id));
  message->set_repeat(request.repeat);
  if (request.w.has_value()) message->set_w(Quorum(*request.w));
}

}  // namespace

v1::StreamOperation Encode(ReadRequest request) {
  v1::StreamOperation operation;
  if (request.local_only) {
    v1::LocalReadRequest* read = operation.mutable_local_read();
    read->set_key_bytes(std::move(request.key));
    read->set_siblings(request.siblings);
    return operation;
  }
  v1::GetRequest* read = operation.mutable_get();
  read->set_key_bytes(std::move(request.key));
  read->set_siblings(request.siblings);
  if (request.r.has_value()) read->set_r(Quorum(*request.r));
  read->set_linearizable(request.linearizable);
  read->set_session(std::move(request.session));
  return operation;
}

v1::StreamOperation Encode(WriteRequest request) {
  v1::StreamOperation operation;
  if (request.value.has_value()) {
    operation.mutable_set()->set_data(*std::move(request.value));
    EncodeWrite(std::move(request), operation.mutable_set());
  } else {
    EncodeWrite(std::move(request), operation.mutable_delete_());
  }
  return operation;
}

Error DecodeError(const v1::StreamError& error) {
  Error decoded;
  // OK would be no error; a code that nobody knows is UNKNOWN to absl::Status too.
  const auto code =
      error.code() == 0 ? absl::StatusCode::kUnknown : static_cast<absl::StatusCode>(error.code());
  decoded.status = absl::Status(code, error.message());
  decoded.details.may_have_applied = error.details().may_have_applied();
  decoded.details.acks = static_cast<int>(error.details().acks());
  decoded.details.required = static_cast<int>(error.details().required());
  decoded.details.leader = error.details().leader();
  return decoded;
}

Outcome<ReadReply> DecodeRead(v1::StreamResult* result) {
  if (result->has_error()) return DecodeError(result->error());
  if (!result->has_read()) return WrongKind(/*write=*/false);
  v1::GetResponse* read = result->mutable_read();
  ReadReply reply;
  if (read->found()) reply.value = TakeValue(read);
  reply.version = read->version();
  reply.order = Decode(read->order());
  reply.context = std::move(*read->mutable_context());
  reply.session = reply.context;
  reply.conflict = read->conflict();
  for (v1::Value& value : *read->mutable_siblings()) {
    reply.siblings.push_back(
        SiblingValue{TakeValue(&value), Decode(value.order()), value.deleted()});
  }
  reply.node = std::move(*read->mutable_node());
  reply.durability = Decode(read->durability());
  reply.answers = static_cast<int>(read->answers());
  reply.required = static_cast<int>(read->required());
  reply.disagreed = read->disagreed();
  return reply;
}

Outcome<WriteReply> DecodeWrite(v1::StreamResult* result) {
  if (result->has_error()) return DecodeError(result->error());
  if (!result->has_write()) return WrongKind(/*write=*/true);
  v1::WriteResponse* write = result->mutable_write();
  WriteReply reply;
  reply.version = write->version();
  reply.order = Decode(write->order());
  reply.context = std::move(*write->mutable_context());
  reply.session = write->session().empty() ? reply.context : std::move(*write->mutable_session());
  reply.node = std::move(*write->mutable_node());
  reply.durability = Decode(write->durability());
  reply.acks = static_cast<int>(write->acks());
  reply.required = static_cast<int>(write->required());
  reply.replaced_siblings = static_cast<int>(write->replaced_siblings());
  return reply;
}

NodeStatus Decode(const v1::StatusResponse& response) {
  NodeStatus status;
  status.node = response.node();
  status.cluster = response.cluster();
  status.strategy = response.strategy();
  status.role = response.role();
  status.state = response.state();
  status.detail = response.detail();
  status.n = static_cast<int>(response.n());
  status.w = static_cast<int>(response.w());
  status.r = static_cast<int>(response.r());
  status.guarantee = response.guarantee();
  status.durability = response.durability();
  status.leader = response.leader();
  status.http_address = response.http_address();
  status.grpc_address = response.grpc_address();
  status.epoch = response.epoch();
  status.applied_number = response.applied_number();
  status.incarnation = response.incarnation();
  for (const v1::PeerStatus& peer : response.peers()) {
    status.peers.push_back(PeerInfo{peer.node(), peer.http_address(), peer.grpc_address(),
                                    peer.connected(), peer.refusal()});
  }
  for (const auto& [name, value] : response.counters()) status.counters[name] = value;
  return status;
}

}  // namespace quorate
