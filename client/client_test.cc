#include "client/client.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "client/mock_connection.h"

namespace quorate {
namespace {

using ::testing::Return;

class ClientTest : public ::testing::Test {
 protected:
  const std::shared_ptr<MockConnection> connection_ = std::make_shared<MockConnection>();
  Client client_{connection_};
};

TEST_F(ClientTest, GetAsksAQuorumAndLocalReadOneNode) {
  EXPECT_CALL(*connection_, Read)
      .WillOnce([](ReadRequest request, ReadCallback done) {
        EXPECT_EQ(request.key, "key");
        EXPECT_EQ(request.r, 2);
        EXPECT_TRUE(request.siblings);
        EXPECT_FALSE(request.local_only);
        EXPECT_EQ(request.timeout, absl::Seconds(5));
        ReadReply reply;
        reply.value = "value";
        done(reply);
        return CallId{1};
      })
      .WillOnce([](ReadRequest request, ReadCallback done) {
        EXPECT_TRUE(request.local_only);
        EXPECT_EQ(request.r, std::nullopt);
        EXPECT_EQ(request.timeout, kDefaultTimeout);
        done(ReadReply());
        return CallId{2};
      });
  ReadOptions options;
  options.r = 2;
  options.siblings = true;
  options.timeout = absl::Seconds(5);
  EXPECT_EQ(client_.Get("key", options).Get()->value, "value");
  EXPECT_EQ(client_.LocalRead("key").Get()->value, std::nullopt);
}

TEST_F(ClientTest, SetWritesAValueAndDeleteNone) {
  EXPECT_CALL(*connection_, Write)
      .WillOnce([](WriteRequest request, WriteCallback done) {
        EXPECT_EQ(request.key, "key");
        EXPECT_EQ(request.value, "value");
        EXPECT_EQ(request.w, 3);
        EXPECT_EQ(request.context, "seen");
        WriteReply reply;
        reply.version = 4;
        done(reply);
        return CallId{1};
      })
      .WillOnce([](WriteRequest request, WriteCallback done) {
        EXPECT_EQ(request.value, std::nullopt);
        Error error{absl::UnavailableError("1 of 3"), ErrorDetails()};
        error.details.may_have_applied = true;
        done(error);
        return CallId{2};
      });
  WriteOptions options;
  options.w = 3;
  options.context = "seen";
  EXPECT_EQ(client_.Set("key", "value", options).Get()->version, 4u);
  const Outcome<WriteReply> deleted = client_.Delete("key").Get();
  EXPECT_FALSE(deleted.ok());
  EXPECT_EQ(deleted.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(deleted.details().may_have_applied);
}

TEST_F(ClientTest, CallbackFormsReturnTheCallsId) {
  EXPECT_CALL(*connection_, Read).WillRepeatedly(Return(CallId{5}));
  EXPECT_CALL(*connection_, Write).WillRepeatedly(Return(CallId{6}));
  EXPECT_CALL(*connection_, Status).WillOnce(Return(CallId{7}));
  EXPECT_CALL(*connection_, Cancel(CallId{5}));
  EXPECT_EQ(client_.Get("k", {}, nullptr), 5u);
  EXPECT_EQ(client_.LocalRead("k", {}, nullptr), 5u);
  EXPECT_EQ(client_.Set("k", "v", {}, nullptr), 6u);
  EXPECT_EQ(client_.Delete("k", {}, nullptr), 6u);
  EXPECT_EQ(client_.Status("", absl::Seconds(1), nullptr), 7u);
  client_.Cancel(5);
}

TEST_F(ClientTest, FutureWaitsAndCancels) {
  ReadCallback later;
  EXPECT_CALL(*connection_, Read).WillOnce([&](ReadRequest, ReadCallback done) {
    later = std::move(done);
    return CallId{8};
  });
  EXPECT_CALL(*connection_, Cancel(CallId{8})).WillOnce([&](CallId) {
    later(Error{absl::CancelledError("gone"), ErrorDetails()});
  });
  const Future<ReadReply> read = client_.Get("k");
  const Future<ReadReply> copy = read;
  EXPECT_FALSE(read.WaitFor(absl::ZeroDuration()));
  read.Cancel();
  EXPECT_TRUE(copy.WaitFor(absl::InfiniteDuration()));
  EXPECT_EQ(copy.Get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(read.Get().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(ClientTest, StatusNamesTheNode) {
  EXPECT_CALL(*connection_, Status).WillOnce([](StatusRequest request, StatusCallback done) {
    EXPECT_EQ(request.address, "host:9080");
    NodeStatus status;
    status.node = "3";
    done(status);
    return CallId{1};
  });
  EXPECT_EQ(client_.Status("host:9080").Get()->node, "3");
}

}  // namespace
}  // namespace quorate
