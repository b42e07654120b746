#include "loadgen/load_loop.h"

#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "gtest/gtest.h"

#include "client/rest_test_server.h"
#include "loadgen/null_transport.h"
#include "loadgen/options.h"
#include "loadgen/rest_transport.h"

namespace quorate::loadgen {
namespace {

RunnerOptions ShortRun() {
  RunnerOptions options;
  options.workload.writes_per_operation = 0.5;
  options.workload.keys = 5;
  options.operations_per_second = 400;
  options.measured = kNanosPerSecond;
  options.drop_waiting_after = kNanosPerSecond / 5;
  return options;
}

TEST(LoadLoopTest, RunsAllPhases) {
  RunnerOptions options = ShortRun();
  options.load_keys = true;
  options.warm_up = kNanosPerSecond / 5;
  NullTransport transport(1, 5, 100);
  LoadLoop loop(options, &transport);
  uint64_t ended = 0;
  const RunStats& stats = loop.Run([&](const IntervalStats& interval) { ended += interval.ended; });
  EXPECT_EQ(stats.scheduled, 400u);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, 400u);
  EXPECT_GT(stats.writes.ok, 100u);
  EXPECT_EQ(stats.loaded, 5u);
  EXPECT_EQ(ended, 485u);
  EXPECT_EQ(stats.stale_reads, 0u);
  EXPECT_EQ(stats.wrong_values, 0u);
  EXPECT_EQ(stats.absent_reads, 0u);
  EXPECT_FALSE(loop.interrupted());
  ASSERT_EQ(stats.phases.size(), 4u);
  EXPECT_GE(stats.phases[2].end - stats.phases[2].start, kNanosPerSecond);
}

TEST(LoadLoopTest, AClosedLoopIsAsFastAsItsTransport) {
  RunnerOptions options = ShortRun();
  options.closed_loop = 4;
  options.measured = kNanosPerSecond / 10;
  NullTransport transport(1, 5, 100);
  LoadLoop loop(options, &transport);
  EXPECT_GT(loop.Run([](const IntervalStats&) {}).reads.ok, 100u);
}

TEST(LoadLoopTest, AnInterruptEndsTheScheduleOnly) {
  RunnerOptions options = ShortRun();
  options.measured = 3600 * kNanosPerSecond;
  NullTransport transport(1, 5, 100);
  LoadLoop loop(options, &transport);
  bool raised = false;
  const RunStats& stats = loop.Run([&raised](const IntervalStats&) {
    if (!std::exchange(raised, true)) std::raise(SIGINT);
  });
  EXPECT_TRUE(loop.interrupted());
  EXPECT_GT(stats.reads.ok, 0u);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, stats.scheduled);
  EXPECT_LT(stats.window, 10 * kNanosPerSecond);
}

// A server with a thread of its own that answers nothing.
class SilentServer {
 public:
  SilentServer()
      : work_(io_.get_executor()),
        server_(&io_,
                [](const RestTestServer::Request&) {
                  return RestTestServer::Answer{0, "", RestTestServer::Then::kSilence};
                }),
        thread_([this] { io_.run(); }) {}
  ~SilentServer() {
    io_.stop();
    thread_.join();
  }
  HostAndPort address() const {
    return {server_.endpoint().address().to_string(), server_.endpoint().port()};
  }

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  RestTestServer server_;
  std::thread thread_;
};

TEST(LoadLoopTest, ASilentServerEndsInUnknownWritesAndMissedOperations) {
  SilentServer server;
  TransportOptions options;
  options.targets = {server.address()};
  options.timeout = absl::Milliseconds(200);
  options.max_in_flight = 2;
  const absl::StatusOr<std::unique_ptr<Transport>> transport = RestTransport::Create(options);
  ASSERT_TRUE(transport.ok());
  LoadLoop loop(ShortRun(), transport->get());
  const RunStats& stats = loop.Run([](const IntervalStats&) {});
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, 0u);
  EXPECT_GT(stats.writes.unknown, 0u);
  EXPECT_EQ(stats.writes.failed, 0u);
  EXPECT_EQ(stats.writes.unknown + stats.reads.failed + stats.missed, stats.scheduled);
  EXPECT_EQ(stats.writes.timed_out + stats.reads.timed_out,
            stats.writes.unknown + stats.reads.failed);
  EXPECT_GE(stats.writes.unknown_latency.service.ValueAtQuantile(0.5), 199'000'000);
}

}  // namespace
}  // namespace quorate::loadgen
