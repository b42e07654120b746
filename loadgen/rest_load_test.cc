#include "loadgen/rest_load.h"

#include <csignal>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "client/rest_test_server.h"

namespace quorate::loadgen {
namespace {

using ::testing::HasSubstr;

// A server with a thread of its own; a key-value store by default.
class ServerThread {
 public:
  ServerThread() : ServerThread(nullptr) {}
  explicit ServerThread(RestTestServer::Handler handler)
      : work_(io_.get_executor()),
        server_(
            &io_, handler != nullptr
                      ? std::move(handler)
                      : [this](const RestTestServer::Request& request) { return Serve(request); }),
        thread_([this] { io_.run(); }) {}
  ~ServerThread() {
    io_.stop();
    thread_.join();
  }

  HostAndPort address() const {
    return {server_.endpoint().address().to_string(), server_.endpoint().port()};
  }

 private:
  RestTestServer::Answer Serve(const RestTestServer::Request& request) {
    if (request.target == "/health") {
      return {200, R"({"status":"healthy","role":"leader","n":1,"w":1,"r":1})"};
    }
    if (request.method == "POST") {
      const auto body = nlohmann::json::parse(request.body);
      values_[body["key"]] = {body["value"], ++version_};
      return {201, absl::StrCat(R"({"version":)", version_, "}")};
    }
    const std::string key = request.target.substr(request.target.rfind('/') + 1);
    const auto found = values_.find(key);
    if (found == values_.end()) return {404, R"({"code":"NOT_FOUND","version":0})"};
    return {
        200,
        nlohmann::json{{"value", found->second.first}, {"version", found->second.second}}.dump()};
  }

  std::map<std::string, std::pair<std::string, int>> values_;
  int version_ = 0;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  RestTestServer server_;
  std::thread thread_;
};

Options ShortRun(const HostAndPort& target) {
  Options options;
  options.targets = {target};
  options.duration_seconds = 1;
  options.warmup_seconds = 0;
  options.qps = 400;
  options.write_ratio = 0.5;
  options.num_keys = 5;
  options.timeout_ms = 200;
  return options;
}

TEST(RestLoadTest, MeasuresAServer) {
  ServerThread server;
  auto load = RestLoad::Create(ShortRun(server.address()));
  ASSERT_TRUE(load.ok());
  const std::vector<RestHealth> health = (*load)->CheckTargets();
  ASSERT_EQ(health.size(), 1u);
  EXPECT_TRUE(health[0].status.ok());
  EXPECT_TRUE((*load)->TargetsAreLocal());
  uint64_t ended = 0;
  const RunStats& stats =
      (*load)->Run([&](const IntervalStats& interval) { ended += interval.ended; });
  EXPECT_EQ(stats.scheduled, 400u);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, 400u);
  EXPECT_GT(stats.writes.ok, 100u);
  EXPECT_EQ(stats.stale_reads, 0u);
  EXPECT_EQ(stats.wrong_values, 0u);
  EXPECT_EQ(ended, 400u);
  EXPECT_GT(stats.reads.service.ValueAtQuantile(0.5), 0);
  EXPECT_FALSE((*load)->interrupted());
}

TEST(RestLoadTest, SilentServerEndsInUnknownWritesAndMissedOperations) {
  ServerThread server([](const RestTestServer::Request&) {
    return RestTestServer::Answer{0, "", RestTestServer::Then::kSilence};
  });
  Options options = ShortRun(server.address());
  options.connections = 2;
  auto load = RestLoad::Create(options);
  ASSERT_TRUE(load.ok());
  const RunStats& stats = (*load)->Run([](const IntervalStats&) {});
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, 0u);
  EXPECT_GT(stats.writes.unknown, 0u);
  EXPECT_EQ(stats.writes.failed, 0u);
  EXPECT_EQ(stats.writes.unknown + stats.reads.failed + stats.missed, stats.scheduled);
}

TEST(RestLoadTest, NobodyThereMeansNothingWritten) {
  HostAndPort nobody;
  {
    ServerThread server;
    nobody = server.address();
  }
  auto load = RestLoad::Create(ShortRun(nobody));
  ASSERT_TRUE(load.ok());
  EXPECT_FALSE((*load)->CheckTargets()[0].status.ok());
  const RunStats& stats = (*load)->Run([](const IntervalStats&) {});
  EXPECT_EQ(stats.writes.unknown, 0u);
  EXPECT_EQ(stats.writes.failed + stats.reads.failed, 400u);
}

TEST(RestLoadTest, AnInterruptEndsTheScheduleOnly) {
  ServerThread server;
  Options options = ShortRun(server.address());
  options.duration_seconds = 3600;
  auto load = RestLoad::Create(options);
  ASSERT_TRUE(load.ok());
  bool raised = false;
  const RunStats& stats = (*load)->Run([&raised](const IntervalStats&) {
    if (!std::exchange(raised, true)) std::raise(SIGINT);
  });
  EXPECT_TRUE((*load)->interrupted());
  EXPECT_GT(stats.reads.ok, 0u);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, stats.scheduled);
  EXPECT_LT(stats.window, 10 * kNanosPerSecond);
}

TEST(RestLoadTest, TargetWithoutAddressIsNamed) {
  Options options = ShortRun({"no-such-host.invalid", 80});
  const auto load = RestLoad::Create(options);
  EXPECT_EQ(load.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(load.status().message()), HasSubstr("no-such-host.invalid:80"));
}

}  // namespace
}  // namespace quorate::loadgen
