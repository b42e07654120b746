// Between the messages of quorate.v1.KeyValue and the types of KvApi.
//
// Pure functions: thread-safe, never block.
#ifndef QUORATE_NODE_KV_CODEC_H_
#define QUORATE_NODE_KV_CODEC_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/zero_copy_stream.h"

#include "node/kv_api.h"
#include "proto/kv.pb.h"
#include "replication/operation.h"

namespace quorate {

// The longest time that a client gets for an operation.
inline constexpr absl::Duration kLongestTimeout = absl::Seconds(60);

// What a request asks for, with Operation's own timeout. INVALID_ARGUMENT where it names no key or
// two, has no value, or sets w or r to what no cluster can have. Limits of size and the cluster's N
// are the replica's to check.
absl::StatusOr<Operation> ToOperation(const v1::GetRequest& request);
absl::StatusOr<Operation> ToOperation(const v1::LocalReadRequest& request);
absl::StatusOr<Operation> ToOperation(v1::SetRequest request);
absl::StatusOr<Operation> ToOperation(const v1::DeleteRequest& request);
// One operation of a stream, with the timeout that it asks for.
absl::StatusOr<Operation> ToOperation(v1::StreamOperation* request);

// Whether the client wants all concurrent values.
inline bool WantsSiblings(const v1::GetRequest& request) { return request.siblings(); }
inline bool WantsSiblings(const v1::LocalReadRequest& request) { return request.siblings(); }
inline bool WantsSiblings(const v1::SetRequest&) { return false; }
inline bool WantsSiblings(const v1::DeleteRequest&) { return false; }
bool WantsSiblings(const v1::StreamOperation& request);

// Whether it is not the first try of a write: what refuses it says nothing of that one.
inline bool IsRepeat(const v1::GetRequest&) { return false; }
inline bool IsRepeat(const v1::LocalReadRequest&) { return false; }
inline bool IsRepeat(const v1::SetRequest& request) { return request.repeat(); }
inline bool IsRepeat(const v1::DeleteRequest& request) { return request.repeat(); }
bool IsRepeat(const v1::StreamOperation& request);
// The same of the bytes of a message of type `type`, one of those above, which was refused without
// being parsed. Fields behind a damaged one are not seen. Takes no memory, however long the
// message.
bool IsEncodedRepeat(const google::protobuf::Descriptor& type,
                     google::protobuf::io::ZeroCopyInputStream* bytes);

// The reply to a read of `key` that succeeded. `siblings`: the client wants all concurrent values.
v1::GetResponse ToGetResponse(absl::string_view key, bool siblings, const OperationResult& result,
                              const KvApi& api);
// The same, into a message that may have been used before.
void FillGetResponse(absl::string_view key, bool siblings, const OperationResult& result,
                     const KvApi& api, v1::GetResponse* response);

// The reply to a write of `key` that succeeded.
v1::WriteResponse ToWriteResponse(absl::string_view key, const OperationResult& result,
                                  const KvApi& api);
void FillWriteResponse(absl::string_view key, const OperationResult& result, const KvApi& api,
                       v1::WriteResponse* response);

// The RpcStatus of an operation that failed, with its ErrorDetails, encoded for gRPC's
// `grpc-status-details-bin`.
std::string EncodeErrorDetails(const OperationResult& result, const KvApi& api);

// The same for an operation of a stream.
v1::StreamError ToStreamError(const OperationResult& result, const KvApi& api);

// A message as gRPC and Protobuf can carry it: bytes that are no UTF-8 are escaped.
std::string PrintableMessage(absl::string_view message);

}  // namespace quorate

#endif  // QUORATE_NODE_KV_CODEC_H_
