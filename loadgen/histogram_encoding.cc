#include "loadgen/histogram_encoding.h"

#include <algorithm>
#include <limits>
#include <zlib.h>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace quorate::loadgen {
namespace {

// Outside: cookie and length (4 bytes each), then the zlib stream. Inside it: cookie, length of the
// counts, normalising offset, digits (4 bytes each), lowest, highest, scale (8 bytes each), then
// the counts. All numbers are big-endian. The nibble 0x10 of a cookie is part of version 2.
constexpr uint32_t kCompressedCookie = 0x1c849304 | 0x10;
constexpr uint32_t kPayloadCookie = 0x1c849303 | 0x10;
constexpr size_t kOuterHeaderBytes = 8;
constexpr size_t kHeaderBytes = 40;
constexpr uint64_t kScaleOfOne = 0x3ff0000000000000u;  // the double 1.0

// A count takes at most nine bytes: eight groups of seven bits, and all eight bits of the ninth.
constexpr int kCountBytesMax = 9;
constexpr size_t kBucketsMax = 55 * 1024;  // of all durations up to the greatest int64
constexpr size_t kPayloadBytesMax = kHeaderBytes + kBucketsMax * kCountBytesMax;
constexpr size_t kTextBytesMax = 2 * kPayloadBytesMax;  // base64 adds a third, zlib next to nothing

constexpr uint64_t kCountMax = std::numeric_limits<int64_t>::max();

absl::Status Malformed(absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat("not a readable histogram: ", reason));
}

// ---- Writing ----

template <typename Unsigned>
void AppendBigEndian(Unsigned value, std::string* out) {
  for (int shift = 8 * static_cast<int>(sizeof(value)) - 8; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(value >> shift));
  }
}

// ZigZag makes small negative numbers small: 0, -1, 1, -2 become 0, 1, 2, 3.
void AppendZigZag(int64_t value, std::string* out) {
  uint64_t bits = (static_cast<uint64_t>(value) << 1) ^ (value < 0 ? ~uint64_t{0} : 0);
  for (int i = 1; i < kCountBytesMax && bits >= 0x80; ++i) {
    out->push_back(static_cast<char>(bits | 0x80));
    bits >>= 7;
  }
  out->push_back(static_cast<char>(bits));
}

// A negative number stands for a run of that many empty buckets.
void AppendEmptyBuckets(size_t number, std::string* out) {
  if (number == 1) AppendZigZag(0, out);
  if (number > 1) AppendZigZag(-static_cast<int64_t>(number), out);
}

std::string EncodeCounts(const LatencyHistogram& histogram) {
  std::string counts;
  size_t next = 0;
  const std::vector<LatencyHistogram::Bucket> buckets = histogram.NonEmptyBuckets();
  for (size_t i = 0; i < buckets.size(); ++i) {
    const size_t position = LatencyHistogram::BucketOf(buckets[i].highest);
    uint64_t count = buckets[i].count;
    // A maximum just beyond the range may share its bucket with the end of the range.
    if (i + 1 < buckets.size() && LatencyHistogram::BucketOf(buckets[i + 1].highest) == position) {
      count += buckets[++i].count;
    }
    AppendEmptyBuckets(position - next, &counts);
    AppendZigZag(static_cast<int64_t>(count), &counts);
    next = position + 1;
  }
  if (buckets.empty()) AppendEmptyBuckets(1, &counts);
  return counts;
}

std::string Compress(const std::string& payload) {
  uLongf size = compressBound(payload.size());
  std::string compressed(size, '\0');
  // Fails only for lack of memory or room, and the bound above is enough room.
  compress2(reinterpret_cast<Bytef*>(&compressed[0]), &size,
            reinterpret_cast<const Bytef*>(payload.data()), payload.size(), Z_BEST_COMPRESSION);
  compressed.resize(size);
  return compressed;
}

// ---- Reading ----

// Takes numbers off the front of `rest`; the caller has checked that there are enough bytes.
template <typename Unsigned>
Unsigned TakeBigEndian(absl::string_view* rest) {
  Unsigned value = 0;
  for (size_t i = 0; i < sizeof(Unsigned); ++i) {
    value = static_cast<Unsigned>(value << 8) | static_cast<unsigned char>((*rest)[i]);
  }
  rest->remove_prefix(sizeof(Unsigned));
  return value;
}

// False where the bytes end within the number.
bool TakeZigZag(absl::string_view* rest, int64_t* value) {
  uint64_t bits = 0;
  for (int i = 0; i < kCountBytesMax; ++i) {
    if (rest->empty()) return false;
    const uint64_t byte = static_cast<unsigned char>(rest->front());
    rest->remove_prefix(1);
    const bool last = i == kCountBytesMax - 1 || byte < 0x80;
    bits |= (last ? byte : byte & 0x7f) << (7 * i);
    if (last) break;
  }
  *value = static_cast<int64_t>((bits >> 1) ^ (0 - (bits & 1)));
  return true;
}

absl::StatusOr<std::string> Decompress(absl::string_view text) {
  if (text.size() > kTextBytesMax) return Malformed("the text is too long");
  std::string outer;
  if (!absl::Base64Unescape(text, &outer)) return Malformed("the text is not base64");
  absl::string_view rest = outer;
  if (rest.size() < kOuterHeaderBytes) return Malformed("the text is too short");
  if (TakeBigEndian<uint32_t>(&rest) != kCompressedCookie) {
    return Malformed("it is no compressed HdrHistogram of version 2");
  }
  if (TakeBigEndian<uint32_t>(&rest) != rest.size()) {
    return Malformed("its compressed part has another length than it says");
  }
  std::string payload(kPayloadBytesMax, '\0');
  uLongf size = payload.size();
  uLong used = rest.size();
  const int result = uncompress2(reinterpret_cast<Bytef*>(&payload[0]), &size,
                                 reinterpret_cast<const Bytef*>(rest.data()), &used);
  if (result == Z_BUF_ERROR && size == payload.size()) return Malformed("its content is too long");
  if (result != Z_OK || used != rest.size()) return Malformed("its compressed part is damaged");
  payload.resize(size);
  return payload;
}

// Checks the header, takes it off, and says how many buckets may follow.
absl::StatusOr<size_t> TakeHeader(absl::string_view* rest) {
  if (rest->size() < kHeaderBytes) return Malformed("its content is too short");
  if (TakeBigEndian<uint32_t>(rest) != kPayloadCookie) {
    return Malformed("its content is no HdrHistogram of version 2");
  }
  const uint32_t counts_bytes = TakeBigEndian<uint32_t>(rest);
  const uint32_t offset = TakeBigEndian<uint32_t>(rest);
  const uint32_t digits = TakeBigEndian<uint32_t>(rest);
  const uint64_t lowest = TakeBigEndian<uint64_t>(rest);
  const uint64_t highest = TakeBigEndian<uint64_t>(rest);
  const uint64_t scale = TakeBigEndian<uint64_t>(rest);
  if (counts_bytes != rest->size()) return Malformed("its counts have another length than it says");
  if (offset != 0) return Malformed("its counts are shifted");
  if (digits != kHistogramDigits || lowest != kHistogramLowestNanos) {
    return Malformed(absl::StrCat("it has ", digits, " digits and begins at ", lowest, ", not ",
                                  kHistogramDigits, " and ", kHistogramLowestNanos));
  }
  if (scale != kScaleOfOne) return Malformed("its values are scaled");
  if (highest < 2 || highest > kCountMax) return Malformed("its highest value is out of range");
  // Writers keep whole ranges of 1,024 buckets, and at least the two of the first range.
  const size_t last = LatencyHistogram::BucketOf(static_cast<int64_t>(highest));
  return std::max<size_t>(last | 1023, 2047) + 1;
}

// Adds `count` durations of the middle of a bucket, so that the mean is right to three digits.
absl::Status AddAt(size_t bucket, uint64_t count, LatencyHistogram* histogram) {
  if (count > kCountMax - histogram->count()) return Malformed("its counts are too great");
  const int64_t lowest = LatencyHistogram::LowestIn(bucket);
  int64_t middle = lowest + (LatencyHistogram::HighestIn(bucket) - lowest) / 2;
  if (lowest <= LatencyHistogram::kHighestNanos) {
    middle = std::min(middle, LatencyHistogram::kHighestNanos);
  }
  histogram->RecordMany(middle, count);
  return absl::OkStatus();
}

}  // namespace

int64_t HistogramHighestNanos(const LatencyHistogram& histogram) {
  return std::max(histogram.max(), LatencyHistogram::kHighestNanos);
}

std::string EncodeHistogram(const LatencyHistogram& histogram) {
  const std::string counts = EncodeCounts(histogram);
  std::string payload;
  AppendBigEndian(kPayloadCookie, &payload);
  AppendBigEndian(static_cast<uint32_t>(counts.size()), &payload);
  AppendBigEndian(uint32_t{0}, &payload);
  AppendBigEndian(static_cast<uint32_t>(kHistogramDigits), &payload);
  AppendBigEndian(static_cast<uint64_t>(kHistogramLowestNanos), &payload);
  AppendBigEndian(static_cast<uint64_t>(HistogramHighestNanos(histogram)), &payload);
  AppendBigEndian(kScaleOfOne, &payload);
  payload += counts;

  const std::string compressed = Compress(payload);
  std::string outer;
  AppendBigEndian(kCompressedCookie, &outer);
  AppendBigEndian(static_cast<uint32_t>(compressed.size()), &outer);
  outer += compressed;
  return absl::Base64Escape(outer);
}

absl::StatusOr<LatencyHistogram> DecodeHistogram(absl::string_view text) {
  const absl::StatusOr<std::string> payload = Decompress(text);
  if (!payload.ok()) return payload.status();
  absl::string_view rest = *payload;
  const absl::StatusOr<size_t> buckets = TakeHeader(&rest);
  if (!buckets.ok()) return buckets.status();

  LatencyHistogram histogram;
  size_t position = 0;
  while (!rest.empty()) {
    int64_t value = 0;
    if (!TakeZigZag(&rest, &value)) return Malformed("its counts end within a number");
    const uint64_t step = value < 0 ? 0 - static_cast<uint64_t>(value) : 1;
    if (step > *buckets - position) return Malformed("it counts beyond its highest value");
    if (value > 0) {
      const absl::Status added = AddAt(position, static_cast<uint64_t>(value), &histogram);
      if (!added.ok()) return added;
    }
    position += step;
  }
  return histogram;
}

SparseHistogram ToSparse(const LatencyHistogram& histogram) {
  SparseHistogram sparse;
  for (const LatencyHistogram::Bucket& bucket : histogram.NonEmptyBuckets()) {
    sparse.emplace_back(std::min(bucket.highest, histogram.max()), bucket.count);
  }
  return sparse;
}

absl::StatusOr<LatencyHistogram> FromSparse(const SparseHistogram& sparse) {
  LatencyHistogram histogram;
  int64_t below = -1;
  for (const auto& [value, count] : sparse) {
    if (value <= below) return Malformed("its values are negative or do not ascend");
    if (count == 0) return Malformed("it lists an empty bucket");
    below = value;
    if (value > LatencyHistogram::kHighestNanos) {
      if (count > kCountMax - histogram.count()) return Malformed("its counts are too great");
      histogram.RecordMany(value, count);
      continue;
    }
    const absl::Status added = AddAt(LatencyHistogram::BucketOf(value), count, &histogram);
    if (!added.ok()) return added;
  }
  return histogram;
}

}  // namespace quorate::loadgen
