#include "loadgen/histogram_encoding.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>
#include <zlib.h>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/latency_histogram.h"

// What these texts mean to another library of HdrHistogram: histogram_exchange_test.py.
namespace quorate::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

LatencyHistogram LogUniform(int count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> exponent(0.0, std::log(5e10));
  LatencyHistogram histogram;
  for (int i = 0; i < count; ++i) {
    histogram.Record(static_cast<int64_t>(std::exp(exponent(random))));
  }
  return histogram;
}

// The buckets of the two, and what follows from them, are the same.
void ExpectSameCounts(const LatencyHistogram& a, const LatencyHistogram& b) {
  EXPECT_EQ(a.count(), b.count());
  EXPECT_EQ(a.overflow_count(), b.overflow_count());
  // What was too long counts as the longest.
  if (b.overflow_count() <= 1) {
    EXPECT_NEAR(a.mean(), b.mean(), b.mean() * 1e-3);
  }
  const std::vector<LatencyHistogram::Bucket> of_a = a.NonEmptyBuckets();
  const std::vector<LatencyHistogram::Bucket> of_b = b.NonEmptyBuckets();
  ASSERT_EQ(of_a.size(), of_b.size());
  for (size_t i = 0; i < of_a.size(); ++i) {
    EXPECT_EQ(of_a[i].count, of_b[i].count);
    EXPECT_NEAR(static_cast<double>(of_a[i].lowest), static_cast<double>(of_b[i].lowest),
                of_b[i].lowest > LatencyHistogram::kHighestNanos
                    ? 1e-3 * static_cast<double>(of_b[i].lowest)
                    : 0);
  }
}

std::vector<LatencyHistogram> Samples() {
  std::vector<LatencyHistogram> samples(6);
  samples[1].Record(0);
  samples[2].RecordMany(1, 300);
  samples[2].RecordMany(3, 5'000'000'000'000);
  samples[3].Record(LatencyHistogram::kHighestNanos);
  samples[4] = LogUniform(20000, 1);
  samples[5] = LogUniform(3000, 2);
  samples[5].RecordMany(100'000'000'000, 3);
  samples[5].Record(3'600'000'000'000);
  return samples;
}

TEST(HistogramEncodingTest, TextKeepsEveryCount) {
  for (const LatencyHistogram& sample : Samples()) {
    const absl::StatusOr<LatencyHistogram> decoded = DecodeHistogram(EncodeHistogram(sample));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ExpectSameCounts(*decoded, sample);
  }
}

TEST(HistogramEncodingTest, ListKeepsEveryCount) {
  for (const LatencyHistogram& sample : Samples()) {
    const absl::StatusOr<LatencyHistogram> decoded = FromSparse(ToSparse(sample));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ExpectSameCounts(*decoded, sample);
    EXPECT_EQ(decoded->ValueAtQuantile(1) > 0, sample.max() > 0);
  }
}

TEST(HistogramEncodingTest, GreatestDurationSurvives) {
  LatencyHistogram histogram;
  histogram.Record(7);
  histogram.Record(INT64_MAX);
  EXPECT_EQ(HistogramHighestNanos(histogram), INT64_MAX);
  const absl::StatusOr<LatencyHistogram> decoded = DecodeHistogram(EncodeHistogram(histogram));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ExpectSameCounts(*decoded, histogram);
  const absl::StatusOr<LatencyHistogram> listed = FromSparse(ToSparse(histogram));
  ASSERT_TRUE(listed.ok()) << listed.status();
  ExpectSameCounts(*listed, histogram);
  EXPECT_EQ(listed->max(), INT64_MAX);
}

TEST(HistogramEncodingTest, DurationJustBeyondTheRangeSharesItsLastBucket) {
  LatencyHistogram histogram;
  histogram.RecordMany(LatencyHistogram::kHighestNanos, 2);
  histogram.Record(LatencyHistogram::kHighestNanos + 1);
  const absl::StatusOr<LatencyHistogram> decoded = DecodeHistogram(EncodeHistogram(histogram));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->count(), 3u);
}

TEST(HistogramEncodingTest, SummaryCanBeRestored) {
  const LatencyHistogram original = Samples()[5];
  absl::StatusOr<LatencyHistogram> decoded = DecodeHistogram(EncodeHistogram(original));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ASSERT_TRUE(decoded->RestoreSummary(original.min(), original.max(), original.mean()));
  EXPECT_EQ(decoded->min(), original.min());
  EXPECT_EQ(decoded->max(), original.max());
  EXPECT_DOUBLE_EQ(decoded->mean(), original.mean());
  EXPECT_EQ(EncodeHistogram(*decoded), EncodeHistogram(original));
}

TEST(HistogramEncodingTest, ListIsAscendingAndEndsWithTheMaximum) {
  LatencyHistogram histogram;
  histogram.RecordMany(4, 2);
  histogram.Record(1'000'000);
  EXPECT_THAT(ToSparse(histogram), ElementsAre(Pair(4, 2), Pair(1'000'000, 1)));
  histogram.RecordMany(70'000'000'000, 5);
  EXPECT_THAT(ToSparse(histogram),
              ElementsAre(Pair(4, 2), Pair(1'000'447, 1), Pair(70'000'000'000, 5)));
}

// ---- Texts that are refused ----

template <typename Unsigned>
std::string BigEndian(Unsigned value) {
  std::string bytes;
  for (size_t i = sizeof(value); i > 0; --i) bytes += static_cast<char>(value >> (8 * (i - 1)));
  return bytes;
}

struct Parts {
  uint32_t outer_cookie = 0x1c849314;
  uint32_t cookie = 0x1c849313;
  int length_error = 0;
  uint32_t offset = 0;
  uint32_t digits = 3;
  uint64_t lowest = 1;
  uint64_t highest = 60'000'000'000;
  uint64_t scale = 0x3ff0000000000000u;
  std::string counts = std::string("\x02", 1);  // one duration of 0 ns
  std::string after;
};

std::string Assemble(const Parts& parts) {
  const std::string payload =
      BigEndian(parts.cookie) +
      BigEndian(static_cast<uint32_t>(static_cast<int>(parts.counts.size()) + parts.length_error)) +
      BigEndian(parts.offset) + BigEndian(parts.digits) + BigEndian(parts.lowest) +
      BigEndian(parts.highest) + BigEndian(parts.scale) + parts.counts;
  uLongf size = compressBound(payload.size());
  std::string compressed(size, '\0');
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(&compressed[0]), &size,
                     reinterpret_cast<const Bytef*>(payload.data()), payload.size()),
            Z_OK);
  compressed.resize(size);
  compressed += parts.after;
  return absl::Base64Escape(BigEndian(parts.outer_cookie) +
                            BigEndian(static_cast<uint32_t>(compressed.size())) + compressed);
}

std::string Refusal(const std::string& text) {
  const absl::StatusOr<LatencyHistogram> decoded = DecodeHistogram(text);
  EXPECT_FALSE(decoded.ok());
  return decoded.ok() ? "" : std::string(decoded.status().message());
}

TEST(HistogramEncodingTest, ReadsHandmadeText) {
  const absl::StatusOr<LatencyHistogram> decoded = DecodeHistogram(Assemble(Parts()));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->count(), 1u);
  EXPECT_EQ(decoded->max(), 0);
}

TEST(HistogramEncodingTest, RefusesForeignText) {
  EXPECT_THAT(Refusal("?"), HasSubstr("base64"));
  EXPECT_THAT(Refusal(""), HasSubstr("too short"));
  EXPECT_THAT(Refusal("SGVsbG8="), HasSubstr("too short"));
  EXPECT_THAT(Refusal("SGVsbG8sIHdvcmxkIQ=="), HasSubstr("version 2"));
  EXPECT_THAT(Refusal(std::string(5'000'000, 'A')), HasSubstr("too long"));
}

TEST(HistogramEncodingTest, RefusesOtherParameters) {
  Parts parts;
  parts.outer_cookie = 0x1c849302;
  EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("version 2"));
  parts = Parts();
  parts.cookie = 0x1c849301;
  EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("version 2"));
  parts = Parts();
  parts.offset = 1;
  EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("shifted"));
  parts = Parts();
  parts.digits = 2;
  EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("2 digits"));
  parts = Parts();
  parts.lowest = 1000;
  EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("begins at 1000"));
  parts = Parts();
  parts.scale = 0x4000000000000000u;
  EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("scaled"));
  for (const uint64_t highest : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) {
    parts = Parts();
    parts.highest = highest;
    EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("highest"));
  }
}

TEST(HistogramEncodingTest, RefusesWrongLengths) {
  for (const int error : {-1, 1}) {
    Parts parts;
    parts.length_error = error;
    EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("another length"));
  }
  Parts parts;
  parts.after = "x";
  EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("damaged"));
}

TEST(HistogramEncodingTest, RefusesCountsThatCannotBe) {
  Parts parts;
  parts.counts = "\x80";
  EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("within a number"));
  // The smallest number there is, as a run of empty buckets.
  parts.counts = std::string(9, '\xff');
  EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("beyond its highest"));
  // 2^62 three times.
  parts.counts.clear();
  for (int i = 0; i < 3; ++i) parts.counts += std::string(8, '\x80') + "\x80";
  EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("too great"));
  // A highest value of 2 allows 2,048 buckets: 2,000 empty ones and 49 more are too many.
  parts.highest = 2;
  parts.counts = "\x9f\x1f" + std::string(49, '\x02');
  EXPECT_THAT(Refusal(Assemble(parts)), HasSubstr("beyond its highest"));
  parts.counts.pop_back();
  EXPECT_TRUE(DecodeHistogram(Assemble(parts)).ok());
}

TEST(HistogramEncodingTest, RefusesTextThatUnpacksIntoTooMuch) {
  Parts parts;
  parts.counts = std::string(10'000'000, '\0');
  const std::string text = Assemble(parts);
  EXPECT_LT(text.size(), 20'000u);
  EXPECT_THAT(Refusal(text), HasSubstr("too long"));
}

TEST(HistogramEncodingTest, NeverFailsInAnotherWayOnDamagedText) {
  const LatencyHistogram original = LogUniform(500, 7);
  const std::string good = EncodeHistogram(original);
  for (size_t length = 0; length < good.size(); length += 3) {
    EXPECT_FALSE(DecodeHistogram(good.substr(0, length)).ok()) << length;
  }
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(good, &bytes));
  std::mt19937_64 random(8);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    // The stream's own checksum sees each of them, but for bits that mean nothing.
    const absl::StatusOr<LatencyHistogram> decoded = DecodeHistogram(absl::Base64Escape(damaged));
    refused += decoded.ok() ? 0 : 1;
    if (decoded.ok()) ExpectSameCounts(*decoded, original);
  }
  EXPECT_GT(refused, 1950);
  for (int i = 0; i < 2000; ++i) {
    Parts parts;
    parts.counts.resize(1 + random() % 40);
    for (char& byte : parts.counts) byte = static_cast<char>(random());
    // May be right or wrong; must be told, and re-encode where it is right.
    const absl::StatusOr<LatencyHistogram> decoded = DecodeHistogram(Assemble(parts));
    if (!decoded.ok()) continue;
    const absl::StatusOr<LatencyHistogram> again = DecodeHistogram(EncodeHistogram(*decoded));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->count(), decoded->count());
  }
}

TEST(HistogramEncodingTest, RefusesListsThatCannotBe) {
  EXPECT_FALSE(FromSparse({{-1, 1}}).ok());
  EXPECT_FALSE(FromSparse({{5, 1}, {5, 1}}).ok());
  EXPECT_FALSE(FromSparse({{5, 1}, {4, 1}}).ok());
  EXPECT_FALSE(FromSparse({{5, 0}}).ok());
  EXPECT_FALSE(FromSparse({{5, uint64_t{1} << 63}}).ok());
  EXPECT_FALSE(FromSparse({{5, INT64_MAX}, {90'000'000'000, 1}}).ok());
  EXPECT_TRUE(FromSparse({{5, INT64_MAX}}).ok());
  EXPECT_TRUE(FromSparse({}).ok());
}

}  // namespace
}  // namespace quorate::loadgen
