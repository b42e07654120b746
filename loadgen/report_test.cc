#include "loadgen/report.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Nanos kMs = 1'000'000;

// 1,000 reads from 1 to 1,000 ms, and 100 writes of 5 ms.
RunStats SomeStats() {
  RunStats stats;
  stats.scheduled = 1100;
  stats.ended_in_window = 1100;
  for (int i = 1; i <= 1000; ++i) {
    ++stats.reads.ok;
    stats.reads.response.Record(i * kMs);
    stats.reads.service.Record(i * kMs / 2);
    stats.send_lag.Record(kMs / 4);
  }
  for (int i = 0; i < 100; ++i) {
    ++stats.writes.ok;
    stats.writes.response.Record(5 * kMs);
    stats.writes.service.Record(4 * kMs);
  }
  return stats;
}

// The cells of the first line that holds `label`, beginning with it.
std::vector<std::string> Row(const std::string& report, const std::string& label) {
  for (const absl::string_view line : absl::StrSplit(report, '\n')) {
    const size_t found = line.find(label);
    if (found != absl::string_view::npos) {
      return absl::StrSplit(line.substr(found), ' ', absl::SkipEmpty());
    }
  }
  return {};
}

TEST(ReportTest, LatenciesInMilliseconds) {
  const std::string report = FormatReport(SomeStats(), Verdict{});
  const std::vector<std::string> reads = Row(report, "response");
  ASSERT_EQ(reads.size(), 7u) << report;
  EXPECT_EQ(reads[1], "1000");
  EXPECT_EQ(reads[2], "500.500");
  EXPECT_NEAR(std::stod(reads[3]), 500, 0.5);
  EXPECT_NEAR(std::stod(reads[4]), 950, 1);
  EXPECT_NEAR(std::stod(reads[5]), 990, 1);
  EXPECT_EQ(reads[6], "1000.000");
}

TEST(ReportTest, PercentilesOfTooFewAreNotPrinted) {
  RunStats stats = SomeStats();
  const std::vector<std::string> writes = Row(FormatReport(stats, Verdict{}), "write  response");
  ASSERT_EQ(writes.size(), 8u);
  EXPECT_NEAR(std::stod(writes[4]), 5, 0.01);  // p50
  EXPECT_EQ(writes[5], "-");                   // p95 of 100: five lie above
  EXPECT_EQ(writes[6], "-");
  EXPECT_EQ(writes[7], "5.000");
}

TEST(ReportTest, EmptyRun) {
  const std::string report = FormatReport(RunStats{}, Judge(RunStats{}, Place{}));
  EXPECT_THAT(report, HasSubstr("Verdict: void"));
  EXPECT_THAT(report, Not(HasSubstr("nan")));
}

TEST(ReportTest, OutcomesApart) {
  RunStats stats = SomeStats();
  stats.reads.failed = 7;
  stats.writes.failed = 3;
  stats.writes.unknown = 2;
  stats.missed = 4;
  stats.failures["HTTP 503: no leader"] = 12;
  const std::string report = FormatReport(stats, Verdict{});
  EXPECT_THAT(Row(report, "read      "), ::testing::ElementsAre("read", "1000", "7", "-"));
  EXPECT_THAT(Row(report, "write      "), ::testing::ElementsAre("write", "100", "3", "2"));
  EXPECT_THAT(report, HasSubstr("4  never sent, of 1100 scheduled"));
  EXPECT_THAT(report, HasSubstr("12  HTTP 503: no leader"));
  EXPECT_THAT(report, Not(HasSubstr("WRONG")));
  stats.wrong_values = 1;
  EXPECT_THAT(FormatReport(stats, Verdict{}), HasSubstr("WRONG VALUES"));
}

TEST(ReportTest, VerdictWithReasons) {
  const Verdict verdict{Judgement::kShared, {"one", "two"}};
  EXPECT_THAT(FormatReport(SomeStats(), verdict),
              HasSubstr("Verdict: shared\n    - one\n    - two\n"));
  EXPECT_THAT(FormatReport(SomeStats(), Verdict{}), HasSubstr("Verdict: valid\n"));
}

TEST(ReportTest, HeaderSaysWhatWasRun) {
  Options options;
  options.targets = {{"127.0.0.1", 8080}, {"127.0.0.1", 8081}};
  RestHealth health;
  health.strategy = "leader_follower";
  health.guarantee = "no stale reads";
  health.n = 5;
  health.w = 3;
  health.r = 2;
  std::string header = FormatHeader(options, health);
  EXPECT_THAT(header, HasSubstr("leader_follower, N=5 W=3 R=2\n  promised: no stale reads\n"));
  EXPECT_THAT(header,
              HasSubstr("2 targets, the first 127.0.0.1:8080, over rest: all to the first"));
  EXPECT_THAT(header, HasSubstr("10 op/s offered for 60 s after 1 s of warm-up, "
                                "writes 50 % / reads 50 %\n"));
  EXPECT_THAT(header, HasSubstr("50 keys, chosen by uniform"));
  options.w = 1;
  options.read_target = ReadTarget::kLocal;
  header = FormatHeader(options, health);
  EXPECT_THAT(header, HasSubstr("W=1 R=-, local reads\n"));
  EXPECT_THAT(header, HasSubstr("writes to the first, local reads to any\n"));
  EXPECT_THAT(header, Not(HasSubstr("promised")));
  options.mode = Mode::kLeaderless;
  options.read_target = ReadTarget::kCoordinator;
  options.closed_loop = 64;
  header = FormatHeader(options, RestHealth{});
  EXPECT_THAT(header, HasSubstr("unknown strategy, N=? W=1"));
  EXPECT_THAT(header, HasSubstr("writes and reads to any\n"));
  EXPECT_THAT(header, HasSubstr("closed loop of 64"));
}

TEST(ReportTest, LiveLineFitsATerminal) {
  IntervalStats interval;
  interval.from = 3000 * kMs;
  interval.to = 4000 * kMs;
  interval.ended = 498;
  interval.offered = 500;
  interval.in_flight = 2;
  interval.stale = 3;
  interval.response.Record(2 * kMs);
  EXPECT_EQ(FormatLiveLine(interval, 9000 * kMs),
            "[###-----] 5 s left 498/500 op/s p50 2.00 p99 2.00 ms stale 3 in flight 2 errors 0");
  EXPECT_LT(FormatLiveLine(interval, 9000 * kMs).size(), 90u);
  interval.warm_up = true;
  EXPECT_THAT(FormatLiveLine(interval, 9000 * kMs), HasSubstr("warm-up"));
  interval.phase = Phase::kLoad;
  EXPECT_THAT(FormatLiveLine(interval, 9000 * kMs), HasSubstr("load"));
  interval.to = interval.from;
  EXPECT_THAT(FormatLiveLine(interval, 0), Not(HasSubstr("inf")));
}

TEST(ReportTest, LinesForPrograms) {
  IntervalStats interval;
  interval.from = 1500 * kMs;
  interval.to = 2500 * kMs;
  interval.phase = Phase::kWarmUp;
  interval.offered = 500;
  interval.reads_ok = 7;
  EXPECT_EQ(FormatJsonLine(interval),
            R"({"start":1.500000000,"seconds":1.000000000,"phase":"warm-up","offered":500,)"
            R"("ended":0,"reads_ok":7,"writes_ok":0,"failed":0,"unknown":0,"missed":0,"stale":0,)"
            R"("in_flight":0,"p50":null,"p99":null,"max":null})");
  interval.response.Record(2 * kMs);
  EXPECT_THAT(FormatJsonLine(interval), HasSubstr(R"("max":0.002000000})"));
}

}  // namespace
}  // namespace quorate::loadgen
