// The encodings in which keys and values travel as text: UTF-8, percent-encoding and base64.
//
// Pure functions: thread-safe, never block.
#ifndef QUORATE_NODE_TEXT_ENCODING_H_
#define QUORATE_NODE_TEXT_ENCODING_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace quorate {

// How many bytes at the start of `bytes` are valid UTF-8, in whole characters: `bytes.size()` where
// all are. Surrogates, overlong forms and code points beyond U+10FFFF are not valid.
size_t ValidUtf8Prefix(absl::string_view bytes);

inline bool IsValidUtf8(absl::string_view bytes) { return ValidUtf8Prefix(bytes) == bytes.size(); }

// Replaces each %XX by its byte, once; '+' stays '+'. nullopt where a '%' is not followed by two
// hexadecimal digits.
std::optional<std::string> PercentDecode(absl::string_view text);

// Decodes base64 of the standard or the URL-safe alphabet, padded or not. nullopt where `text` is
// neither: a foreign character (white space too), mixed alphabets, a wrong length or wrong padding.
std::optional<std::string> DecodeBase64(absl::string_view text);

}  // namespace quorate

#endif  // QUORATE_NODE_TEXT_ENCODING_H_
