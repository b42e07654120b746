#include "node/stream_request_reader.h"

#include <cstddef>

#include "proto/kv.pb.h"

namespace quorate {
namespace {

// Wire types of Protobuf's encoding.
constexpr uint64_t kVarint = 0;
constexpr uint64_t kFixed64 = 1;
constexpr uint64_t kBytes = 2;
constexpr uint64_t kFixed32 = 5;

constexpr int kMaxVarintBytes = 10;

bool ReadVarint(absl::string_view* in, uint64_t* value) {
  *value = 0;
  for (int i = 0; i < kMaxVarintBytes && static_cast<size_t>(i) < in->size(); ++i) {
    const auto byte = static_cast<uint8_t>((*in)[static_cast<size_t>(i)]);
    *value |= uint64_t{byte & 0x7fu} << (7 * i);
    if ((byte & 0x80) == 0) {
      in->remove_prefix(static_cast<size_t>(i) + 1);
      return true;
    }
  }
  return false;
}

bool ReadFixed(absl::string_view* in, uint64_t size, absl::string_view* bytes) {
  if (size > in->size()) return false;
  *bytes = in->substr(0, size);
  in->remove_prefix(size);
  return true;
}

struct Field {
  uint64_t number = 0;
  uint64_t wire_type = 0;
  uint64_t varint = 0;
  absl::string_view bytes;
};

bool ReadField(absl::string_view* in, Field* field) {
  uint64_t tag = 0;
  if (!ReadVarint(in, &tag)) return false;
  field->number = tag >> 3;
  field->wire_type = tag & 7;
  if (field->number == 0) return false;
  switch (field->wire_type) {
    case kVarint:
      return ReadVarint(in, &field->varint);
    case kFixed64:
      return ReadFixed(in, 8, &field->bytes);
    case kBytes:
      return ReadVarint(in, &field->varint) && ReadFixed(in, field->varint, &field->bytes);
    case kFixed32:
      return ReadFixed(in, 4, &field->bytes);
    default:
      return false;
  }
}

}  // namespace

bool StreamRequestReader::WellFormed() const {
  StreamRequestReader reader = *this;
  StreamItem item;
  while (reader.Next(&item)) continue;
  return !reader.damaged_;
}

bool StreamRequestReader::Next(StreamItem* item) {
  *item = StreamItem();
  while (!damaged_) {
    if (!packed_.empty()) {
      uint64_t id = 0;
      damaged_ = !ReadVarint(&packed_, &id);
      if (damaged_) break;
      item->cancel = id;
      return true;
    }
    if (rest_.empty()) return false;
    Field field;
    damaged_ = !ReadField(&rest_, &field);
    if (damaged_) break;
    if (field.number == v1::StreamRequest::kOperationsFieldNumber && field.wire_type == kBytes) {
      item->operation = field.bytes;
      return true;
    }
    if (field.number != v1::StreamRequest::kCancelFieldNumber) continue;
    if (field.wire_type == kBytes) packed_ = field.bytes;
    if (field.wire_type == kVarint) {
      item->cancel = field.varint;
      return true;
    }
  }
  return false;
}

}  // namespace quorate
