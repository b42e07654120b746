// ProtoScratch: memory for Protobuf messages that live no longer than a function.
//
//   ProtoScratch scratch;
//   auto* proto = scratch.New<peer::v1::Version>();
//
// The parts of small messages stand on the stack, since to allocate each of them costs more than to
// fill it. Messages may be of any size: the rest comes from the heap, and goes with the scratch.
//
// Not thread-safe.
#ifndef QUORATE_REPLICATION_STORAGE_PROTO_SCRATCH_H_
#define QUORATE_REPLICATION_STORAGE_PROTO_SCRATCH_H_

#include <cstddef>

#include "google/protobuf/arena.h"

namespace quorate {

class ProtoScratch {
 public:
  ProtoScratch() : arena_(block_, sizeof(block_)) {}

  ProtoScratch(const ProtoScratch&) = delete;
  ProtoScratch& operator=(const ProtoScratch&) = delete;

  // Owned by the scratch. What is moved out of it lives on.
  template <typename Message>
  Message* New() {
    return google::protobuf::Arena::CreateMessage<Message>(&arena_);
  }

 private:
  static constexpr size_t kBlockBytes = 1536;  // a record with a handful of vector entries

  alignas(std::max_align_t) char block_[kBlockBytes];
  google::protobuf::Arena arena_;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_STORAGE_PROTO_SCRATCH_H_
