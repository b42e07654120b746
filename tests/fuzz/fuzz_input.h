// FuzzInput: an input of a fuzz target, taken apart into the choices that the target makes.
//
//   FuzzInput input(data, size);
//   while (!input.empty()) {
//     switch (input.Below(3)) { ... }
//   }
//
// Every input means something: at its end all numbers are 0 and all strings are empty. A number
// takes as few bytes as it can, so that to change, drop or insert one byte is a small change.
//
// Not thread-safe. The bytes must outlive it.
#ifndef QUORATE_TESTS_FUZZ_FUZZ_INPUT_H_
#define QUORATE_TESTS_FUZZ_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace quorate::fuzz {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }

  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const char byte = rest_.front();
    rest_.remove_prefix(1);
    return static_cast<uint8_t>(byte);
  }

  // A byte's worth of choice; `bound` is from 1 to 256.
  int Below(int bound) { return Byte() % bound; }

  bool Flag() { return Byte() % 2 == 1; }

  // Mostly small, seldom near a power of two at which the protocol has a limit.
  uint64_t Number() {
    constexpr int kPowers[] = {8, 16, 32, 40, 53, 56, 62, 63};
    const uint8_t byte = Byte();
    if (byte < 0xf0) return byte;
    if (byte < 0xf8) return (uint64_t{1} << kPowers[byte - 0xf0]) - 128 + Byte();
    uint64_t number = 0;
    for (int i = 0; i <= byte - 0xf8; ++i) number = number << 8 | Byte();
    return number;
  }

  // Up to `longest` bytes, as many as the next number says.
  std::string Bytes(size_t longest) {
    const size_t wanted = std::min<uint64_t>(Number(), longest);
    const std::string bytes(rest_.substr(0, wanted));
    rest_.remove_prefix(bytes.size());
    return bytes;
  }

  absl::string_view Rest() {
    const absl::string_view rest = rest_;
    rest_ = absl::string_view();
    return rest;
  }

 private:
  absl::string_view rest_;
};

}  // namespace quorate::fuzz

#endif  // QUORATE_TESTS_FUZZ_FUZZ_INPUT_H_
