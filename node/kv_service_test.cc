#include "node/kv_service.h"

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"

#include "node/fake_kv_api.h"
#include "node/kv_stream.h"
#include "node/loopback.h"
#include "node/poll_loop.h"
#include "proto/kv.grpc.pb.h"

namespace quorate {
namespace {

TEST(OperationTimeoutTest, LeavesTimeForTheReply) {
  EXPECT_EQ(OperationTimeout(absl::InfiniteDuration()), absl::Seconds(2));
  EXPECT_EQ(OperationTimeout(absl::Seconds(10)), absl::Milliseconds(9880));
  EXPECT_EQ(OperationTimeout(absl::Milliseconds(50)), absl::Milliseconds(45));
  EXPECT_EQ(OperationTimeout(absl::Hours(1)), absl::Seconds(60));
  EXPECT_LE(OperationTimeout(absl::ZeroDuration()), absl::ZeroDuration());
  EXPECT_LE(OperationTimeout(-absl::Seconds(1)), absl::ZeroDuration());
}

constexpr size_t kMaxReplyBytes = size_t{1} << 20;

constexpr absl::Duration kPatience = absl::Seconds(10);

class KvServiceTest : public ::testing::Test, private PollHost {
 protected:
  KvServiceTest() { limits_.max_reply_bytes = kMaxReplyBytes; }

  void SetUp() override {
    const std::string address = absl::StrCat(OwnLoopbackAddress(), ":9080");
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(2 * kMaxRequestBytes);
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    loop_ = std::make_unique<PollLoop>(builder.AddCompletionQueue());
    service_ = std::make_unique<KvService>(loop_.get(), &api_, limits_);
    builder.RegisterService(service_->service());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    service_->Start();
    loop_->Start(this);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // a reply that is not read gets no more room
    channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    stub_ = v1::KeyValue::NewStub(channel_);
  }
  void TearDown() override {
    server_->Shutdown();
    loop_->Shutdown();
  }

  // The bytes of a call as they are, whatever they are.
  grpc::Status CallRaw(const std::string& method, const std::string& bytes) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    const auto call =
        stub.PrepareUnaryCall(&context, "/quorate.v1.KeyValue/" + method, request, &queue);
    call->StartCall();
    grpc::ByteBuffer response;
    grpc::Status status;
    call->Finish(&response, &status, this);
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    return status;
  }

  static v1::GetRequest GetOf(const std::string& key) {
    v1::GetRequest request;
    request.set_key(key);
    return request;
  }

  KvLimits limits_;
  FakeKvApi api_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::KeyValue::Stub> stub_;

 private:
  MonotonicTime OnGathered() override {
    service_->Flush(MonotonicNow());
    return absl::InfiniteDuration();
  }
  MonotonicTime NextDeadline() const override { return absl::InfiniteDuration(); }

  std::unique_ptr<PollLoop> loop_;
  std::unique_ptr<KvService> service_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(KvServiceTest, AnswersEveryMethod) {
  api_.AnswerWith([](const Operation& operation) {
    OperationResult result;
    result.node = 3;
    result.record = Record::Sequenced(1, operation.is_write() ? 2 : 1, false, operation.key + "!");
    return result;
  });
  const auto get = [&](auto call) {
    grpc::ClientContext context;
    v1::GetResponse response;
    const grpc::Status status = call(&context, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.text(), "k!");
    EXPECT_EQ(response.version(), 1u);
    EXPECT_EQ(response.node(), "node-3");
  };
  get([&](auto* context, auto* response) { return stub_->Get(context, GetOf("k"), response); });
  get([&](auto* context, auto* response) {
    v1::LocalReadRequest request;
    request.set_key("k");
    return stub_->LocalRead(context, request, response);
  });
  const auto write = [&](auto call) {
    grpc::ClientContext context;
    v1::WriteResponse response;
    const grpc::Status status = call(&context, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.version(), 2u);
  };
  write([&](auto* context, auto* response) {
    v1::SetRequest request;
    request.set_key("k");
    request.set_text("v");
    return stub_->Set(context, request, response);
  });
  write([&](auto* context, auto* response) {
    v1::DeleteRequest request;
    request.set_key("k");
    return stub_->Delete(context, request, response);
  });
  const std::vector<Operation> started = api_.started();
  ASSERT_EQ(started.size(), 4u);
  EXPECT_EQ(started[0].kind, OperationKind::kGet);
  EXPECT_EQ(started[1].kind, OperationKind::kLocalRead);
  EXPECT_EQ(started[2].kind, OperationKind::kSet);
  EXPECT_EQ(started[2].value, "v");
  EXPECT_EQ(started[3].kind, OperationKind::kDelete);
}

TEST_F(KvServiceTest, Status) {
  v1::StatusResponse status;
  status.set_state("syncing");
  api_.SetStatus(status);
  grpc::ClientContext context;
  v1::StatusResponse response;
  ASSERT_TRUE(stub_->Status(&context, v1::StatusRequest(), &response).ok());
  EXPECT_EQ(response.state(), "syncing");
}

TEST_F(KvServiceTest, FailureCarriesItsDetails) {
  api_.AnswerWith([](const Operation&) {
    OperationResult result;
    result.status = absl::UnavailableError("1 of 3");
    result.may_have_applied = true;
    result.answers = 1;
    result.required = 3;
    return result;
  });
  grpc::ClientContext context;
  v1::SetRequest request;
  request.set_key("k");
  request.set_text("v");
  v1::WriteResponse response;
  const grpc::Status status = stub_->Set(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "1 of 3");
  v1::RpcStatus rpc_status;
  ASSERT_TRUE(rpc_status.ParseFromString(status.error_details()));
  v1::ErrorDetails details;
  ASSERT_EQ(rpc_status.details_size(), 1);
  ASSERT_TRUE(rpc_status.details(0).UnpackTo(&details));
  EXPECT_TRUE(details.may_have_applied());
  EXPECT_EQ(details.acks(), 1u);
}

TEST_F(KvServiceTest, RefusalsOfARepeatSpeakOfEarlierTries) {
  for (const bool repeat : {false, true}) {
    grpc::ClientContext context;
    v1::SetRequest request;
    request.set_key("k");
    request.set_text("v");
    request.set_w(0);
    request.set_request_id("request");
    request.set_repeat(repeat);
    v1::WriteResponse response;
    const grpc::Status status = stub_->Set(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    v1::RpcStatus rpc_status;
    ASSERT_TRUE(rpc_status.ParseFromString(status.error_details()));
    v1::ErrorDetails details;
    ASSERT_EQ(rpc_status.details_size(), 1);
    ASSERT_TRUE(rpc_status.details(0).UnpackTo(&details));
    EXPECT_EQ(details.may_have_applied(), repeat);
  }
  EXPECT_TRUE(api_.started().empty());
}

TEST_F(KvServiceTest, RefusesWhatIsNoRequest) {
  // Field 3 of SetRequest is text, and 0xff is no UTF-8.
  const grpc::Status utf8 = CallRaw("Set", std::string("\x0a\x01k\x1a\x01\xff", 6));
  EXPECT_EQ(utf8.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(utf8.error_message().find("UTF-8"), std::string::npos) << utf8.error_message();
  EXPECT_EQ(CallRaw("Get", "\xff\xff\xff").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(CallRaw("Delete", "").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(CallRaw("Set", std::string(kMaxRequestBytes + 1, 'x')).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(api_.started().empty());
}

TEST_F(KvServiceTest, RefusalsOfARepeatThatIsNotParsedSpeakOfEarlierTries) {
  for (const bool repeat : {false, true}) {
    v1::SetRequest request;
    request.set_key("k");
    request.set_repeat(repeat);
    const std::string good = request.SerializeAsString();
    request.set_data(std::string(kMaxRequestBytes, 'v'));
    v1::DeleteRequest deletion;
    deletion.set_context(std::string(kMaxRequestBytes, 'c'));
    deletion.set_repeat(repeat);
    // Field 3 of SetRequest is text, and 0xff is no UTF-8.
    const std::string no_text = absl::StrCat("\x1a\x01\xff", good);
    for (const auto& [method, bytes] :
         {std::make_pair("Set", request.SerializeAsString()),
          std::make_pair("Delete", deletion.SerializeAsString()), std::make_pair("Set", no_text)}) {
      v1::RpcStatus rpc_status;
      ASSERT_TRUE(rpc_status.ParseFromString(CallRaw(method, bytes).error_details()));
      v1::ErrorDetails details;
      ASSERT_EQ(rpc_status.details_size(), 1);
      ASSERT_TRUE(rpc_status.details(0).UnpackTo(&details));
      EXPECT_EQ(details.may_have_applied(), repeat) << rpc_status.ShortDebugString();
    }
  }
  EXPECT_TRUE(api_.started().empty());
}

TEST_F(KvServiceTest, RepliesThatWaitAreBounded) {
  api_.AnswerWith([](const Operation& operation) {
    OperationResult result;
    const size_t bytes = operation.key == "large" ? kMaxReplyBytes : kMaxReplyBytes / 2;
    result.record = Record::Sequenced(1, 1, false, std::string(bytes, 'v'));
    return result;
  });
  // What has been taken counts no more.
  for (int i = 0; i < 5; ++i) {
    grpc::ClientContext context;
    v1::GetResponse response;
    EXPECT_TRUE(stub_->Get(&context, GetOf("k"), &response).ok());
  }
  grpc::ClientContext context;
  v1::GetResponse response;
  const grpc::Status status = stub_->Get(&context, GetOf("large"), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
}

// A read whose reply is never taken: it stays at the server, but for what a window of HTTP/2 lets
// pass.
class SilentRead {
 public:
  SilentRead(const std::shared_ptr<grpc::Channel>& channel, const v1::GetRequest& request)
      : stub_(channel) {
    const grpc::Slice slice(request.SerializeAsString());
    call_ = stub_.PrepareCall(&context_, "/quorate.v1.KeyValue/Get", &queue_);
    call_->StartCall(this);
    Await();
    call_->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), this);
    Await();
  }
  ~SilentRead() {
    context_.TryCancel();
    grpc::Status status;
    call_->Finish(&status, this);
    Await();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) continue;
  }

 private:
  void Await() {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue_.Next(&tag, &ok));
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

// A client takes almost all that replies may have, and does not read.
class RepliesNobodyTakesTest : public KvServiceTest {
 protected:
  void SetUp() override {
    KvServiceTest::SetUp();
    api_.AnswerWith([](const Operation& operation) {
      OperationResult result;
      if (operation.key == "absent") return result;
      const size_t bytes = operation.key == "most"    ? kMaxReplyBytes - 500
                           : operation.key == "short" ? kUncountedAnswerBytes - 500
                                                      : kMaxReplyBytes / 2;
      result.record = Record::Sequenced(1, 1, false, std::string(bytes, 'v'));
      return result;
    });
    silent_.emplace(channel_, GetOf("most"));
    ASSERT_TRUE(api_.AwaitStarted(1));
  }
  void TearDown() override {
    silent_.reset();
    KvServiceTest::TearDown();
  }

  grpc::StatusCode Get(const std::string& key) {
    grpc::ClientContext context;
    v1::GetResponse response;
    return stub_->Get(&context, GetOf(key), &response).error_code();
  }
  // Whether a long value can be read, now or soon.
  bool CanReadInTime() {
    const MonotonicTime end = MonotonicNow() + kPatience;
    while (Get("long") != grpc::StatusCode::OK) {
      if (MonotonicNow() > end) return false;
      absl::SleepFor(absl::Milliseconds(1));
    }
    return true;
  }

 private:
  std::optional<SilentRead> silent_;
};

TEST_F(RepliesNobodyTakesTest, ShortRepliesGetThrough) {
  EXPECT_EQ(Get("long"), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Get("short"), grpc::StatusCode::OK);
  EXPECT_EQ(Get("absent"), grpc::StatusCode::OK);
  EXPECT_EQ(Get("long"), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

class RepliesNobodyTakesForLongTest : public RepliesNobodyTakesTest {
 protected:
  RepliesNobodyTakesForLongTest() { limits_.reply_timeout = absl::Milliseconds(100); }
};

TEST_F(RepliesNobodyTakesForLongTest, AreCutOff) { EXPECT_TRUE(CanReadInTime()); }

TEST_F(KvServiceTest, ClientsDeadlineBoundsTheOperation) {
  api_.AnswerWith([](const Operation&) { return OperationResult(); });
  v1::GetResponse response;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub_->Get(&context, GetOf("k"), &response).ok());
  }
  {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
    ASSERT_TRUE(stub_->Get(&context, GetOf("k"), &response).ok());
  }
  const std::vector<Operation> started = api_.started();
  EXPECT_EQ(started.at(0).timeout, absl::Seconds(2));
  EXPECT_LT(started.at(1).timeout, absl::Seconds(30));
  EXPECT_GT(started.at(1).timeout, absl::Seconds(20));
}

TEST_F(KvServiceTest, ClientThatGoesCancelsItsOperation) {
  grpc::ClientContext context;
  grpc::Status status;
  std::thread client([&] {
    v1::GetResponse response;
    status = stub_->Get(&context, GetOf("k"), &response);
  });
  ASSERT_TRUE(api_.AwaitStarted(1));
  context.TryCancel();
  client.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  ASSERT_TRUE(api_.AwaitCancelled(1));
  // The operation still ends once, and nobody is there to hear it.
  api_.Finish(0, Failed(absl::CancelledError("gone")));
}

}  // namespace
}  // namespace quorate
