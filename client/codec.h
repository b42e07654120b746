// Between the types of client/messages.h and the messages of quorate.v1.KeyValue.
//
// Pure functions: thread-safe, never block.
#ifndef QUORATE_CLIENT_CODEC_H_
#define QUORATE_CLIENT_CODEC_H_

#include "client/messages.h"
#include "client/outcome.h"
#include "proto/kv.pb.h"

namespace quorate {

// The operation, without id and timeout.
v1::StreamOperation Encode(ReadRequest request);
v1::StreamOperation Encode(WriteRequest request);

// What a result says; INTERNAL where it is none for a read, or a write (`may_have_applied` then).
Outcome<ReadReply> DecodeRead(v1::StreamResult* result);
Outcome<WriteReply> DecodeWrite(v1::StreamResult* result);
Error DecodeError(const v1::StreamError& error);
NodeStatus Decode(const v1::StatusResponse& response);

}  // namespace quorate

#endif  // QUORATE_CLIENT_CODEC_H_
