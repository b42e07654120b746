#include "loadgen/window_recorder.h"

#include <cstdint>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(CoarseHistogramTest, BucketsAreASixteenthOfAPowerOfTwo) {
  CoarseHistogram histogram;
  EXPECT_THAT(histogram.NonEmptyBuckets(), IsEmpty());
  for (const Nanos nanos : {-5, 0, 1023, 1024, 1087, 1088, 2047, 2048}) histogram.Record(nanos);
  EXPECT_THAT(histogram.NonEmptyBuckets(),
              ElementsAre(Pair(0, 3), Pair(1024, 2), Pair(1088, 1), Pair(1984, 1), Pair(2048, 1)));
  CoarseHistogram long_ones;
  const Nanos last = (Nanos{31} << 31);
  for (const Nanos nanos : {last - 1, last, std::numeric_limits<Nanos>::max()}) {
    long_ones.Record(nanos);
  }
  EXPECT_THAT(long_ones.NonEmptyBuckets(), ElementsAre(Pair(Nanos{30} << 31, 1), Pair(last, 2)));
  histogram.Add(long_ones);
  histogram.Add(CoarseHistogram());
  EXPECT_EQ(histogram.NonEmptyBuckets().size(), 7u);
}

TEST(CoarseHistogramTest, ADurationLiesInTheBucketThatItIsCountedIn) {
  for (Nanos nanos = 1024; nanos < Nanos{60} * kNanosPerSecond; nanos += nanos / 3 + 1) {
    CoarseHistogram histogram;
    histogram.Record(nanos);
    const Nanos lowest = histogram.NonEmptyBuckets()[0].first;
    EXPECT_LE(lowest, nanos);
    EXPECT_GT(lowest + lowest / 16, nanos);
  }
}

TEST(WindowRecorderTest, WindowsAreSeconds) {
  WindowRecorder recorder;
  EXPECT_THAT(recorder.windows(), IsEmpty());
  ++recorder.At(3 * kNanosPerSecond / 2)->failed;
  ++recorder.At(7 * kNanosPerSecond / 2)->failed;
  ++recorder.At(2 * kNanosPerSecond - 1)->failed;
  ++recorder.At(0)->failed;  // before the first window
  EXPECT_EQ(recorder.start(), kNanosPerSecond);
  EXPECT_EQ(recorder.width(), kNanosPerSecond);
  ASSERT_EQ(recorder.windows().size(), 3u);
  EXPECT_EQ(recorder.windows()[0].failed, 3u);
  EXPECT_EQ(recorder.windows()[1].failed, 0u);
  EXPECT_EQ(recorder.windows()[2].failed, 1u);
}

TEST(WindowRecorderTest, ALongRunHasLongerWindowsAndLosesNothing) {
  WindowRecorder recorder;
  constexpr Nanos kSeconds = 1000;
  for (Nanos second = 0; second < kSeconds; ++second) {
    Window* const window = recorder.At(second * kNanosPerSecond);
    window->unknown += 1;
    window->judged += 5;
    window->stale += 2;
    window->loosely_stale += 3;
    window->inversions += 4;
    window->read_response.Record(2048);
    window->write_response.Record(4096);
  }
  EXPECT_EQ(recorder.width(), 4 * kNanosPerSecond);
  ASSERT_EQ(recorder.windows().size(), 250u);
  for (const Window& window : recorder.windows()) {
    EXPECT_EQ(window.unknown, 4u);
    EXPECT_EQ(window.judged, 20u);
    EXPECT_EQ(window.stale, 8u);
    EXPECT_EQ(window.loosely_stale, 12u);
    EXPECT_EQ(window.inversions, 16u);
    EXPECT_THAT(window.read_response.NonEmptyBuckets(), ElementsAre(Pair(2048, 4)));
    EXPECT_THAT(window.write_response.NonEmptyBuckets(), ElementsAre(Pair(4096, 4)));
  }
  // After a pause of eleven days.
  recorder.At(1'000'000 * kNanosPerSecond);
  EXPECT_LE(recorder.windows().size(), kWindowsMax);
  EXPECT_EQ(recorder.windows()[0].unknown, 1000u);
}

}  // namespace
}  // namespace quorate::loadgen
