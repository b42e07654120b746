#include "node/text_encoding.h"

#include <cstdint>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace quorate {
namespace {

struct Utf8Range {
  unsigned char low;
  unsigned char high;
};

// A word with the high bit of each byte: no byte of ASCII has it.
constexpr uint64_t kHighBits = 0x8080808080808080;

bool IsContinuation(unsigned char c) { return (c & 0xc0) == 0x80; }

// Length of a character from its first byte; 0 for a byte that starts none.
size_t Utf8Length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

// What may follow a first byte is narrower than "any continuation byte" where that would spell an
// overlong form, a surrogate or a code point beyond U+10FFFF (Unicode, table 3-7).
Utf8Range SecondByteRange(unsigned char first) {
  switch (first) {
    case 0xe0:
      return {0xa0, 0xbf};
    case 0xed:
      return {0x80, 0x9f};
    case 0xf0:
      return {0x90, 0xbf};
    case 0xf4:
      return {0x80, 0x8f};
    default:
      return {0x80, 0xbf};
  }
}

bool StartsWithCharacter(absl::string_view bytes, size_t length) {
  if (length == 0 || bytes.size() < length) return false;
  if (length == 1) return true;
  const auto at = [bytes](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const Utf8Range second = SecondByteRange(at(0));
  if (at(1) < second.low || at(1) > second.high) return false;
  for (size_t i = 2; i < length; ++i) {
    if (!IsContinuation(at(i))) return false;
  }
  return true;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

size_t ValidUtf8Prefix(absl::string_view bytes) {
  size_t valid = 0;
  while (valid < bytes.size()) {
    uint64_t word = 0;
    if (bytes.size() - valid >= sizeof(word)) {
      std::memcpy(&word, bytes.data() + valid, sizeof(word));
      if ((word & kHighBits) == 0) {
        valid += sizeof(word);
        continue;
      }
    }
    const size_t length = Utf8Length(static_cast<unsigned char>(bytes[valid]));
    if (!StartsWithCharacter(bytes.substr(valid), length)) break;
    valid += length;
  }
  return valid;
}

std::optional<std::string> PercentDecode(absl::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

std::optional<std::string> DecodeBase64(absl::string_view text) {
  bool standard = false;
  bool url_safe = false;
  for (const char c : text) {
    // The library also takes white space and '.' as padding, which no encoder of ours writes.
    if (!absl::ascii_isalnum(c) && c != '+' && c != '/' && c != '-' && c != '_' && c != '=') {
      return std::nullopt;
    }
    standard = standard || c == '+' || c == '/';
    url_safe = url_safe || c == '-' || c == '_';
  }
  if (standard && url_safe) return std::nullopt;
  std::string decoded;
  const bool ok =
      url_safe ? absl::WebSafeBase64Unescape(text, &decoded) : absl::Base64Unescape(text, &decoded);
  if (!ok) return std::nullopt;
  return decoded;
}

}  // namespace quorate
