// CheckedValues: the values of a run, each of which says what it is (loadgen/value_codec.h), so
// that a reader can tell a right one from one of another key or a damaged one.
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_CHECKED_VALUES_H_
#define QUORATE_LOADGEN_CHECKED_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

#include "loadgen/observer.h"
#include "loadgen/value_codec.h"

namespace quorate::loadgen {

class CheckedValues : public ValueMaker {
 public:
  // `writer` tells this run's values from those of others; values have `bytes` bytes, or more where
  // what they say needs it.
  CheckedValues(uint64_t writer, size_t bytes) : writer_(writer), bytes_(bytes) {}

  void Make(const SentOperation& operation, std::string* value) override {
    *value = EncodeValue({operation.planned.key, writer_, operation.planned.index}, bytes_);
  }
  bool BelongsTo(size_t key, absl::string_view value) const override {
    return CheckValue(value, key).verdict == ValueVerdict::kRight;
  }

 private:
  uint64_t writer_;
  size_t bytes_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_CHECKED_VALUES_H_
