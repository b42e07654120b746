// Values that can be checked without knowing what was written.
//
// A value names the key it was written to, its writer and the number of the write; a checksum
// covers all of it, filler included. So a reader tells a right value from one that belongs to
// another key, and both from one that was damaged. A value looks like
//
//   q1:2a:3:1f4:9d3c02b7:Zk1v...      (key 42, writer 3, write 500, checksum, filler)
//
// and is printable ASCII, as values in JSON are text.
//
//   const std::string value = EncodeValue({key, writer, sequence}, 100);
//   if (CheckValue(value, key).verdict != ValueVerdict::kRight) ...
//
// Pure functions: thread-safe, never block.
#ifndef QUORATE_LOADGEN_VALUE_CODEC_H_
#define QUORATE_LOADGEN_VALUE_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace quorate::loadgen {

// No two writes of a run have the same.
struct ValueId {
  uint64_t key = 0;
  uint64_t writer = 0;
  uint64_t sequence = 0;

  friend bool operator==(const ValueId& a, const ValueId& b) {
    return a.key == b.key && a.writer == b.writer && a.sequence == b.sequence;
  }
};

// From this size on, every value has the size that is asked for.
inline constexpr size_t kValueBytesExact = 64;

// A value of exactly `bytes` bytes; longer where its names alone need more. Equal arguments give
// equal values.
std::string EncodeValue(const ValueId& id, size_t bytes);

enum class ValueVerdict {
  kRight,
  kOfAnotherKey,  // whole, but written to another key
  kCorrupt,       // damaged, cut short, or nothing that EncodeValue makes
};

struct CheckedValue {
  ValueVerdict verdict = ValueVerdict::kCorrupt;
  ValueId id;  // of the write; all 0 where the value is corrupt
};

// Judges a value that was read from `key`. Any text may be given. Damage goes unseen in 1 of 2^32
// cases.
CheckedValue CheckValue(absl::string_view value, uint64_t key);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_VALUE_CODEC_H_
