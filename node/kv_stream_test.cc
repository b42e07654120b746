#include "node/kv_stream.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
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
#include "node/kv_service.h"
#include "node/loopback.h"
#include "node/poll_loop.h"
#include "proto/kv.grpc.pb.h"
#include "support/stream_metadata.h"

namespace quorate {
namespace {

using ::testing::HasSubstr;

using ClientStream = grpc::ClientReaderWriter<v1::StreamRequest, v1::StreamResponse>;

constexpr int kInvalidArgument = 3;
constexpr int kCancelled = 1;
constexpr int kResourceExhausted = 8;

void AddGet(uint64_t id, const std::string& key, v1::StreamRequest* request) {
  v1::StreamOperation* operation = request->add_operations();
  operation->set_id(id);
  operation->mutable_get()->set_key(key);
}

void AddSet(uint64_t id, const std::string& key, v1::StreamRequest* request) {
  v1::StreamOperation* operation = request->add_operations();
  operation->set_id(id);
  operation->mutable_set()->set_key(key);
  operation->mutable_set()->set_text("v");
}

v1::StreamRequest Gets(uint64_t first, int count) {
  v1::StreamRequest request;
  for (int i = 0; i < count; ++i) AddGet(first + static_cast<uint64_t>(i), "k", &request);
  return request;
}

OperationResult Found(const std::string& value) {
  OperationResult result;
  result.node = 3;
  result.record = Record::Sequenced(1, 2, false, value);
  return result;
}

// A stream of bytes, whatever they are.
class RawStream {
 public:
  explicit RawStream(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {
    stream_ = stub_.PrepareCall(&context_, "/quorate.v1.KeyValue/Stream", &queue_);
    stream_->StartCall(this);
    EXPECT_TRUE(Await());
  }
  ~RawStream() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) continue;
  }

  bool Write(const std::string& bytes) {
    const grpc::Slice slice(bytes);
    stream_->Write(grpc::ByteBuffer(&slice, 1), this);
    return Await();
  }
  grpc::Status Finish() {
    grpc::Status status;
    stream_->Finish(&status, this);
    EXPECT_TRUE(Await());
    return status;
  }

 private:
  bool Await() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

class KvStreamTest : public ::testing::Test, private PollHost {
 protected:
  void Serve(const StreamLimits& limits = StreamLimits()) {
    const std::string address = absl::StrCat(OwnLoopbackAddress(), ":9080");
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(2 * kMaxRequestBytes);
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    loop_ = std::make_unique<PollLoop>(builder.AddCompletionQueue());
    KvLimits all;
    all.stream = limits;
    service_ = std::make_unique<KvService>(loop_.get(), &api_, all);
    builder.RegisterService(service_->service());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    service_->Start();
    loop_->Start(this);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetMaxReceiveMessageSize(2 * kMaxRequestBytes);
    channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    stub_ = v1::KeyValue::NewStub(channel_);
  }
  void TearDown() override {
    context_.TryCancel();
    for (size_t i = 0; i < api_.started().size(); ++i) {
      api_.Finish(i, Failed(absl::CancelledError("the test is over")));
    }
    server_->Shutdown();
    loop_->Shutdown();
  }

  void EndStreams() {
    end_streams_ = true;
    loop_->Wake();
  }

  // Returns when the server has had many turns since the call.
  void AwaitTurns() {
    for (int i = 0; i < 20; ++i) {
      grpc::ClientContext context;
      v1::StatusResponse response;
      ASSERT_TRUE(stub_->Status(&context, v1::StatusRequest(), &response).ok());
    }
  }

  // The next results, by id, until there are `count`.
  static std::map<uint64_t, v1::StreamResult> ReadResults(ClientStream* stream, size_t count) {
    std::map<uint64_t, v1::StreamResult> results;
    v1::StreamResponse response;
    while (results.size() < count && stream->Read(&response)) {
      for (const v1::StreamResult& result : response.results()) {
        EXPECT_TRUE(results.emplace(result.id(), result).second) << "twice: " << result.id();
      }
    }
    EXPECT_EQ(results.size(), count);
    return results;
  }

  static void ExpectEnd(ClientStream* stream, grpc::StatusCode code) {
    v1::StreamResponse response;
    EXPECT_FALSE(stream->Read(&response)) << response.ShortDebugString();
    const grpc::Status status = stream->Finish();
    EXPECT_EQ(status.error_code(), code) << status.error_message();
  }

  FakeKvApi api_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::KeyValue::Stub> stub_;
  grpc::ClientContext context_;

 private:
  MonotonicTime OnGathered() override {
    if (end_streams_) service_->EndStreams();
    return service_->Flush(MonotonicNow()) ? MonotonicNow() : absl::InfiniteDuration();
  }
  MonotonicTime NextDeadline() const override { return absl::InfiniteDuration(); }

  std::atomic<bool> end_streams_{false};
  std::unique_ptr<PollLoop> loop_;
  std::unique_ptr<KvService> service_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(KvStreamTest, AnswersEveryKindOfOperation) {
  Serve();
  api_.AnswerWith([](const Operation& operation) { return Found(operation.key + "!"); });
  const auto stream = stub_->Stream(&context_);
  v1::StreamRequest request;
  AddGet(7, "a", &request);
  request.mutable_operations(0)->set_timeout_ms(70'000);
  AddSet(8, "b", &request);
  request.mutable_operations(1)->set_timeout_ms(300);
  request.add_operations()->set_id(9);
  request.mutable_operations(2)->mutable_delete_()->set_key("c");
  request.add_operations()->mutable_local_read()->set_key("d");
  ASSERT_TRUE(stream->Write(request));
  const auto results = ReadResults(stream.get(), 4);
  EXPECT_EQ(results.at(7).read().text(), "a!");
  EXPECT_EQ(results.at(7).read().node(), "node-3");
  EXPECT_EQ(results.at(8).write().version(), 2u);
  EXPECT_EQ(results.at(9).write().version(), 2u);
  EXPECT_EQ(results.at(0).read().text(), "d!");
  const std::vector<Operation> started = api_.started();
  EXPECT_EQ(started.at(0).kind, OperationKind::kGet);
  EXPECT_EQ(started.at(0).timeout, absl::Seconds(60));
  EXPECT_EQ(started.at(1).kind, OperationKind::kSet);
  EXPECT_EQ(started.at(1).value, "v");
  EXPECT_EQ(started.at(1).timeout, absl::Milliseconds(300));
  EXPECT_EQ(started.at(2).kind, OperationKind::kDelete);
  EXPECT_EQ(started.at(2).timeout, absl::Seconds(2));
  EXPECT_EQ(started.at(3).kind, OperationKind::kLocalRead);
  stream->WritesDone();
  ExpectEnd(stream.get(), grpc::StatusCode::OK);
}

TEST_F(KvStreamTest, AnswersInAnyOrder) {
  Serve();
  const auto stream = stub_->Stream(&context_);
  ASSERT_TRUE(stream->Write(Gets(1, 3)));
  ASSERT_TRUE(api_.AwaitStarted(3));
  for (const size_t index : {2u, 0u, 1u}) {
    api_.Finish(index, Found(absl::StrCat(index)));
    const auto result = ReadResults(stream.get(), 1);
    EXPECT_EQ(result.at(index + 1).read().text(), absl::StrCat(index));
  }
}

TEST_F(KvStreamTest, ResultsOfOneTurnLeaveTogether) {
  Serve();
  api_.AnswerWith([](const Operation&) { return Found("v"); });
  const auto stream = stub_->Stream(&context_);
  // Until it is known that results are small, few reads are started at a time.
  ASSERT_TRUE(stream->Write(Gets(1, 300)));
  ReadResults(stream.get(), 300);
  ASSERT_TRUE(stream->Write(Gets(1, 200)));
  v1::StreamResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.results_size(), 200);
}

TEST_F(KvStreamTest, BatchClosesAtOneMebibyte) {
  Serve();
  api_.AnswerWith([](const Operation&) { return Found(std::string(100 << 10, 'v')); });
  const auto stream = stub_->Stream(&context_);
  ASSERT_TRUE(stream->Write(Gets(1, 40)));
  int results = 0;
  v1::StreamResponse response;
  while (results < 40 && stream->Read(&response)) {
    results += response.results_size();
    EXPECT_LE(response.ByteSizeLong(), size_t{1} << 20);
  }
  EXPECT_EQ(results, 40);
}

TEST_F(KvStreamTest, LargeValueTravelsAlone) {
  Serve();
  api_.AnswerWith([](const Operation&) { return Found(std::string(4 << 20, 'v')); });
  const auto stream = stub_->Stream(&context_);
  ASSERT_TRUE(stream->Write(Gets(1, 2)));
  const auto results = ReadResults(stream.get(), 2);
  EXPECT_EQ(results.at(2).read().text().size(), size_t{4} << 20);
}

TEST_F(KvStreamTest, AnErrorIsAResult) {
  Serve();
  api_.AnswerWith([](const Operation& operation) {
    if (!operation.is_write()) return Found("v");
    OperationResult result = Failed(absl::UnavailableError("1 of 3"));
    result.may_have_applied = true;
    result.answers = 1;
    result.required = 3;
    return result;
  });
  const auto stream = stub_->Stream(&context_);
  v1::StreamRequest request;
  AddSet(1, "k", &request);
  AddGet(2, "k", &request);
  request.add_operations()->set_id(3);  // no body
  AddGet(4, "", &request);
  ASSERT_TRUE(stream->Write(request));
  const auto results = ReadResults(stream.get(), 4);
  EXPECT_EQ(results.at(1).error().code(), 14);
  EXPECT_EQ(results.at(1).error().message(), "1 of 3");
  EXPECT_TRUE(results.at(1).error().details().may_have_applied());
  EXPECT_EQ(results.at(1).error().details().acks(), 1u);
  EXPECT_TRUE(results.at(2).has_read());
  EXPECT_EQ(results.at(3).error().code(), kInvalidArgument);
  EXPECT_FALSE(results.at(3).error().details().may_have_applied());
  EXPECT_EQ(results.at(4).error().code(), kInvalidArgument);
  EXPECT_EQ(api_.started().size(), 2u);
}

TEST_F(KvStreamTest, IdInFlightCannotBeUsedAgain) {
  Serve();
  const auto stream = stub_->Stream(&context_);
  ASSERT_TRUE(stream->Write(Gets(5, 1)));
  ASSERT_TRUE(api_.AwaitStarted(1));
  ASSERT_TRUE(stream->Write(Gets(5, 1)));
  const auto refused = ReadResults(stream.get(), 1);
  EXPECT_EQ(refused.at(5).error().code(), kInvalidArgument);
  EXPECT_THAT(refused.at(5).error().message(), HasSubstr("5 is already in flight"));
  EXPECT_FALSE(refused.at(5).error().details().may_have_applied());
  for (const uint64_t id : {uint64_t{5}, uint64_t{6}}) {
    v1::StreamRequest repeat;
    v1::StreamOperation* operation = repeat.add_operations();
    operation->set_id(id);
    operation->mutable_set()->set_w(0);
    operation->mutable_set()->set_request_id("request");
    operation->mutable_set()->set_repeat(true);
    ASSERT_TRUE(stream->Write(repeat));
    const auto answer = ReadResults(stream.get(), 1);
    EXPECT_EQ(answer.at(id).error().code(), kInvalidArgument);
    EXPECT_TRUE(answer.at(id).error().details().may_have_applied()) << "of the first try";
  }
  EXPECT_EQ(api_.started().size(), 1u);
  api_.Finish(0, Found("first"));
  EXPECT_EQ(ReadResults(stream.get(), 1).at(5).read().text(), "first");
  // Now it can.
  ASSERT_TRUE(stream->Write(Gets(5, 1)));
  ASSERT_TRUE(api_.AwaitStarted(2));
  api_.Finish(1, Found("second"));
  EXPECT_EQ(ReadResults(stream.get(), 1).at(5).read().text(), "second");
}

TEST_F(KvStreamTest, CancelsByIdWhatIsInFlight) {
  Serve();
  const auto stream = stub_->Stream(&context_);
  v1::StreamRequest request = Gets(1, 2);
  request.add_cancel(2);
  request.add_cancel(77);  // unknown
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(api_.AwaitCancelled(1));
  api_.Finish(1, Failed(absl::CancelledError("the client has gone")));
  EXPECT_EQ(ReadResults(stream.get(), 1).at(2).error().code(), kCancelled);
  api_.Finish(0, Found("v"));
  EXPECT_TRUE(ReadResults(stream.get(), 1).at(1).has_read());
}

TEST_F(KvStreamTest, HalfCloseLetsWhatIsInFlightFinish) {
  Serve();
  const auto stream = stub_->Stream(&context_);
  ASSERT_TRUE(stream->Write(Gets(1, 2)));
  stream->WritesDone();
  ASSERT_TRUE(api_.AwaitStarted(2));
  api_.Finish(0, Found("v"));
  EXPECT_TRUE(ReadResults(stream.get(), 1).at(1).has_read());
  api_.Finish(1, Found("v"));
  EXPECT_TRUE(ReadResults(stream.get(), 1).at(2).has_read());
  ExpectEnd(stream.get(), grpc::StatusCode::OK);
}

TEST_F(KvStreamTest, ClosingCancelsWhatIsInFlight) {
  Serve();
  const auto stream = stub_->Stream(&context_);
  ASSERT_TRUE(stream->Write(Gets(1, 3)));
  ASSERT_TRUE(api_.AwaitStarted(3));
  context_.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  ASSERT_TRUE(api_.AwaitCancelled(3));
  // Each still ends once, and nobody is there to hear it.
  for (size_t i = 0; i < 3; ++i) api_.Finish(i, Failed(absl::CancelledError("gone")));
}

TEST_F(KvStreamTest, ReadsNoFurtherWhileTooManyOperationsAreInFlight) {
  StreamLimits limits;
  limits.max_operations = 8;
  Serve(limits);
  const auto stream = stub_->Stream(&context_);
  ASSERT_TRUE(stream->Write(Gets(1, 10)));
  ASSERT_TRUE(stream->Write(Gets(11, 10)));
  ASSERT_TRUE(api_.AwaitStarted(8));
  AwaitTurns();
  EXPECT_EQ(api_.started().size(), 8u);
  for (size_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(api_.AwaitStarted(i + 1));
    EXPECT_LE(api_.open_operations(), 8u);
    api_.Finish(i, Found("v"));
  }
  EXPECT_EQ(ReadResults(stream.get(), 20).size(), 20u);
}

TEST_F(KvStreamTest, ReadsNoFurtherWhileRequestsAreTooLarge) {
  StreamLimits limits;
  limits.max_bytes = 1 << 20;
  Serve(limits);
  const auto stream = stub_->Stream(&context_);
  v1::StreamRequest request;
  for (uint64_t id = 1; id <= 8; ++id) {
    AddSet(id, "k", &request);
    request.mutable_operations()->rbegin()->mutable_set()->set_text(std::string(300 << 10, 'v'));
  }
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(api_.AwaitStarted(4));  // the fourth goes beyond, so that a large one always can
  AwaitTurns();
  EXPECT_EQ(api_.started().size(), 4u);
  for (size_t i = 0; i < 8; ++i) {
    ASSERT_TRUE(api_.AwaitStarted(i + 1));
    api_.Finish(i, Found(""));
  }
  EXPECT_EQ(ReadResults(stream.get(), 8).size(), 8u);
}

TEST_F(KvStreamTest, ClientThatDoesNotReadStopsItsStreamOnly) {
  StreamLimits limits;
  limits.max_bytes = 1 << 20;
  Serve(limits);
  api_.AnswerWith([](const Operation&) { return Found(std::string(64 << 10, 'v')); });
  const auto stream = stub_->Stream(&context_);
  constexpr int kReads = 3000;
  ASSERT_TRUE(stream->Write(Gets(1, kReads)));
  ASSERT_TRUE(api_.AwaitStarted(1));
  AwaitTurns();
  // What the server holds, 1 MiB, and what the transport does, which may grow late: a tenth of all.
  constexpr size_t kHeld = 300;
  EXPECT_LT(api_.started().size(), kHeld);
  grpc::ClientContext other;
  const auto other_stream = stub_->Stream(&other);
  ASSERT_TRUE(other_stream->Write(Gets(1, 1)));
  EXPECT_TRUE(ReadResults(other_stream.get(), 1).at(1).has_read());
  EXPECT_LT(api_.started().size(), kHeld);
  // Once it reads, everything comes.
  const auto results = ReadResults(stream.get(), kReads);
  for (const auto& [id, result] : results) ASSERT_TRUE(result.has_read()) << id;
}

TEST_F(KvStreamTest, ReadsWhoseResultsNobodyFetchesFailBeyondTheLimit) {
  StreamLimits limits;
  limits.max_waiting_bytes = 5 << 20;
  limits.max_bytes = size_t{100} << 20;
  Serve(limits);
  const auto stream = stub_->Stream(&context_);
  // All are in flight before the first result tells how large they are.
  constexpr size_t kReads = 100;
  ASSERT_TRUE(stream->Write(Gets(1, static_cast<int>(kReads))));
  ASSERT_TRUE(api_.AwaitStarted(kReads));
  for (size_t i = 0; i < kReads; ++i) api_.Finish(i, Found(std::string(1 << 20, 'v')));
  AwaitTurns();
  size_t found = 0;
  for (const auto& [id, result] : ReadResults(stream.get(), kReads)) {
    if (result.has_read()) {
      ++found;
      continue;
    }
    EXPECT_EQ(result.error().code(), kResourceExhausted);
    EXPECT_FALSE(result.error().details().may_have_applied());
  }
  EXPECT_GE(found, 4u);
  EXPECT_LT(found, kReads);
}

TEST_F(KvStreamTest, AllStreamsTogetherAreHeldBack) {
  StreamLimits limits;
  limits.max_operations_in_all = 8;
  Serve(limits);
  const auto stream = stub_->Stream(&context_);
  ASSERT_TRUE(stream->Write(Gets(1, 12)));
  ASSERT_TRUE(api_.AwaitStarted(8));
  // Another one is kept alive, with a single operation.
  grpc::ClientContext other_context;
  const auto other = stub_->Stream(&other_context);
  ASSERT_TRUE(other->Write(Gets(1, 5)));
  ASSERT_TRUE(api_.AwaitStarted(9));
  AwaitTurns();
  EXPECT_EQ(api_.started().size(), 9u);
  for (size_t i = 0; i < 17; ++i) {
    ASSERT_TRUE(api_.AwaitStarted(i + 1));
    EXPECT_LE(api_.open_operations(), 9u);
    api_.Finish(i, Found("v"));
  }
  EXPECT_EQ(ReadResults(stream.get(), 12).size(), 12u);
  EXPECT_EQ(ReadResults(other.get(), 5).size(), 5u);
}

TEST_F(KvStreamTest, AStreamWithoutAMessageIsReadAgainWhenThereIsRoomInAll) {
  StreamLimits limits;
  limits.max_operations_in_all = 2;
  Serve(limits);
  const auto stream = stub_->Stream(&context_);
  ASSERT_TRUE(stream->Write(Gets(1, 2)));
  ASSERT_TRUE(api_.AwaitStarted(2));
  ASSERT_TRUE(stream->Write(Gets(3, 1)));
  ASSERT_TRUE(stream->Write(Gets(4, 1)));
  AwaitTurns();
  EXPECT_EQ(api_.started().size(), 2u);
  for (size_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(api_.AwaitStarted(i + 1));
    api_.Finish(i, Found("v"));
  }
  EXPECT_EQ(ReadResults(stream.get(), 4).size(), 4u);
}

// Each could hold as much as is left for all others.
TEST_F(KvStreamTest, ClientsThatDoNotReadLeaveOthersTheirPart) {
  StreamLimits limits;
  limits.max_streams = 4;
  limits.max_waiting_bytes_in_all = size_t{8} << 20;
  Serve(limits);
  api_.AnswerWith([](const Operation&) { return Found(std::string(1 << 20, 'v')); });
  const auto silent = stub_->Stream(&context_);
  ASSERT_TRUE(silent->Write(Gets(1, 100)));
  ASSERT_TRUE(api_.AwaitStarted(8));
  AwaitTurns();
  grpc::ClientContext other_context;
  const auto other = stub_->Stream(&other_context);
  for (uint64_t id = 1; id <= 5; ++id) {
    ASSERT_TRUE(other->Write(Gets(id, 1)));
    EXPECT_TRUE(ReadResults(other.get(), 1).at(id).has_read());
  }
}

TEST_F(KvStreamTest, AClientThatTakesNothingForLongIsCutOff) {
  StreamLimits limits;
  limits.write_timeout = absl::Milliseconds(20);
  limits.max_streams = 1;
  Serve(limits);
  api_.AnswerWith([](const Operation&) { return Found(std::string(1 << 20, 'v')); });
  const auto stream = stub_->Stream(&context_);
  ASSERT_TRUE(stream->Write(Gets(1, 30)));
  ASSERT_TRUE(api_.AwaitStarted(10));
  // Nothing is read. Its place becomes free by itself.
  for (bool taken = false; !taken;) {
    grpc::ClientContext context;
    const auto other = stub_->Stream(&context);
    other->Write(Gets(1, 1));
    v1::StreamResponse response;
    taken = other->Read(&response);
  }
}

TEST_F(KvStreamTest, GarbageEndsTheStreamAndStartsNothing) {
  Serve();
  api_.AnswerWith([](const Operation&) { return Found("v"); });
  RawStream garbage(channel_);
  EXPECT_TRUE(garbage.Write(Gets(1, 2).SerializeAsString() + "\xff\xff"));
  const grpc::Status status = garbage.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_TRUE(api_.started().empty());

  RawStream large(channel_);
  large.Write(std::string(kMaxRequestBytes + 1, 'x'));
  EXPECT_EQ(large.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(api_.started().empty());
}

TEST_F(KvStreamTest, DamagedOperationHurtsNoOther) {
  Serve();
  api_.AnswerWith([](const Operation&) { return Found("v"); });
  const auto stream = stub_->Stream(&context_);
  v1::StreamRequest request;
  AddSet(3, "k", &request);
  request.mutable_operations(0)->mutable_set()->set_text("\xff");  // Protobuf sends it, and warns
  AddGet(4, "k", &request);
  AddSet(5, "k", &request);
  request.mutable_operations(2)->mutable_set()->set_text("\xff");
  request.mutable_operations(2)->mutable_set()->set_repeat(true);
  ASSERT_TRUE(stream->Write(request));
  const auto results = ReadResults(stream.get(), 3);
  EXPECT_EQ(results.at(3).error().code(), kInvalidArgument);
  EXPECT_THAT(results.at(3).error().message(), HasSubstr("UTF-8"));
  EXPECT_FALSE(results.at(3).error().details().may_have_applied());
  EXPECT_EQ(results.at(5).error().code(), kInvalidArgument);
  EXPECT_TRUE(results.at(5).error().details().may_have_applied());
  EXPECT_TRUE(results.at(4).has_read());
}

TEST_F(KvStreamTest, MessageOfCountlessTinyOperationsIsAnswered) {
  Serve();
  const auto stream = stub_->Stream(&context_);
  v1::StreamRequest request;
  constexpr int kOperations = 100'000;
  for (int i = 0; i < kOperations; ++i) request.add_operations();
  ASSERT_TRUE(stream->Write(request));
  int results = 0;
  v1::StreamResponse response;
  while (results < kOperations && stream->Read(&response)) results += response.results_size();
  EXPECT_EQ(results, kOperations);
}

TEST_F(KvStreamTest, TellsAtOnceThatItTakesTheStream) {
  Serve();
  const auto stream = stub_->Stream(&context_);
  stream->WaitForInitialMetadata();
  EXPECT_EQ(context_.GetServerInitialMetadata().count(kStreamMetadata), 1u);
}

TEST_F(KvStreamTest, StreamsAreLimited) {
  StreamLimits limits;
  limits.max_streams = 1;
  Serve(limits);
  api_.AnswerWith([](const Operation&) { return Found("v"); });
  const auto stream = stub_->Stream(&context_);
  ASSERT_TRUE(stream->Write(Gets(1, 1)));
  ReadResults(stream.get(), 1);
  grpc::ClientContext second;
  ExpectEnd(stub_->Stream(&second).get(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(second.GetServerInitialMetadata().count(kStreamMetadata), 0u);
  stream->WritesDone();
  ExpectEnd(stream.get(), grpc::StatusCode::OK);
}

TEST_F(KvStreamTest, EndsStreamsOnceWhatIsInFlightIsAnswered) {
  Serve();
  const auto stream = stub_->Stream(&context_);
  grpc::ClientContext idle_context;
  const auto idle = stub_->Stream(&idle_context);
  ASSERT_TRUE(stream->Write(Gets(1, 1)));
  ASSERT_TRUE(api_.AwaitStarted(1));
  AwaitTurns();
  EndStreams();
  ExpectEnd(idle.get(), grpc::StatusCode::UNAVAILABLE);
  api_.Finish(0, Found("v"));
  EXPECT_TRUE(ReadResults(stream.get(), 1).at(1).has_read());
  ExpectEnd(stream.get(), grpc::StatusCode::UNAVAILABLE);
  grpc::ClientContext late;
  ExpectEnd(stub_->Stream(&late).get(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace quorate
