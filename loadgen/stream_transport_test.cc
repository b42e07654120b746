#include "loadgen/stream_transport.h"

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "client/fake_node.h"

namespace quorate::loadgen {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

HostAndPort AddressOf(const FakeNode& node) {
  const size_t colon = node.address().rfind(':');
  HostAndPort address;
  address.host = node.address().substr(0, colon);
  EXPECT_TRUE(absl::SimpleAtoi(node.address().substr(colon + 1), &address.port));
  return address;
}

class Replies : public ReplyHandler {
 public:
  void OnReply(uint64_t tag, const Reply& reply) override {
    EXPECT_TRUE(by_tag.emplace(tag, reply).second) << tag;
  }
  std::map<uint64_t, Reply> by_tag;
};

Request Read() {
  Request request;
  request.key = "a key that is longer than a small string";
  return request;
}

Request Write() {
  Request request = Read();
  request.write = true;
  request.value = "value";
  return request;
}

class StreamTransportTest : public ::testing::Test {
 protected:
  StreamTransportTest() { options_.max_in_flight = 10000; }

  void Connect(const HostAndPort& address) {
    options_.targets.push_back(address);
    absl::StatusOr<std::unique_ptr<Transport>> transport = StreamTransport::Create(options_);
    ASSERT_TRUE(transport.ok()) << transport.status();
    transport_ = *std::move(transport);
  }

  template <typename Condition>
  void PollUntil(Condition condition) {
    const auto give_up = Clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      ASSERT_LT(Clock::now(), give_up);
      transport_->Poll(Clock::now() + std::chrono::milliseconds(20), &replies_);
    }
  }
  void Await(size_t count) {
    PollUntil([&] { return replies_.by_tag.size() >= count; });
  }
  // Sends what comes back once the node has it.
  void SendAndAwaitArrival(FakeNode* node, const std::vector<Request>& requests) {
    const size_t before = node->operations().size();
    for (const Request& request : requests) transport_->Send(++last_tag_, request);
    PollUntil([&] { return node->operations().size() == before + requests.size(); });
  }
  Reply Call(const Request& request) {
    const uint64_t tag = ++last_tag_;
    transport_->Send(tag, request);
    Await(replies_.by_tag.size() + 1);
    return replies_.by_tag[tag];
  }

  TransportOptions options_;
  std::unique_ptr<Transport> transport_;
  Replies replies_;
  uint64_t last_tag_ = 0;
};

TEST_F(StreamTransportTest, WhatHasQueuedLeavesInOneMessage) {
  FakeNode node("one");
  Connect(AddressOf(node));
  for (uint64_t tag = 0; tag < 500; ++tag) transport_->Send(tag, tag % 2 == 0 ? Read() : Write());
  Await(500);
  EXPECT_EQ(node.messages(), 1u);
  EXPECT_EQ(node.operations().size(), 500u);
  for (const auto& [tag, reply] : replies_.by_tag) EXPECT_TRUE(reply.status.ok()) << reply.status;
}

TEST_F(StreamTransportTest, AMessageClosesBeforeItIsTooLargeForANode) {
  FakeNode node("one");
  Connect(AddressOf(node));
  const std::string value(size_t{1} << 20, 'v');
  Request write = Write();
  write.value = value;
  transport_->Send(1, write);
  EXPECT_FALSE(transport_->HasRoom(0));
  Await(1);
  EXPECT_TRUE(transport_->HasRoom(0));
  EXPECT_TRUE(replies_.by_tag[1].status.ok()) << replies_.by_tag[1].status;
}

TEST_F(StreamTransportTest, OptionsReachTheNode) {
  FakeNode node("one");
  options_.w = 2;
  options_.r = 3;
  options_.timeout = absl::Milliseconds(1234);
  Connect(AddressOf(node));
  Call(Write());
  Call(Read());
  const std::vector<v1::StreamOperation> operations = node.operations();
  ASSERT_EQ(operations.size(), 2u);
  EXPECT_EQ(operations[0].set().w(), 2u);
  EXPECT_EQ(operations[0].set().data(), "value");
  EXPECT_EQ(operations[0].timeout_ms(), 1234u);
  EXPECT_EQ(operations[1].get().r(), 3u);
  EXPECT_EQ(operations[1].get().key_bytes(), Read().key);
}

TEST_F(StreamTransportTest, RepliesCarryTheirOrder) {
  FakeNode node("one");
  node.AnswerWith([](const v1::StreamOperation& operation) {
    v1::StreamResult result;
    v1::Order* const order = operation.has_set() ? result.mutable_write()->mutable_order()
                                                 : result.mutable_read()->mutable_order();
    order->set_major(7);
    order->set_minor(8);
    order->set_tie(9);
    return result;
  });
  Connect(AddressOf(node));
  for (const Reply& reply : {Call(Write()), Call(Read())}) {
    EXPECT_TRUE(reply.order_known);
    EXPECT_EQ(reply.order, (Order{7, 8, 9}));
  }
}

TEST_F(StreamTransportTest, AResultOfAnotherKindIsAFailure) {
  FakeNode node("one");
  node.AnswerWith([](const v1::StreamOperation& operation) {
    v1::StreamResult result;
    if (operation.has_set()) {
      result.mutable_read();
    } else {
      result.mutable_write();
    }
    return result;
  });
  Connect(AddressOf(node));
  const Reply written = Call(Write());
  EXPECT_EQ(written.status.code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(written.may_have_applied);
  const Reply read = Call(Read());
  EXPECT_EQ(read.status.code(), absl::StatusCode::kInternal);
  EXPECT_FALSE(read.may_have_applied);
}

TEST_F(StreamTransportTest, AResultThatIsTooLateIsIgnored) {
  FakeNode node("one");
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  node.AnswerWith([released](const v1::StreamOperation&) {
    released.wait();
    return FoundText("value");
  });
  options_.timeout = absl::Milliseconds(300);
  Connect(AddressOf(node));
  EXPECT_EQ(Call(Read()).status.code(), absl::StatusCode::kDeadlineExceeded);
  release.set_value();
  EXPECT_TRUE(Call(Read()).status.ok());
  EXPECT_EQ(replies_.by_tag.size(), 2u);  // one each
}

TEST_F(StreamTransportTest, LateOperationsAreCancelledAtTheNode) {
  FakeNode node("one");
  options_.timeout = absl::Milliseconds(300);
  Connect(AddressOf(node));
  Call(Read());
  node.Freeze();
  SendAndAwaitArrival(&node, {Write(), Read()});
  Await(3);
  EXPECT_EQ(replies_.by_tag[2].status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(replies_.by_tag[2].may_have_applied);
  EXPECT_EQ(replies_.by_tag[3].status.code(), absl::StatusCode::kDeadlineExceeded);
  transport_->Poll(Clock::now() + std::chrono::milliseconds(1), &replies_);
  EXPECT_TRUE(node.AwaitCancelled(2));
  // The places are free, and the stream goes on.
  node.Thaw();
  EXPECT_TRUE(Call(Read()).status.ok());
}

TEST_F(StreamTransportTest, WhatNeverLeftWasNotWritten) {
  // Takes connections and says nothing.
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor acceptor(
      io, boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0));
  options_.timeout = absl::Milliseconds(100);
  Connect({"127.0.0.1", acceptor.local_endpoint().port()});
  for (uint64_t tag = 0; tag < 3; ++tag) transport_->Send(tag, Write());
  Await(3);
  for (const auto& [tag, reply] : replies_.by_tag) {
    EXPECT_EQ(reply.status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_FALSE(reply.may_have_applied);
  }
}

TEST_F(StreamTransportTest, ANodeThatDoesNotTakeTheStreamIsGivenUp) {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor acceptor(
      io, boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0));
  options_.timeout = absl::Seconds(8);
  Connect({"127.0.0.1", acceptor.local_endpoint().port()});
  const Reply reply = Call(Write());
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable) << reply.status;
  EXPECT_FALSE(reply.may_have_applied);
}

TEST_F(StreamTransportTest, ABrokenStreamLeavesWritesUnknownAndOpensAgain) {
  FakeNode node("one");
  Connect(AddressOf(node));
  Call(Read());
  node.Freeze();
  SendAndAwaitArrival(&node, {Write(), Read()});
  node.BreakStreams();
  Await(3);
  EXPECT_EQ(replies_.by_tag[2].status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(replies_.by_tag[2].may_have_applied);
  EXPECT_EQ(replies_.by_tag[3].status.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(replies_.by_tag[3].may_have_applied);
  // Nothing was sent again.
  EXPECT_EQ(node.operations().size(), 3u);
  node.Thaw();
  PollUntil([this] { return Call(Write()).status.ok(); });
}

TEST_F(StreamTransportTest, WhatComesTooEarlyAfterAFailureFailsAtOnce) {
  FakeNode node("one");
  Connect(AddressOf(node));
  node.RefuseStreams();
  const Reply first = Call(Write());
  EXPECT_EQ(first.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(first.status.message()), HasSubstr("no streams here"));
  EXPECT_FALSE(first.may_have_applied);
  const Reply second = Call(Write());
  EXPECT_EQ(second.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(second.may_have_applied);
  EXPECT_EQ(node.operations().size(), 0u);
}

TEST_F(StreamTransportTest, OneTargetsFailureIsNotTheOthers) {
  FakeNode good("good");
  FakeNode bad("bad");
  options_.targets.push_back(AddressOf(bad));
  Connect(AddressOf(good));
  bad.RefuseStreams();
  Request to_good = Read();
  to_good.target = 1;
  EXPECT_EQ(Call(Read()).status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Call(to_good).status.ok());
  EXPECT_EQ(good.operations().size(), 1u);
}

// Sends one more operation for each that ends, from within the reply.
class Relay : public ReplyHandler {
 public:
  explicit Relay(Transport* transport) : transport_(transport) {}
  void OnReply(uint64_t tag, const Reply& reply) override {
    ++(reply.status.ok() ? ok : failed);
    if (left > 0) {
      --left;
      transport_->Send(tag, Write());
    }
  }
  int left = 5000;
  int ok = 0;
  int failed = 0;

 private:
  Transport* const transport_;
};

TEST_F(StreamTransportTest, RepliesMaySendWhileTheStreamBreaks) {
  FakeNode node("one");
  Connect(AddressOf(node));
  Relay relay(transport_.get());
  for (uint64_t tag = 0; tag < 50; ++tag) transport_->Send(tag, Read());
  const auto give_up = Clock::now() + std::chrono::seconds(10);
  bool broken = false;
  while (relay.ok + relay.failed < 5050 && Clock::now() < give_up) {
    if (relay.ok >= 50 && !std::exchange(broken, true)) node.Stop();
    transport_->Poll(Clock::now() + std::chrono::milliseconds(5), &relay);
  }
  EXPECT_EQ(relay.ok + relay.failed, 5050);
  EXPECT_GE(relay.ok, 50);
  EXPECT_GT(relay.failed, 0);
}

}  // namespace
}  // namespace quorate::loadgen
