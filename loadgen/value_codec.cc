#include "loadgen/value_codec.h"

#include <zlib.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "loadgen/random_stream.h"

namespace quorate::loadgen {
namespace {

constexpr absl::string_view kMagic = "q1:";
constexpr size_t kChecksumBytes = 8;  // in hexadecimal digits

// Needs no escape in JSON or in a URL.
constexpr char kFillerCharacters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr int kBitsOfCharacter = 6;
constexpr int kCharactersOfNumber = 10;  // 60 bits of 64

// What comes before the checksum.
std::string Names(const ValueId& id) {
  return absl::StrCat(kMagic, absl::Hex(id.key), ":", absl::Hex(id.writer), ":",
                      absl::Hex(id.sequence), ":");
}

uint64_t FillerSeed(const ValueId& id) {
  return MixBits(MixBits(MixBits(id.key + kGoldenRatio64) + id.writer) + id.sequence);
}

void WriteFiller(uint64_t seed, char* at, const char* end) {
  RandomStream random(seed);
  while (at != end) {
    uint64_t number = random.Next();
    for (int i = 0; i < kCharactersOfNumber && at != end; ++i) {
      *at++ = kFillerCharacters[number & ((1 << kBitsOfCharacter) - 1)];
      number >>= kBitsOfCharacter;
    }
  }
}

uint32_t ChecksumOf(absl::string_view names, absl::string_view filler) {
  const auto add = [](uLong sum, absl::string_view bytes) {
    return crc32_z(sum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  };
  return static_cast<uint32_t>(add(add(crc32_z(0, nullptr, 0), names), filler));
}

// Reads a number and the colon behind it off the front of `rest`.
bool TakeNumber(absl::string_view* rest, uint64_t* number) {
  const size_t colon = rest->find(':');
  if (colon == absl::string_view::npos || colon == 0 || colon > 16) return false;
  *number = 0;
  for (const char digit : rest->substr(0, colon)) {
    const bool decimal = digit >= '0' && digit <= '9';
    if (!decimal && (digit < 'a' || digit > 'f')) return false;
    *number = *number << 4 | static_cast<uint64_t>(decimal ? digit - '0' : digit - 'a' + 10);
  }
  rest->remove_prefix(colon + 1);
  return true;
}

}  // namespace

std::string EncodeValue(const ValueId& id, size_t bytes) {
  const std::string names = Names(id);
  const size_t before_filler = names.size() + kChecksumBytes + 1;
  std::string value;
  value.reserve(bytes > before_filler ? bytes : before_filler);
  value += names;
  value.append(kChecksumBytes, '0');
  value += ':';
  if (bytes > before_filler) {
    value.resize(bytes);
    WriteFiller(FillerSeed(id), &value[before_filler], value.data() + bytes);
  }
  const absl::string_view filler = absl::string_view(value).substr(before_filler);
  const std::string checksum = absl::StrCat(absl::Hex(ChecksumOf(names, filler), absl::kZeroPad8));
  value.replace(names.size(), kChecksumBytes, checksum);
  return value;
}

CheckedValue CheckValue(absl::string_view value, uint64_t key) {
  absl::string_view rest = value;
  ValueId id;
  if (!absl::ConsumePrefix(&rest, kMagic) || !TakeNumber(&rest, &id.key) ||
      !TakeNumber(&rest, &id.writer) || !TakeNumber(&rest, &id.sequence)) {
    return {};
  }
  const absl::string_view names = value.substr(0, value.size() - rest.size());
  uint64_t checksum = 0;
  if (rest.find(':') != kChecksumBytes || !TakeNumber(&rest, &checksum)) return {};
  if (checksum != ChecksumOf(names, rest)) return {};
  return {id.key == key ? ValueVerdict::kRight : ValueVerdict::kOfAnotherKey, id};
}

}  // namespace quorate::loadgen
