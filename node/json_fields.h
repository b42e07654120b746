// Reads the fields of a flat JSON object from outside, within bounds: nothing is kept but the
// fields that were asked for, nesting is limited, and nothing recurses.
//
// Pure: thread-safe, never blocks.
#ifndef QUORATE_NODE_JSON_FIELDS_H_
#define QUORATE_NODE_JSON_FIELDS_H_

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace quorate {

// A value of a type that no request has: null, a boolean, a fraction, a number beyond 64 bits, an
// array or an object. Holds the type's name for messages.
struct OtherJsonValue {
  absl::string_view type;
};

using JsonField = std::variant<std::string, int64_t, OtherJsonValue>;
using JsonFields = std::map<std::string, JsonField, std::less<>>;

// How deep arrays and objects may stand in one another, the outermost object included.
constexpr int kMaxJsonDepth = 16;

// The fields of the object `text` whose names are in `wanted`; others are skipped. INVALID_ARGUMENT
// where `text` is not UTF-8, not JSON, not an object, nested too deeply, or has a wanted field
// twice.
absl::StatusOr<JsonFields> ReadJsonObject(absl::string_view text,
                                          absl::Span<const absl::string_view> wanted);

}  // namespace quorate

#endif  // QUORATE_NODE_JSON_FIELDS_H_
