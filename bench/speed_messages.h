// What the loads of bench/ send to a node: keys, requests and their encoding.
#ifndef QUORATE_BENCH_SPEED_MESSAGES_H_
#define QUORATE_BENCH_SPEED_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "google/protobuf/message_lite.h"
#include "grpcpp/support/byte_buffer.h"

#include "proto/kv.pb.h"

namespace quorate {

// All keys are of the same length, and in the order of their indices.
std::string SpeedKey(uint64_t index);

grpc::ByteBuffer EncodeMessage(const google::protobuf::MessageLite& message);
// False where the bytes are no such message.
bool DecodeMessage(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite* message);

// Fills requests that are new or were filled here before. Not thread-safe where requests are
// shared.
class SpeedRequests {
 public:
  SpeedRequests(size_t value_bytes, uint32_t w, uint32_t r)
      : value_(value_bytes, 'v'), w_(w), r_(r) {}

  void Fill(uint64_t key, v1::SetRequest* request) const;
  void Fill(uint64_t key, v1::GetRequest* request) const;
  const std::string& value() const { return value_; }

 private:
  const std::string value_;
  const uint32_t w_;
  const uint32_t r_;
};

}  // namespace quorate

#endif  // QUORATE_BENCH_SPEED_MESSAGES_H_
