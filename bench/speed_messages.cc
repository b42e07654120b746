#include "bench/speed_messages.h"

#include "absl/strings/str_cat.h"
#include "grpcpp/support/slice.h"

namespace quorate {

std::string SpeedKey(uint64_t index) { return absl::StrCat("key", 10'000'000 + index); }

grpc::ByteBuffer EncodeMessage(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

bool DecodeMessage(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite* message) {
  grpc::Slice slice;
  if (!bytes.TrySingleSlice(&slice).ok() && !bytes.DumpToSingleSlice(&slice).ok()) return false;
  return message->ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

void SpeedRequests::Fill(uint64_t key, v1::SetRequest* request) const {
  request->set_key(SpeedKey(key));
  request->set_text(value_);
  request->set_w(w_);
}

void SpeedRequests::Fill(uint64_t key, v1::GetRequest* request) const {
  request->set_key(SpeedKey(key));
  request->set_r(r_);
}

}  // namespace quorate
