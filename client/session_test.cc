#include "client/session.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "client/client.h"
#include "client/mock_connection.h"

namespace quorate {
namespace {

// Keeps what is asked, and answers when it is told to.
class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    ON_CALL(*connection_, Read).WillByDefault([this](ReadRequest request, ReadCallback done) {
      reads_.emplace_back(std::move(request), std::move(done));
      return CallId{1};
    });
    ON_CALL(*connection_, Write).WillByDefault([this](WriteRequest request, WriteCallback done) {
      writes_.emplace_back(std::move(request), std::move(done));
      return CallId{2};
    });
  }

  static ReadReply ReplyOf(const std::string& session, uint64_t order) {
    ReadReply reply;
    reply.session = session;
    reply.order.major = order;
    return reply;
  }
  // Writes, with an answer.
  void Write(const std::string& key, const std::string& session, uint64_t order) {
    const Future<WriteReply> written = client_.Set(key, "v");
    WriteReply reply;
    reply.session = session;
    reply.order.major = order;
    writes_.back().second(reply);
    EXPECT_TRUE(written.Get().ok());
  }
  std::string TokenOfNextRead(const std::string& key) {
    client_.Get(key, {}, [](const Outcome<ReadReply>&) {});
    return reads_.back().first.session;
  }

  const std::shared_ptr<::testing::NiceMock<MockConnection>> connection_ =
      std::make_shared<::testing::NiceMock<MockConnection>>();
  Client client_{std::make_shared<Session>(connection_, /*max_keys=*/2)};
  std::vector<std::pair<ReadRequest, ReadCallback>> reads_;
  std::vector<std::pair<WriteRequest, WriteCallback>> writes_;
};

TEST_F(SessionTest, HandsBackTheLastTokenOfTheKey) {
  EXPECT_EQ(TokenOfNextRead("a"), "");
  Write("a", "one", 1);
  EXPECT_EQ(writes_.back().first.session, "");
  EXPECT_EQ(TokenOfNextRead("a"), "one");
  EXPECT_EQ(TokenOfNextRead("b"), "");
  reads_[1].second(ReplyOf("two", 2));
  EXPECT_EQ(TokenOfNextRead("a"), "two");
  client_.Delete("a", {}, [](const Outcome<WriteReply>&) {});
  EXPECT_EQ(writes_.back().first.session, "two");
}

TEST_F(SessionTest, OfAnswersThatCrossTheLaterOrderCounts) {
  Write("a", "one", 1);
  TokenOfNextRead("a");
  TokenOfNextRead("a");
  reads_[0].second(ReplyOf("three", 3));
  reads_[1].second(ReplyOf("two", 2));
  EXPECT_EQ(TokenOfNextRead("a"), "three");
  reads_[2].second(ReplyOf("three, merged", 3));
  EXPECT_EQ(TokenOfNextRead("a"), "three, merged");
}

TEST_F(SessionTest, WhatFailsOrFindsNothingChangesNothing) {
  Write("a", "one", 1);
  TokenOfNextRead("a");
  reads_.back().second(Error{absl::UnavailableError("away"), ErrorDetails()});
  EXPECT_EQ(TokenOfNextRead("a"), "one");
  TokenOfNextRead("b");
  reads_.back().second(ReplyOf("", 0));
  EXPECT_EQ(TokenOfNextRead("b"), "");
}

TEST_F(SessionTest, ARequestsOwnTokenCounts) {
  Write("a", "one", 1);
  ReadOptions options;
  options.session = "mine";
  client_.Get("a", options, [](const Outcome<ReadReply>&) {});
  EXPECT_EQ(reads_.back().first.session, "mine");
}

TEST_F(SessionTest, ALocalReadIsNoPartOfIt) {
  Write("a", "one", 1);
  client_.LocalRead("a", {}, [](const Outcome<ReadReply>&) {});
  EXPECT_EQ(reads_.back().first.session, "");
  reads_.back().second(ReplyOf("old", 0));
  EXPECT_EQ(TokenOfNextRead("a"), "one");
}

TEST_F(SessionTest, RefusesMoreKeysThanItCanRemember) {
  Write("a", "one", 1);
  Write("b", "two", 2);
  const Outcome<ReadReply> read = client_.Get("c").Get();
  EXPECT_EQ(read.status().code(), absl::StatusCode::kResourceExhausted) << read.status();
  const Outcome<WriteReply> written = client_.Set("c", "v").Get();
  EXPECT_EQ(written.status().code(), absl::StatusCode::kResourceExhausted) << written.status();
  EXPECT_FALSE(written.details().may_have_applied);
  EXPECT_TRUE(reads_.empty());
  EXPECT_EQ(TokenOfNextRead("a"), "one");
}

TEST_F(SessionTest, KeysOfCallsUnderWayCount) {
  TokenOfNextRead("a");
  TokenOfNextRead("b");
  TokenOfNextRead("b");
  EXPECT_EQ(client_.Get("c").Get().status().code(), absl::StatusCode::kResourceExhausted);
  reads_[1].second(Error{absl::UnavailableError("away"), ErrorDetails()});
  EXPECT_EQ(client_.Get("c").Get().status().code(), absl::StatusCode::kResourceExhausted)
      << "another call on that key is under way";
  reads_[2].second(ReplyOf("", 0));
  Write("c", "one", 1);
  reads_[0].second(ReplyOf("two", 2));
  EXPECT_EQ(client_.Get("b").Get().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(TokenOfNextRead("a"), "two");
  EXPECT_EQ(TokenOfNextRead("c"), "one");
}

TEST_F(SessionTest, ARepeatThatItRefusesMayHaveHappened) {
  Write("a", "one", 1);
  Write("b", "two", 2);
  WriteOptions options;
  options.request_id = "name";
  options.repeat = true;
  const Outcome<WriteReply> written = client_.Set("c", "v", options).Get();
  EXPECT_EQ(written.status().code(), absl::StatusCode::kResourceExhausted) << written.status();
  EXPECT_TRUE(written.details().may_have_applied);
}

TEST_F(SessionTest, NobodyNeedsToWantTheOutcome) {
  client_.Set("a", "v", {}, nullptr);
  WriteReply reply;
  reply.session = "one";
  writes_.back().second(reply);
  EXPECT_EQ(TokenOfNextRead("a"), "one");
  Write("b", "two", 2);
  client_.Get("c", {}, nullptr);  // one key too many
  EXPECT_EQ(reads_.size(), 1u);
}

TEST_F(SessionTest, CallsMayOutliveIt) {
  auto client = std::make_unique<Client>(std::make_shared<Session>(connection_));
  int answers = 0;
  client->Get("a", {}, [&answers](const Outcome<ReadReply>&) { ++answers; });
  client.reset();
  reads_.back().second(ReplyOf("one", 1));
  EXPECT_EQ(answers, 1);
}

}  // namespace
}  // namespace quorate
