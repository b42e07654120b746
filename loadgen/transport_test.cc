// What every transport must do, whatever lies between, and a server in this process behind each.
#include "loadgen/transport.h"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "client/rest_test_server.h"
#include "loadgen/memory_node.h"
#include "loadgen/null_transport.h"
#include "loadgen/transport_factory.h"

namespace quorate::loadgen {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

// ---- Servers ----

class TestServer {
 public:
  virtual ~TestServer() = default;
  virtual HostAndPort address() const = 0;
  // Operations are taken and never answered from now on.
  virtual void FallSilent() = 0;
};

class GrpcServer : public TestServer {
 public:
  HostAndPort address() const override { return node_.address(); }
  void FallSilent() override { node_.FallSilent(); }

 private:
  MemoryNode node_;
};

// A key-value store with a thread of its own.
class RestServer : public TestServer {
 public:
  RestServer()
      : work_(io_.get_executor()),
        server_(&io_, [this](const RestTestServer::Request& request) { return Serve(request); }),
        thread_([this] { io_.run(); }) {}
  ~RestServer() override {
    io_.stop();
    thread_.join();
  }
  HostAndPort address() const override {
    return {server_.endpoint().address().to_string(), server_.endpoint().port()};
  }
  void FallSilent() override { silent_ = true; }
  // Only versions are told from now on, as by servers that know no more.
  void KeepOrdersBack() { tells_orders_ = false; }

 private:
  void PutVersion(int version, nlohmann::json* answer) const {
    (*answer)["version"] = version;
    if (!tells_orders_) return;
    (*answer)["order"] = {{"major", "1"}, {"minor", absl::StrCat(version)}, {"tie", "0"}};
  }
  RestTestServer::Answer Serve(const RestTestServer::Request& request) {
    if (silent_) return {0, "", RestTestServer::Then::kSilence};
    if (request.target == "/health") {
      return {200, R"({"status":"healthy","role":"leader","n":1,"w":1,"r":1})"};
    }
    if (request.method == "POST") {
      const auto body = nlohmann::json::parse(request.body);
      values_[body["key"]] = {body["value"], ++version_};
      nlohmann::json written;
      PutVersion(version_, &written);
      return {201, written.dump()};
    }
    const std::string key = request.target.substr(request.target.rfind('/') + 1);
    const auto found = values_.find(key);
    if (found == values_.end()) return {404, R"({"code":"NOT_FOUND","version":0})"};
    nlohmann::json read = {{"value", found->second.first}};
    PutVersion(found->second.second, &read);
    return {200, read.dump()};
  }

  std::atomic<bool> silent_{false};
  std::atomic<bool> tells_orders_{true};
  std::map<std::string, std::pair<std::string, int>> values_;
  int version_ = 0;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  RestTestServer server_;
  std::thread thread_;
};

std::unique_ptr<TestServer> NewServer(TransportKind kind) {
  if (kind == TransportKind::kRest) return std::make_unique<RestServer>();
  return std::make_unique<GrpcServer>();
}

// ---- Replies ----

struct OwnedReply {
  Reply reply;
  std::string value;
};

// Keeps replies by tag; each may come once.
class Replies : public ReplyHandler {
 public:
  void OnReply(uint64_t tag, const Reply& reply) override {
    EXPECT_TRUE(by_tag.emplace(tag, OwnedReply{reply, std::string(reply.value)}).second) << tag;
  }
  std::map<uint64_t, OwnedReply> by_tag;
};

Request Read(absl::string_view key) {
  Request request;
  request.key = key;
  return request;
}

Request Write(absl::string_view key, absl::string_view value) {
  Request request = Read(key);
  request.write = true;
  request.value = value;
  return request;
}

class TransportTest : public ::testing::TestWithParam<TransportKind> {
 protected:
  void Connect(const HostAndPort& address) {
    options_.targets = {address};
    absl::StatusOr<std::unique_ptr<Transport>> transport = MakeTransport(GetParam(), options_);
    ASSERT_TRUE(transport.ok()) << transport.status();
    transport_ = *std::move(transport);
  }

  // Polls until so many replies have come in all, or ten seconds are over.
  void Await(size_t count) {
    const auto give_up = Clock::now() + std::chrono::seconds(10);
    while (replies_.by_tag.size() < count && Clock::now() < give_up) {
      transport_->Poll(Clock::now() + std::chrono::milliseconds(100), &replies_);
    }
    ASSERT_EQ(replies_.by_tag.size(), count);
  }
  const OwnedReply& Call(const Request& request) {
    const uint64_t tag = ++last_tag_;
    transport_->Send(tag, request);
    Await(replies_.by_tag.size() + 1);
    return replies_.by_tag[tag];
  }

  TransportOptions options_;
  std::unique_ptr<Transport> transport_;
  Replies replies_;
  uint64_t last_tag_ = 1'000'000;
};

TEST_P(TransportTest, WritesAndReadsBack) {
  const auto server = NewServer(GetParam());
  Connect(server->address());
  const OwnedReply absent = Call(Read("k"));
  EXPECT_TRUE(absent.reply.status.ok()) << absent.reply.status;
  EXPECT_FALSE(absent.reply.found);
  EXPECT_EQ(absent.reply.version, 0u);
  const OwnedReply written = Call(Write("k", "value"));
  EXPECT_TRUE(written.reply.status.ok()) << written.reply.status;
  EXPECT_EQ(written.reply.version, 1u);
  const OwnedReply read = Call(Read("k"));
  EXPECT_TRUE(read.reply.found);
  EXPECT_EQ(read.value, "value");
  EXPECT_EQ(read.reply.version, 1u);
  EXPECT_EQ(read.reply.order, written.reply.order);
  EXPECT_TRUE(absent.reply.order < read.reply.order);
  EXPECT_TRUE(absent.reply.order_known);
  EXPECT_TRUE(written.reply.order_known);
  EXPECT_TRUE(read.reply.order_known);
}

TEST_P(TransportTest, LocalReads) {
  const auto server = NewServer(GetParam());
  Connect(server->address());
  Call(Write("k", "value"));
  Request local = Read("k");
  local.local = true;
  EXPECT_EQ(Call(local).value, "value");
}

TEST_P(TransportTest, ManyOperationsEndOnceEach) {
  const auto server = NewServer(GetParam());
  options_.max_in_flight = 64;
  Connect(server->address());
  constexpr size_t kOperations = 2000;
  for (size_t sent = 0; sent < kOperations;) {
    for (; sent < kOperations && transport_->HasRoom(0); ++sent) {
      const std::string key = absl::StrCat("key-", sent % 7);
      transport_->Send(sent, sent % 3 == 0 ? Write(key, absl::StrCat(key, ":", sent)) : Read(key));
    }
    EXPECT_LE(sent - replies_.by_tag.size(), 64u);
    transport_->Poll(Clock::now() + std::chrono::milliseconds(100), &replies_);
  }
  Await(kOperations);
  for (const auto& [tag, owned] : replies_.by_tag) {
    EXPECT_TRUE(owned.reply.status.ok()) << owned.reply.status;
    if (owned.reply.found) {
      EXPECT_THAT(owned.value, HasSubstr(absl::StrCat("key-", tag % 7, ":")));
    }
  }
}

TEST_P(TransportTest, HasRoomForSoManyAndNotForMore) {
  const auto server = NewServer(GetParam());
  server->FallSilent();
  options_.max_in_flight = 3;
  options_.timeout = absl::Milliseconds(300);
  Connect(server->address());
  for (uint64_t tag = 0; tag < 3; ++tag) {
    ASSERT_TRUE(transport_->HasRoom(0));
    transport_->Send(tag, Read("k"));
  }
  EXPECT_FALSE(transport_->HasRoom(0));
  Await(3);
  EXPECT_TRUE(transport_->HasRoom(0));
}

TEST_P(TransportTest, SilenceEndsAtTheDeadlineAndLeavesWritesUnknown) {
  const auto server = NewServer(GetParam());
  options_.timeout = absl::Milliseconds(500);
  Connect(server->address());
  Call(Write("k", "there"));
  server->FallSilent();
  const auto sent = Clock::now();
  transport_->Send(1, Write("k", "lost"));
  transport_->Send(2, Read("k"));
  Await(3);
  EXPECT_GE(Clock::now() - sent, std::chrono::milliseconds(495));
  for (const uint64_t tag : {1, 2}) {
    EXPECT_EQ(replies_.by_tag[tag].reply.status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(replies_.by_tag[tag].reply.may_have_applied, tag == 1);
  }
}

TEST_P(TransportTest, NobodyThere) {
  HostAndPort nobody = NewServer(GetParam())->address();
  Connect(nobody);
  const OwnedReply read = Call(Read("k"));
  EXPECT_EQ(read.reply.status.code(), absl::StatusCode::kUnavailable) << read.reply.status;
  EXPECT_FALSE(read.reply.may_have_applied);
  const OwnedReply written = Call(Write("k", "v"));
  EXPECT_EQ(written.reply.status.code(), absl::StatusCode::kUnavailable);
  // gRPC does not tell of a call whether it has left.
  EXPECT_EQ(written.reply.may_have_applied, GetParam() == TransportKind::kUnary);
  EXPECT_FALSE(transport_->CheckTargets()[0].status.ok());
}

TEST_P(TransportTest, WithoutAnythingToDoPollReturnsAtItsTime) {
  const auto server = NewServer(GetParam());
  Connect(server->address());
  Call(Read("k"));
  const auto until = Clock::now() + std::chrono::milliseconds(20);
  while (Clock::now() < until) transport_->Poll(until, &replies_);
  EXPECT_EQ(replies_.by_tag.size(), 1u);
  transport_->Poll(until, &replies_);  // a time that has passed
}

TEST_P(TransportTest, GoesAwayWithOperationsInFlight) {
  const auto server = NewServer(GetParam());
  Connect(server->address());
  Call(Read("k"));
  server->FallSilent();
  for (uint64_t tag = 0; tag < 5; ++tag) transport_->Send(tag, Write("k", "v"));
  transport_->Poll(Clock::now() + std::chrono::milliseconds(10), &replies_);
  transport_->Send(5, Write("k", "v"));
  transport_.reset();
  EXPECT_EQ(replies_.by_tag.size(), 1u);
}

TEST_P(TransportTest, TellsHowTargetsAre) {
  const auto server = NewServer(GetParam());
  Connect(server->address());
  const std::vector<RestHealth> health = transport_->CheckTargets();
  ASSERT_EQ(health.size(), 1u);
  EXPECT_TRUE(health[0].status.ok()) << health[0].status;
  EXPECT_EQ(health[0].role, "leader");
  EXPECT_EQ(health[0].n, 1);
  EXPECT_TRUE(transport_->TargetsAreLocal());
}

TEST_P(TransportTest, ATargetWithoutAddressIsNamed) {
  options_.targets = {{"no-such-host.invalid", 80}};
  const auto transport = MakeTransport(GetParam(), options_);
  EXPECT_EQ(transport.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(transport.status().message()), HasSubstr("no-such-host.invalid:80"));
}

std::string NameOf(const ::testing::TestParamInfo<TransportKind>& info) {
  switch (info.param) {
    case TransportKind::kRest:
      return "Rest";
    case TransportKind::kUnary:
      return "Unary";
    case TransportKind::kStream:
      return "Stream";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(All, TransportTest,
                         ::testing::Values(TransportKind::kRest, TransportKind::kUnary,
                                           TransportKind::kStream),
                         NameOf);

class GrpcTransportTest : public TransportTest {};

TEST_P(GrpcTransportTest, AFailureTellsWhetherTheWriteMayHaveApplied) {
  MemoryNode node;
  Connect(node.address());
  for (const bool may_have_applied : {false, true}) {
    node.FailWith(grpc::StatusCode::FAILED_PRECONDITION, "no\nleader", may_have_applied);
    const OwnedReply failed = Call(Write("k", "v"));
    EXPECT_EQ(failed.reply.status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(failed.reply.status.message()), HasSubstr("no"));
    EXPECT_EQ(failed.reply.status.message().find('\n'), absl::string_view::npos);
    EXPECT_EQ(failed.reply.may_have_applied, may_have_applied);
  }
}

INSTANTIATE_TEST_SUITE_P(All, GrpcTransportTest,
                         ::testing::Values(TransportKind::kUnary, TransportKind::kStream), NameOf);

class RestTransportTest : public TransportTest {};

TEST_P(RestTransportTest, AVersionAloneIsNoOrder) {
  RestServer server;
  server.KeepOrdersBack();
  Connect(server.address());
  EXPECT_TRUE(Call(Read("k")).reply.order_known) << "what was never written";
  const Reply written = Call(Write("k", "value")).reply;
  EXPECT_FALSE(written.order_known);
  EXPECT_EQ(written.order, (Order{0, 1, 0}));
  EXPECT_FALSE(Call(Read("k")).reply.order_known);
}

INSTANTIATE_TEST_SUITE_P(All, RestTransportTest, ::testing::Values(TransportKind::kRest), NameOf);

TEST(NullTransportTest, AnswersFromItsRegisters) {
  NullTransport transport(2, 5, 4);
  Replies replies;
  Request write = Write("key 3", "value");
  write.key_number = 3;
  transport.Send(1, write);
  Request read = Read("key 3");
  read.key_number = 3;
  read.target = 1;
  transport.Send(2, read);
  transport.Send(3, Read("key 0"));
  EXPECT_TRUE(transport.HasRoom(0));
  transport.Send(4, Read("key 0"));
  EXPECT_FALSE(transport.HasRoom(1));
  EXPECT_TRUE(replies.by_tag.empty());
  transport.Poll(Clock::now(), &replies);
  ASSERT_EQ(replies.by_tag.size(), 4u);
  EXPECT_EQ(replies.by_tag[1].reply.version, 1u);
  EXPECT_EQ(replies.by_tag[2].value, "value");
  EXPECT_EQ(replies.by_tag[2].reply.order, replies.by_tag[1].reply.order);
  EXPECT_FALSE(replies.by_tag[3].reply.found);
  EXPECT_EQ(transport.CheckTargets().size(), 2u);
}

}  // namespace
}  // namespace quorate::loadgen
