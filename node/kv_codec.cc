#include "node/kv_codec.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

#include "node/status_mapping.h"
#include "node/text_encoding.h"

namespace quorate {
namespace {

// More replicas than any cluster has; keeps the conversion to int exact.
constexpr uint32_t kMaxQuorum = 1u << 16;

// Whether a bool `repeat` is set in what is left of a message, or in a message within it.
bool FindsRepeat(const google::protobuf::Descriptor& type,
                 google::protobuf::io::CodedInputStream* in) {
  using google::protobuf::internal::WireFormatLite;
  while (const uint32_t tag = in->ReadTag()) {
    const auto* field = type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
    const auto wire_type = WireFormatLite::GetTagWireType(tag);
    uint64_t number = 0;
    if (field != nullptr && field->name() == "repeat" &&
        wire_type == WireFormatLite::WIRETYPE_VARINT) {
      if (!in->ReadVarint64(&number)) return false;
      if (number != 0) return true;
    } else if (field != nullptr && field->message_type() != nullptr &&
               wire_type == WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      const auto limit = in->ReadLengthAndPushLimit();
      if (FindsRepeat(*field->message_type(), in)) return true;
      in->Skip(in->BytesUntilLimit());
      in->PopLimit(limit);
    } else if (!WireFormatLite::SkipField(in, tag)) {
      return false;
    }
  }
  return false;
}

template <typename Request>
absl::Status SetKey(const Request& request, Operation* operation) {
  if (!request.key().empty() && !request.key_bytes().empty()) {
    return absl::InvalidArgumentError("give key or key_bytes, not both");
  }
  if (request.key().empty() && request.key_bytes().empty()) {
    return absl::InvalidArgumentError("key is missing or empty: give key or key_bytes");
  }
  operation->key = request.key().empty() ? request.key_bytes() : request.key();
  return absl::OkStatus();
}

absl::Status SetQuorum(absl::string_view name, uint32_t wanted, std::optional<int>* quorum) {
  if (wanted < 1 || wanted > kMaxQuorum) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, " is ", wanted,
        " but must be from 1 to N, the number of replicas; leave it out for the cluster's"));
  }
  *quorum = static_cast<int>(wanted);
  return absl::OkStatus();
}

template <typename Request>
absl::Status SetWriteFields(const Request& request, Operation* operation) {
  operation->context = request.context();
  operation->session = request.session();
  operation->request = request.request_id();
  operation->repeat = request.repeat();
  return request.has_w() ? SetQuorum("w", request.w(), &operation->w) : absl::OkStatus();
}

void FillOrder(const WriteOrder& order, v1::Order* proto) {
  proto->set_major(order.major);
  proto->set_minor(order.minor);
  proto->set_tie(order.tie);
}

// Both messages that carry a value have the same oneof.
template <typename Message>
void FillValue(const std::string& bytes, Message* message) {
  if (IsValidUtf8(bytes)) {
    message->set_text(bytes);
  } else {
    message->set_data(bytes);
  }
}

void FillSiblings(const Record& record, v1::GetResponse* response) {
  for (const Sibling& sibling : record.siblings) {
    v1::Value* value = response->add_siblings();
    FillOrder(OrderOf(record.version, sibling), value->mutable_order());
    value->set_deleted(sibling.tombstone);
    if (!sibling.tombstone) FillValue(sibling.value, value);
  }
}

v1::Durability ToProto(Durability durability) {
  switch (durability) {
    case Durability::kMemory:
      return v1::MEMORY;
    case Durability::kOs:
      return v1::OS;
    case Durability::kSynced:
      return v1::SYNCED;
  }
  return v1::DURABILITY_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<Operation> ToOperation(const v1::GetRequest& request) {
  Operation operation;
  operation.kind = OperationKind::kGet;
  absl::Status status = SetKey(request, &operation);
  if (status.ok() && request.has_r()) status = SetQuorum("r", request.r(), &operation.r);
  operation.linearizable = request.linearizable();
  operation.session = request.session();
  if (!status.ok()) return status;
  return operation;
}

absl::StatusOr<Operation> ToOperation(const v1::LocalReadRequest& request) {
  Operation operation;
  operation.kind = OperationKind::kLocalRead;
  const absl::Status status = SetKey(request, &operation);
  if (!status.ok()) return status;
  return operation;
}

absl::StatusOr<Operation> ToOperation(v1::SetRequest request) {
  Operation operation;
  operation.kind = OperationKind::kSet;
  absl::Status status = SetKey(request, &operation);
  if (status.ok()) status = SetWriteFields(request, &operation);
  if (!status.ok()) return status;
  switch (request.value_case()) {
    case v1::SetRequest::kText:
      operation.value = std::move(*request.mutable_text());
      return operation;
    case v1::SetRequest::kData:
      operation.value = std::move(*request.mutable_data());
      return operation;
    case v1::SetRequest::VALUE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("value is missing: give text or data (either may be empty)");
}

absl::StatusOr<Operation> ToOperation(const v1::DeleteRequest& request) {
  Operation operation;
  operation.kind = OperationKind::kDelete;
  absl::Status status = SetKey(request, &operation);
  if (status.ok()) status = SetWriteFields(request, &operation);
  if (!status.ok()) return status;
  return operation;
}

namespace {

absl::StatusOr<Operation> DecodeBody(v1::StreamOperation* request) {
  switch (request->operation_case()) {
    case v1::StreamOperation::kGet:
      return ToOperation(request->get());
    case v1::StreamOperation::kSet:
      return ToOperation(std::move(*request->mutable_set()));
    case v1::StreamOperation::kDelete:
      return ToOperation(request->delete_());
    case v1::StreamOperation::kLocalRead:
      return ToOperation(request->local_read());
    case v1::StreamOperation::OPERATION_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(
      "the operation has no body: give get, set, delete or local_read");
}

}  // namespace

absl::StatusOr<Operation> ToOperation(v1::StreamOperation* request) {
  absl::StatusOr<Operation> operation = DecodeBody(request);
  if (operation.ok() && request->timeout_ms() != 0) {
    operation->timeout = std::min(absl::Milliseconds(request->timeout_ms()), kLongestTimeout);
  }
  return operation;
}

bool WantsSiblings(const v1::StreamOperation& request) {
  return (request.has_get() && WantsSiblings(request.get())) ||
         (request.has_local_read() && WantsSiblings(request.local_read()));
}

bool IsRepeat(const v1::StreamOperation& request) {
  return (request.has_set() && IsRepeat(request.set())) ||
         (request.has_delete_() && IsRepeat(request.delete_()));
}

bool IsEncodedRepeat(const google::protobuf::Descriptor& type,
                     google::protobuf::io::ZeroCopyInputStream* bytes) {
  google::protobuf::io::CodedInputStream in(bytes);
  return FindsRepeat(type, &in);
}

v1::GetResponse ToGetResponse(absl::string_view key, bool siblings, const OperationResult& result,
                              const KvApi& api) {
  v1::GetResponse response;
  FillGetResponse(key, siblings, result, api, &response);
  return response;
}

void FillGetResponse(absl::string_view key, bool siblings, const OperationResult& result,
                     const KvApi& api, v1::GetResponse* response) {
  response->Clear();
  response->set_node(api.NodeName(result.node));
  response->set_answers(static_cast<uint32_t>(result.answers));
  response->set_required(static_cast<uint32_t>(result.required));
  response->set_disagreed(result.disagreed);
  response->set_durability(ToProto(api.durability()));
  if (!result.record.has_value()) return;
  const Record& record = *result.record;
  response->set_version(record.version.Number());
  response->set_context(ContextToken(key, record.version));
  FillOrder(result.order, response->mutable_order());
  response->set_conflict(record.conflicting());
  const Sibling* winner = record.Winner();
  if (winner != nullptr && !winner->tombstone) {
    response->set_found(true);
    FillValue(winner->value, response);
  }
  if (siblings && record.conflicting()) FillSiblings(record, response);
}

v1::WriteResponse ToWriteResponse(absl::string_view key, const OperationResult& result,
                                  const KvApi& api) {
  v1::WriteResponse response;
  FillWriteResponse(key, result, api, &response);
  return response;
}

void FillWriteResponse(absl::string_view key, const OperationResult& result, const KvApi& api,
                       v1::WriteResponse* response) {
  response->Clear();
  response->set_node(api.NodeName(result.node));
  response->set_acks(static_cast<uint32_t>(result.answers));
  response->set_required(static_cast<uint32_t>(result.required));
  response->set_replaced_siblings(static_cast<uint32_t>(result.replaced_siblings));
  response->set_durability(ToProto(api.durability()));
  FillOrder(result.order, response->mutable_order());
  if (result.record.has_value()) {
    response->set_version(result.record->version.Number());
    response->set_context(ContextToken(key, SeenBy(result)));
    if (!(SeenBySession(result) == SeenBy(result))) {
      response->set_session(ContextToken(key, SeenBySession(result)));
    }
  }
}

std::string EncodeErrorDetails(const OperationResult& result, const KvApi& api) {
  v1::RpcStatus status;
  status.set_code(ToWireStatus(result.status.code()).number);
  status.set_message(PrintableMessage(result.status.message()));
  status.add_details()->PackFrom(DetailsOf(result, api));
  return status.SerializeAsString();
}

v1::StreamError ToStreamError(const OperationResult& result, const KvApi& api) {
  v1::StreamError error;
  error.set_code(ToWireStatus(result.status.code()).number);
  error.set_message(PrintableMessage(result.status.message()));
  *error.mutable_details() = DetailsOf(result, api);
  return error;
}

std::string PrintableMessage(absl::string_view message) {
  return IsValidUtf8(message) ? std::string(message) : absl::CHexEscape(message);
}

}  // namespace quorate
