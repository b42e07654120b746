#include "loadgen/summary.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/observer.h"
#include "loadgen/transport.h"

namespace quorate::loadgen {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Nanos kMs = 1'000'000;

Workload OneKey() {
  WorkloadOptions options;
  options.seed = 16;
  return Workload(options);
}

// A write, and reads of which so many return what was there before it.
void Record(int reads, int stale, RunStats* stats, RunRecorder* recorder) {
  SentOperation operation;
  operation.measured = true;
  Reply reply;
  reply.version = 2;
  reply.order = Order{0, 2, 0};
  operation.planned.write = true;
  recorder->OnWriteSent(operation, "");
  recorder->OnWriteEnded(operation, kMs, reply);
  ++stats->writes.ok;
  stats->writes.response.Record(kMs);
  operation.planned.write = false;
  for (int i = 0; i < reads; ++i) {
    operation.sent = (2 + i) * kMs;
    recorder->OnReadSent(operation);
    reply.version = i < stale ? 1 : 2;
    reply.order = Order{0, reply.version, 0};
    recorder->OnReadEnded(operation, operation.sent + kMs, reply);
    ++stats->reads.ok;
    stats->reads.response.Record(kMs);
  }
}

TEST(SummaryTest, TellsEachKindOfOperationAndStaleReads) {
  RunStats stats;
  RunRecorder recorder(RunRecorderOptions{});
  Record(100, 5, &stats, &recorder);
  const std::string summary = FormatSummary(stats, recorder, OneKey());
  EXPECT_THAT(summary, HasSubstr("Write Operations (1 total):\n  Average latency: 1.00ms\n"
                                 "  Median latency: -\n"));
  EXPECT_THAT(summary, HasSubstr("Read Operations (100 total):\n  Average latency: 1.00ms\n"
                                 "  Median latency: 1.00ms\n  P95 latency: -\n"));
  EXPECT_THAT(summary, HasSubstr("Max latency: 1.00ms\n"));
  EXPECT_THAT(summary, HasSubstr("Stale Reads: 5 (5.00%)\n  95% interval: 2.15% to 11.18%\n"));
  EXPECT_THAT(summary, HasSubstr("  Example: load-10-0: expected version 2, got 1, 1.00ms after "
                                 "the write\n"));
  EXPECT_THAT(summary, HasSubstr("Counted loosely: 5 (5.00%)"));
  EXPECT_THAT(summary, HasSubstr("Read-Write Intervals (1 total):\n  Average interval: 2.00ms\n"));
  EXPECT_THAT(summary, Not(HasSubstr("DAMAGED")));
}

TEST(SummaryTest, NothingMeasured) {
  const std::string summary =
      FormatSummary(RunStats{}, RunRecorder(RunRecorderOptions{}), OneKey());
  EXPECT_THAT(summary, HasSubstr("Write Operations (0 total):\n\n"));
  EXPECT_THAT(summary, HasSubstr("Stale Reads: no read was answered\n"));
  EXPECT_THAT(summary, Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace quorate::loadgen
