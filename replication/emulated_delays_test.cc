#include "replication/emulated_delays.h"

#include <limits>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

EmulatedDelays Parsed(absl::string_view spec) {
  const absl::StatusOr<EmulatedDelays> delays = EmulatedDelays::Parse(spec);
  EXPECT_TRUE(delays.ok()) << spec << ": " << delays.status();
  return delays.value_or(EmulatedDelays());
}

peer::v1::Batch BatchOf(std::initializer_list<peer::v1::Message> messages) {
  peer::v1::Batch batch;
  for (const peer::v1::Message& message : messages) {
    batch.add_messages(message.SerializeAsString());
  }
  return batch;
}

peer::v1::Message Write() {
  peer::v1::Message message;
  message.mutable_replicate()->add_entries()->set_key("k");
  return message;
}

peer::v1::Message Read() {
  peer::v1::Message message;
  message.mutable_read()->set_key("k");
  return message;
}

peer::v1::Message Ping() {
  peer::v1::Message message;
  message.mutable_ping();
  return message;
}

// With the random bits that give the longest or shortest draw.
absl::Duration Longest(const EmulatedDelays& delays, NodeId from, NodeId to,
                       const peer::v1::Batch& batch) {
  return delays.For(from, to, batch, [] { return kMax; });
}
absl::Duration Shortest(const EmulatedDelays& delays, NodeId from, NodeId to,
                        const peer::v1::Batch& batch) {
  return delays.For(from, to, batch, [] { return uint64_t{0}; });
}

TEST(DelayTest, IsFixedUniformOrExponential) {
  EXPECT_EQ(Delay().Draw(kMax), absl::ZeroDuration());
  const Delay fixed = *Delay::Parse("20ms");
  EXPECT_EQ(fixed.Draw(0), absl::Milliseconds(20));
  EXPECT_EQ(fixed.Draw(kMax), absl::Milliseconds(20));

  const Delay uniform = *Delay::Parse("uniform:10ms:30ms");
  EXPECT_EQ(uniform.Draw(0), absl::Milliseconds(10));
  EXPECT_EQ(uniform.Draw(kMax / 2 + 1), absl::Milliseconds(20));
  EXPECT_LE(uniform.Draw(kMax), absl::Milliseconds(30));
  EXPECT_GT(uniform.Draw(kMax), absl::Milliseconds(29));

  const Delay exponential = *Delay::Parse("exponential:10ms");
  EXPECT_EQ(exponential.Draw(0), absl::ZeroDuration());
  EXPECT_EQ(exponential.Draw(kMax), absl::Milliseconds(100));
  // Half of the draws are below the mean times ln 2.
  const absl::Duration median = exponential.Draw(kMax / 2 + 1);
  EXPECT_GT(median, absl::Microseconds(6931));
  EXPECT_LT(median, absl::Microseconds(6932));
}

TEST(DelayTest, ExponentialDrawsHaveTheirMean) {
  const Delay exponential = Delay::Exponential(absl::Milliseconds(10));
  absl::Duration sum;
  constexpr int kDraws = 10000;
  for (int i = 0; i < kDraws; ++i) sum += exponential.Draw(kMax / kDraws * i);
  EXPECT_GT(sum / kDraws, absl::Microseconds(9900));
  EXPECT_LT(sum / kDraws, absl::Microseconds(10100));
}

TEST(DelayTest, RefusesWhatItCannotBe) {
  for (const absl::string_view text :
       {"", "x", "20", "-1ms", "11s", "inf", "20ms:30ms", "uniform:1ms", "uniform:3ms:2ms",
        "uniform:1ms:2ms:3ms", "exponential", "exponential:", "exponential:1ms:2ms",
        "normal:1ms"}) {
    EXPECT_EQ(Delay::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(EmulatedDelaysTest, NothingIsNoDelay) {
  EXPECT_FALSE(EmulatedDelays().any());
  EXPECT_FALSE(Parsed("").any());
  EXPECT_EQ(Parsed("").LongestRoundTrip(), absl::ZeroDuration());
  EXPECT_TRUE(Parsed("link=0").any());
}

TEST(EmulatedDelaysTest, StoresTakeTimeForWhatTheyDo) {
  const EmulatedDelays classroom = Parsed("classroom");
  EXPECT_EQ(Longest(classroom, 1, 2, BatchOf({Ping()})), absl::Milliseconds(200));
  EXPECT_EQ(Longest(classroom, 1, 2, BatchOf({Ping(), Write(), Write()})), absl::Milliseconds(300));
  EXPECT_EQ(Longest(classroom, 2, 1, BatchOf({Read()})), absl::Milliseconds(250));
  EXPECT_EQ(Longest(classroom, 1, 2, BatchOf({Read(), Write()})), absl::Milliseconds(350));
  EXPECT_EQ(classroom.LongestRoundTrip(), absl::Milliseconds(700));

  peer::v1::Message page;
  page.mutable_compare_reply();
  EXPECT_EQ(Longest(classroom, 1, 2, BatchOf({page})), absl::Milliseconds(200));
  page.mutable_compare_reply()->add_records()->set_key("k");
  EXPECT_EQ(Longest(classroom, 1, 2, BatchOf({page})), absl::Milliseconds(300));

  peer::v1::Batch damaged;
  damaged.add_messages("\xff\xff");
  EXPECT_EQ(Longest(classroom, 1, 2, damaged), absl::Milliseconds(200));
}

TEST(EmulatedDelaysTest, DrawsAnewForEachBatch) {
  const EmulatedDelays lan = Parsed("lan");
  const peer::v1::Batch batch = BatchOf({Ping()});
  EXPECT_EQ(Shortest(lan, 1, 2, batch), absl::Microseconds(100));
  EXPECT_LE(Longest(lan, 1, 2, batch), absl::Microseconds(300));
  EXPECT_GT(Longest(lan, 1, 2, batch), absl::Microseconds(299));
}

TEST(EmulatedDelaysTest, RegionsAreFarFromOneAnother) {
  const EmulatedDelays wan3 = Parsed("wan3");
  const peer::v1::Batch batch = BatchOf({Write()});
  EXPECT_EQ(wan3.PlaceOf(1), "Virginia");
  EXPECT_EQ(wan3.PlaceOf(3), "Ireland");
  EXPECT_EQ(wan3.PlaceOf(4), "Virginia");
  EXPECT_EQ(Longest(wan3, 1, 2, batch), absl::Milliseconds(35));
  EXPECT_EQ(Longest(wan3, 2, 3, batch), absl::Milliseconds(65));
  EXPECT_EQ(Longest(wan3, 4, 1, batch), absl::Microseconds(500));
  EXPECT_EQ(wan3.LongestRoundTrip(), absl::Milliseconds(130));

  const EmulatedDelays wan5 = Parsed("wan5");
  EXPECT_EQ(wan5.PlaceOf(5), "Singapore");
  // Ports in a row stand for regions in a row, too.
  EXPECT_NE(wan5.PlaceOf(8080), wan5.PlaceOf(8084));
  EXPECT_EQ(wan5.LongestRoundTrip(), absl::Milliseconds(220));
  for (NodeId a = 1; a <= 5; ++a) {
    for (NodeId b = 1; b <= 5; ++b) {
      EXPECT_EQ(Longest(wan5, a, b, batch), Longest(wan5, b, a, batch));
      EXPECT_EQ(Longest(wan5, a, b, batch) < absl::Milliseconds(1), a == b);
    }
  }
  EXPECT_EQ(Parsed("classroom").PlaceOf(1), "");
}

TEST(EmulatedDelaysTest, LaterItemsReplaceEarlierOnes) {
  const peer::v1::Batch write = BatchOf({Write()});
  const EmulatedDelays near = Parsed("wan3,link:1/2=1ms,apply=2ms");
  EXPECT_EQ(Longest(near, 1, 2, write), absl::Milliseconds(3));
  EXPECT_EQ(Longest(near, 2, 1, write), absl::Milliseconds(3));
  EXPECT_EQ(Longest(near, 2, 3, write), absl::Milliseconds(67));
  EXPECT_EQ(Longest(Parsed("link:2/1=7ms"), 1, 2, write), absl::Milliseconds(7));
  EXPECT_EQ(Longest(Parsed("link:2/1=7ms"), 1, 3, write), absl::ZeroDuration());
  EXPECT_EQ(Longest(Parsed("wan3,link:1/2=1ms,link=4ms"), 1, 2, write), absl::Milliseconds(4));
  EXPECT_EQ(Longest(Parsed("apply=1ms,apply=2ms"), 1, 2, write), absl::Milliseconds(2));
  EXPECT_EQ(Parsed("link=1ms,link:1/2=30ms,read=2ms").LongestRoundTrip(), absl::Milliseconds(64));
}

TEST(EmulatedDelaysTest, RefusesWhatItDoesNotKnow) {
  for (const std::string spec : {"x", "wan4", ",", "wan3,", "link", "wan3,classroom",
                                 "link=", "link=x", "links=1ms", "link:1=1ms", "link:1/1=1ms",
                                 "link:/2=1ms", "apply:1/2=1ms", "=1ms", "link=1ms read=1ms"}) {
    const absl::Status status = EmulatedDelays::Parse(spec).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << spec;
    EXPECT_THAT(std::string(status.message()), HasSubstr("must be")) << spec;
  }
}

}  // namespace
}  // namespace quorate
