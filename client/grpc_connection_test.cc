#include "client/grpc_connection.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "client/client.h"
#include "client/fake_node.h"

namespace quorate {
namespace {

using ::testing::HasSubstr;

constexpr int kInvalidArgument = 3;
constexpr int kDeadlineExceeded = 4;
constexpr int kFailedPrecondition = 9;
constexpr int kUnavailable = 14;

constexpr absl::Duration kPatience = absl::Seconds(20);

ConnectionOptions To(const std::vector<FakeNode*>& nodes) {
  ConnectionOptions options;
  for (const FakeNode* node : nodes) options.targets.push_back(node->address());
  options.attempt_timeout = kPatience;  // a slow machine is no silent node
  return options;
}

Client ClientOf(const ConnectionOptions& options) {
  auto connection = Connect(options);
  EXPECT_TRUE(connection.ok()) << connection.status();
  return Client(*connection);
}

ReadOptions PatientRead() {
  ReadOptions options;
  options.timeout = kPatience;
  return options;
}
WriteOptions PatientWrite() {
  WriteOptions options;
  options.timeout = kPatience;
  return options;
}

std::optional<v1::StreamResult> Nothing(const v1::StreamOperation&) { return std::nullopt; }

v1::StreamResult Written() {
  v1::StreamResult result;
  result.mutable_write()->set_version(7);
  return result;
}

// Fails the first `failures` operations with `failure`, and then answers.
FakeNode::Answer FailingFirst(int failures, v1::StreamResult failure) {
  auto left = std::make_shared<std::atomic<int>>(failures);
  return [left, failure](const v1::StreamOperation& operation) {
    if (left->fetch_sub(1) > 0) return std::optional<v1::StreamResult>(failure);
    if (operation.has_get()) return std::optional<v1::StreamResult>(FoundText("found"));
    return std::optional<v1::StreamResult>(Written());
  };
}

TEST(GrpcConnectionTest, OptionsAreChecked) {
  EXPECT_EQ(Connect(ConnectionOptions()).status().code(), absl::StatusCode::kInvalidArgument);
  for (const std::string target : {"", "host", "host:", ":9080", "host:0", "host:65536", "host:90a",
                                   "http://host:9080", "::1:9080"}) {
    ConnectionOptions options;
    options.targets = {target};
    EXPECT_EQ(Connect(options).status().code(), absl::StatusCode::kInvalidArgument) << target;
  }
  ConnectionOptions options;
  options.targets = {"localhost:9080", "[::1]:9080"};
  EXPECT_TRUE(Validate(options).ok());
  options.retry.max_attempts = 0;
  EXPECT_THAT(std::string(Validate(options).message()), HasSubstr("max_attempts"));
  options.retry.max_attempts = 1;
  options.refresh_interval = absl::Nanoseconds(1);
  EXPECT_THAT(std::string(Validate(options).message()), HasSubstr("at least 200ms"));
}

TEST(GrpcConnectionTest, CallsCarryTheirOptionsAndBringTheirReplies) {
  FakeNode node("1");
  Client client = ClientOf(To({&node}));
  ReadOptions read_options = PatientRead();
  read_options.r = 3;
  read_options.siblings = true;
  const Outcome<ReadReply> read = client.Get("key", read_options).Get();
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->value, "1");
  EXPECT_EQ(read->version, 1u);
  ASSERT_TRUE(client.LocalRead("key", PatientRead()).Get().ok());
  WriteOptions write_options = PatientWrite();
  write_options.w = 2;
  write_options.context = "seen";
  const Outcome<WriteReply> set = client.Set("key", "va\xffue", write_options).Get();
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->version, 1u);
  ASSERT_TRUE(client.Delete("key", write_options).Get().ok());
  const Outcome<NodeStatus> status = client.Status("", kPatience).Get();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->node, "1");
  EXPECT_TRUE(client.Status(node.address(), kPatience).Get().ok());

  const std::vector<v1::StreamOperation> sent = node.operations();
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_EQ(sent[0].get().key_bytes(), "key");
  EXPECT_EQ(sent[0].get().r(), 3u);
  EXPECT_TRUE(sent[0].get().siblings());
  EXPECT_GT(sent[0].timeout_ms(), 15'000u);
  EXPECT_LT(sent[0].timeout_ms(), 20'000u);
  EXPECT_EQ(sent[1].local_read().key_bytes(), "key");
  EXPECT_EQ(sent[2].set().data(), "va\xffue");
  EXPECT_EQ(sent[2].set().w(), 2u);
  EXPECT_EQ(sent[2].set().context(), "seen");
  EXPECT_EQ(sent[3].delete_().key_bytes(), "key");
}

TEST(GrpcConnectionTest, WhatWaitsLeavesInOneMessage) {
  FakeNode node("1");
  Client client = ClientOf(To({&node}));
  std::promise<void> posted;
  std::promise<void> first_done;
  // Holds up the connection's thread, so that calls gather.
  client.Get("first", PatientRead(), [&](Outcome<ReadReply>) {
    first_done.set_value();
    posted.get_future().wait();
  });
  first_done.get_future().wait();
  std::vector<Future<ReadReply>> reads;
  for (int i = 0; i < 100; ++i) reads.push_back(client.Get("k", PatientRead()));
  posted.set_value();
  for (const Future<ReadReply>& read : reads) EXPECT_TRUE(read.Get().ok());
  EXPECT_EQ(node.messages(), 2u);
}

TEST(GrpcConnectionTest, RetriesWhatIsSafe) {
  FakeNode node("1");
  Client client = ClientOf(To({&node}));
  node.AnswerWith(FailingFirst(2, FailedWith(kUnavailable, false)));
  const Outcome<WriteReply> written = client.Set("k", "v", PatientWrite()).Get();
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(written->version, 7u);
  EXPECT_EQ(node.operations().size(), 3u);
  node.AnswerWith(FailingFirst(1, FailedWith(kUnavailable, false)));
  EXPECT_EQ(client.Get("k", PatientRead()).Get()->value, "found");
  EXPECT_EQ(node.operations().size(), 5u);
}

const v1::SetRequest& SetOf(const v1::StreamOperation& operation) { return operation.set(); }

TEST(GrpcConnectionTest, RepeatsAWriteThatMayHaveHappenedByItsName) {
  FakeNode node("1");
  Client client = ClientOf(To({&node}));
  node.AnswerWith(FailingFirst(2, FailedWith(kUnavailable, true)));
  EXPECT_TRUE(client.Set("k", "v", PatientWrite()).Get().ok());
  EXPECT_TRUE(client.Set("k", "v", PatientWrite()).Get().ok());
  const std::vector<v1::StreamOperation> sent = node.operations();
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_FALSE(SetOf(sent[0]).request_id().empty());
  EXPECT_FALSE(SetOf(sent[0]).repeat());
  for (const size_t repeat : {1, 2}) {
    EXPECT_EQ(SetOf(sent[repeat]).request_id(), SetOf(sent[0]).request_id());
    EXPECT_TRUE(SetOf(sent[repeat]).repeat());
  }
  EXPECT_NE(SetOf(sent[3]).request_id(), SetOf(sent[0]).request_id());
  EXPECT_FALSE(SetOf(sent[3]).repeat());
}

TEST(GrpcConnectionTest, WhatSurelyDidNotHappenIsTriedAnewAndNotRepeated) {
  FakeNode node("1");
  Client client = ClientOf(To({&node}));
  node.AnswerWith(FailingFirst(1, FailedWith(kUnavailable, false)));
  EXPECT_TRUE(client.Delete("k", PatientWrite()).Get().ok());
  const std::vector<v1::StreamOperation> sent = node.operations();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].delete_().request_id(), sent[0].delete_().request_id());
  EXPECT_FALSE(sent[1].delete_().repeat());
}

TEST(GrpcConnectionTest, AnErrorSpeaksOfAllTries) {
  FakeNode node("1");
  ConnectionOptions options = To({&node});
  options.retry.max_attempts = 2;
  Client client = ClientOf(options);
  int tries = 0;
  node.AnswerWith([&tries](const v1::StreamOperation&) {
    return FailedWith(kUnavailable, /*may_have_applied=*/++tries == 1);
  });
  const Outcome<WriteReply> written = client.Set("k", "v", PatientWrite()).Get();
  EXPECT_EQ(node.operations().size(), 2u);
  EXPECT_TRUE(written.details().may_have_applied);
}

TEST(GrpcConnectionTest, GivesNoNameToARepeatThatHasNone) {
  FakeNode node("1");
  Client client = ClientOf(To({&node}));
  WriteOptions options = PatientWrite();
  options.repeat = true;
  client.Set("k", "v", options).Get();
  ASSERT_EQ(node.operations().size(), 1u);
  EXPECT_EQ(node.operations()[0].set().request_id(), "");
  EXPECT_TRUE(node.operations()[0].set().repeat());
}

TEST(GrpcConnectionTest, WithoutANameAnUnknownOutcomeIsFinal) {
  FakeNode node("1");
  ConnectionOptions options = To({&node});
  options.retry.name_writes = false;
  Client client = ClientOf(options);
  node.AnswerWith(FailingFirst(1, FailedWith(kUnavailable, true)));
  const Outcome<WriteReply> written = client.Set("k", "v", PatientWrite()).Get();
  EXPECT_EQ(written.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(written.details().may_have_applied);
  EXPECT_EQ(node.operations().size(), 1u);
}

TEST(GrpcConnectionTest, NeverRetriesWhatWillNotPass) {
  FakeNode node("1");
  Client client = ClientOf(To({&node}));
  node.AnswerWith(FailingFirst(2, FailedWith(kInvalidArgument, false)));
  EXPECT_EQ(client.Set("k", "v", PatientWrite()).Get().status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client.Get("k", PatientRead()).Get().status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(node.operations().size(), 2u);
}

TEST(GrpcConnectionTest, RetriesHaveALimitAndABudget) {
  FakeNode node("1");
  node.AnswerWith([](const v1::StreamOperation&) { return FailedWith(kUnavailable, false); });
  ConnectionOptions options = To({&node});
  options.retry.max_attempts = 3;
  options.retry.initial_backoff = absl::Milliseconds(1);
  options.retry.budget_ratio = 0;
  options.retry.budget_max = 3;
  Client client = ClientOf(options);
  const Outcome<ReadReply> first = client.Get("k", PatientRead()).Get();
  EXPECT_EQ(first.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(first.status().message()), HasSubstr("(try 3)"));
  EXPECT_EQ(node.operations().size(), 3u);
  // One retry is left for all.
  EXPECT_FALSE(client.Get("k", PatientRead()).Get().ok());
  EXPECT_EQ(node.operations().size(), 5u);
  EXPECT_FALSE(client.Get("k", PatientRead()).Get().ok());
  EXPECT_EQ(node.operations().size(), 6u);
}

TEST(GrpcConnectionTest, ReadsGoRoundAndPassOverNodesThatAreDown) {
  FakeNode one("1");
  FakeNode two("2");
  FakeNode three("3");
  Client client = ClientOf(To({&one, &two, &three}));
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(client.Get("k", PatientRead()).Get().ok());
  EXPECT_GE(one.operations().size(), 1u);
  EXPECT_GE(two.operations().size(), 1u);
  EXPECT_GE(three.operations().size(), 1u);
  two.Stop();
  three.AnswerWith([](const v1::StreamOperation&) { return FailedWith(kUnavailable, false); });
  for (int i = 0; i < 12; ++i) EXPECT_EQ(client.Get("k", PatientRead()).Get()->value, "1");
}

TEST(GrpcConnectionTest, AsksAnotherNodeWhereOneIsSilent) {
  FakeNode silent("1");
  FakeNode other("2");
  ConnectionOptions options = To({&silent, &other});
  options.attempt_timeout = absl::Milliseconds(50);
  options.retry.max_attempts = 100;
  Client client = ClientOf(options);
  const auto read_until_asked = [&](size_t before) {
    for (int i = 0; i < 10'000 && silent.operations().size() == before; ++i) {
      ASSERT_TRUE(client.Get("k", PatientRead()).Get().ok());
    }
    ASSERT_GT(silent.operations().size(), before);
  };
  read_until_asked(0);  // its stream is open now
  silent.AnswerWith(&Nothing);
  read_until_asked(silent.operations().size());
  EXPECT_TRUE(silent.AwaitCancelled(1));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.Get("k", PatientRead()).Get()->value, "2");
}

TEST(GrpcConnectionTest, SilenceEndsNoCallBeforeItsTime) {
  FakeNode one("1");
  FakeNode two("2");
  std::promise<void> released;
  const auto late = [may_go = released.get_future().share()](const v1::StreamOperation&) {
    may_go.wait();
    return FoundText("late");
  };
  one.AnswerWith(late);
  two.AnswerWith(late);
  ConnectionOptions options = To({&one, &two});
  options.attempt_timeout = absl::Milliseconds(10);
  options.retry.budget_max = 0;  // nobody else may be asked
  Client client = ClientOf(options);
  const Future<ReadReply> read = client.Get("k", PatientRead());
  EXPECT_FALSE(read.WaitFor(absl::Milliseconds(200)));
  released.set_value();
  EXPECT_TRUE(read.Get().ok()) << read.Get().status();
}

TEST(GrpcConnectionTest, SlowNodesGetMoreTimeWithEachTry) {
  FakeNode one("1");
  FakeNode two("2");
  const auto slow = [](const v1::StreamOperation&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return FoundText("slow");
  };
  one.AnswerWith(slow);
  two.AnswerWith(slow);
  ConnectionOptions options = To({&one, &two});
  options.attempt_timeout = absl::Milliseconds(30);
  Client client = ClientOf(options);
  const Outcome<ReadReply> read = client.Get("k", PatientRead()).Get();
  EXPECT_TRUE(read.ok()) << read.status();
}

TEST(GrpcConnectionTest, WritesLeaveASilentNodeAloneUntilItAnswers) {
  FakeNode silent("1");
  FakeNode other("2");
  ConnectionOptions options = To({&silent, &other});
  options.attempt_timeout = absl::Milliseconds(50);
  Client client = ClientOf(options);
  const auto write_until_asked = [&] {
    const size_t before = silent.operations().size();
    const auto until = std::chrono::steady_clock::now() + absl::ToChronoSeconds(kPatience);
    while (silent.operations().size() == before && std::chrono::steady_clock::now() < until) {
      ASSERT_TRUE(client.Set("k", "v", PatientWrite()).Get().ok());
    }
    ASSERT_GT(silent.operations().size(), before);
  };
  write_until_asked();  // its stream is open now
  silent.Freeze();
  // One write finds that out, and may have happened.
  const size_t before = silent.operations().size();
  WriteOptions soon;
  soon.timeout = absl::Milliseconds(500);
  for (int i = 0; i < 10'000 && silent.operations().size() == before; ++i) {
    client.Set("k", "v", soon).Get();
  }
  ASSERT_EQ(silent.operations().size(), before + 1);
  // Longer than it is avoided at first.
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  while (std::chrono::steady_clock::now() < until) {
    ASSERT_TRUE(client.Set("k", "v", PatientWrite()).Get().ok());
  }
  EXPECT_EQ(silent.operations().size(), before + 1);
  silent.Thaw();
  write_until_asked();
}

TEST(GrpcConnectionTest, WritesGoToTheLeader) {
  FakeNode one("1");
  FakeNode two("2");
  one.Describe("2", {&two});
  two.Describe("2", {&one});
  Client client = ClientOf(To({&one}));
  // The second node is known from the first one only.
  const auto written_at_two = [&] {
    EXPECT_TRUE(client.Set("k", "v", PatientWrite()).Get().ok());
    return !two.operations().empty();
  };
  int tries = 0;
  while (!written_at_two() && tries < 10'000) ++tries;
  const size_t before = one.operations().size();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client.Set("k", "v", PatientWrite()).Get().ok());
  EXPECT_EQ(one.operations().size(), before);
  EXPECT_EQ(two.operations().size(), 11u);
  // Reads still go to all.
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client.Get("k", PatientRead()).Get().ok());
  EXPECT_GT(one.operations().size(), before);
}

TEST(GrpcConnectionTest, AsksTheNodesOfOneClusterOnly) {
  FakeNode one("1");
  FakeNode two("1");
  one.BelongTo("blue");
  two.BelongTo("green");
  Client client = ClientOf(To({&one, &two}));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(client.Get("k", PatientRead()).Get().ok());
    ASSERT_TRUE(client.Set("k", "v", PatientWrite()).Get().ok());
  }
  EXPECT_TRUE(one.operations().empty() || two.operations().empty());
}

TEST(GrpcConnectionTest, CallsThatWaitToKnowTheClusterEndInTime) {
  FakeNode node("1");
  node.Freeze();
  std::vector<absl::StatusCode> ends;
  {
    Client client = ClientOf(To({&node}));
    WriteOptions soon;
    soon.timeout = absl::Milliseconds(20);
    const Outcome<WriteReply> write = client.Set("k", "v", soon).Get();
    EXPECT_EQ(write.status().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_FALSE(write.details().may_have_applied) << write.status();
    client.Get("k", PatientRead(),
               [&](const Outcome<ReadReply>& read) { ends.push_back(read.status().code()); });
  }
  EXPECT_EQ(ends, std::vector<absl::StatusCode>({absl::StatusCode::kCancelled}));
}

TEST(GrpcConnectionTest, FollowsTheHintOfANodeThatRefusesWrites) {
  FakeNode one("1");
  FakeNode two("2");
  one.Describe("", {&two});
  two.Describe("", {&one});
  one.AnswerWith(
      [](const v1::StreamOperation&) { return FailedWith(kFailedPrecondition, false, "2"); });
  Client client = ClientOf(To({&one}));
  const Outcome<WriteReply> written = client.Set("k", "v", PatientWrite()).Get();
  EXPECT_TRUE(written.ok()) << written.status();
  EXPECT_GE(two.operations().size(), 1u);
}

TEST(GrpcConnectionTest, DeadlinesEndCalls) {
  FakeNode node("1");
  node.AnswerWith(&Nothing);
  Client client = ClientOf(To({&node}));
  ReadOptions soon;
  soon.timeout = absl::Milliseconds(300);
  WriteOptions soon_too;
  soon_too.timeout = absl::Milliseconds(300);
  const Future<ReadReply> read = client.Get("k", soon);
  const Future<WriteReply> write = client.Set("k", "v", soon_too);
  EXPECT_EQ(read.Get().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(write.Get().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(write.Get().details().may_have_applied);
  EXPECT_TRUE(node.AwaitCancelled(2));
}

TEST(GrpcConnectionTest, NothingIsTriedAgainWhereTheTimeIsOver) {
  FakeNode node("1");
  // As a node does that gives up in time.
  node.AnswerWith([](const v1::StreamOperation& operation) {
    std::this_thread::sleep_for(std::chrono::milliseconds(operation.timeout_ms()));
    return FailedWith(kDeadlineExceeded, operation.has_set());
  });
  ConnectionOptions options = To({&node});
  options.retry.initial_backoff = absl::Milliseconds(1);
  Client client = ClientOf(options);
  ReadOptions read;
  WriteOptions write;
  read.timeout = write.timeout = absl::Milliseconds(500);
  EXPECT_EQ(client.Get("k", read).Get().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(node.operations().size(), 1u);
  const Outcome<WriteReply> set = client.Set("k", "v", write).Get();
  EXPECT_EQ(set.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(set.details().may_have_applied);
  EXPECT_EQ(node.operations().size(), 2u);
}

TEST(GrpcConnectionTest, NodesAreToldTheTimeThatIsLeftWhenACallLeaves) {
  FakeNode node("1");
  node.HoldStreams();
  Client client = ClientOf(To({&node}));
  const Future<ReadReply> read = client.Get("k", PatientRead());
  EXPECT_FALSE(read.WaitFor(absl::Milliseconds(200)));
  node.TakeStreams();
  EXPECT_TRUE(read.Get().ok()) << read.Get().status();
  ASSERT_EQ(node.operations().size(), 1u);
  EXPECT_LE(node.operations()[0].timeout_ms(), 20'000u - 200u - 20u);
}

TEST(GrpcConnectionTest, AStatusCallInAHurrySpoilsNoNode) {
  FakeNode one("1");
  FakeNode two("2");
  Client client = ClientOf(To({&one, &two}));
  // Streams to both are open then.
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(client.Get("k", PatientRead()).Get().ok());
  const size_t at_one = one.operations().size();
  const size_t at_two = two.operations().size();
  one.Freeze();
  two.Freeze();
  EXPECT_EQ(client.Status("", absl::Milliseconds(20)).Get().status().code(),
            absl::StatusCode::kDeadlineExceeded);
  // Writes would leave one alone that has failed.
  for (int i = 0; i < 4; ++i) client.Set("k", "v", PatientWrite(), nullptr);
  EXPECT_TRUE(one.AwaitOperations(at_one + 2));
  EXPECT_TRUE(two.AwaitOperations(at_two + 2));
}

TEST(GrpcConnectionTest, WriteThatNeverLeftWasNotApplied) {
  FakeNode node("1");
  node.Stop();
  Client client = ClientOf(To({&node}));
  WriteOptions soon;
  soon.timeout = absl::Milliseconds(200);
  const Outcome<WriteReply> write = client.Set("k", "v", soon).Get();
  EXPECT_FALSE(write.ok());
  EXPECT_FALSE(write.details().may_have_applied) << write.status();
  EXPECT_THAT(std::string(write.status().message()), HasSubstr(node.address()));
  EXPECT_FALSE(client.Status("", absl::Milliseconds(200)).Get().ok());
}

TEST(GrpcConnectionTest, WriteOnARefusedStreamWasNotApplied) {
  FakeNode node("1");
  node.RefuseStreams();
  ConnectionOptions options = To({&node});
  options.retry.max_attempts = 3;
  Client client = ClientOf(options);
  const Outcome<WriteReply> write = client.Set("k", "v", PatientWrite()).Get();
  EXPECT_EQ(write.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(write.details().may_have_applied) << write.status();
  EXPECT_THAT(std::string(write.status().message()), HasSubstr("UNIMPLEMENTED no streams here"));
  EXPECT_TRUE(node.operations().empty());
}

TEST(GrpcConnectionTest, CancelsCalls) {
  FakeNode node("1");
  node.AnswerWith(&Nothing);
  Client client = ClientOf(To({&node}));
  const Future<ReadReply> read = client.Get("k", PatientRead());
  const Future<WriteReply> write = client.Set("k", "v", PatientWrite());
  ASSERT_TRUE(node.AwaitOperations(2));
  EXPECT_FALSE(read.WaitFor(absl::Milliseconds(1)));
  read.Cancel();
  write.Cancel();
  EXPECT_TRUE(read.WaitFor(kPatience));
  EXPECT_EQ(read.Get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(write.Get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(write.Get().details().may_have_applied);
  EXPECT_TRUE(node.AwaitCancelled(2));
  client.Cancel(12345);  // unknown
}

TEST(GrpcConnectionTest, BrokenStreamRepeatsReadsAndNamedWrites) {
  for (const bool named : {true, false}) {
    FakeNode node("1");
    node.AnswerWith(&Nothing);
    ConnectionOptions options = To({&node});
    options.retry.name_writes = named;
    Client client = ClientOf(options);
    const Future<ReadReply> read = client.Get("k", PatientRead());
    const Future<WriteReply> write = client.Set("k", "v", PatientWrite());
    ASSERT_TRUE(node.AwaitOperations(2));
    node.AnswerWith(nullptr);
    node.BreakStreams();
    EXPECT_EQ(read.Get()->value, "1");
    EXPECT_EQ(write.Get().status().code(),
              named ? absl::StatusCode::kOk : absl::StatusCode::kUnavailable);
    EXPECT_EQ(write.Get().details().may_have_applied, !named);
    EXPECT_TRUE(client.Set("k", "v", PatientWrite()).Get().ok());
  }
}

TEST(GrpcConnectionTest, ReachesANodeThatComesBack) {
  FakeNode node("1");
  Client client = ClientOf(To({&node}));
  ASSERT_TRUE(client.Get("k", PatientRead()).Get().ok());
  node.Stop();
  ReadOptions soon;
  soon.timeout = absl::Milliseconds(100);
  EXPECT_FALSE(client.Get("k", soon).Get().ok());
  node.Start();
  Outcome<ReadReply> read = client.Get("k", PatientRead()).Get();
  for (int tries = 0; !read.ok() && tries < 20; ++tries)
    read = client.Get("k", PatientRead()).Get();
  EXPECT_TRUE(read.ok()) << read.status();
}

TEST(GrpcConnectionTest, RefusesAtOnceBeyondItsLimits) {
  FakeNode node("1");
  node.AnswerWith(&Nothing);
  ConnectionOptions options = To({&node});
  options.max_calls = 2;
  options.max_bytes = 1000;
  Client client = ClientOf(options);
  const Future<ReadReply> first = client.Get("k", PatientRead());
  const Outcome<WriteReply> large = client.Set("k", std::string(1000, 'v'), PatientWrite()).Get();
  EXPECT_EQ(large.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(large.details().may_have_applied);
  const Future<ReadReply> second = client.Get("k", PatientRead());
  EXPECT_EQ(client.Get("k", PatientRead()).Get().status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(client.Status("", kPatience).Get().status().code(),
            absl::StatusCode::kResourceExhausted);
  first.Cancel();
  EXPECT_FALSE(first.Get().ok());
  second.Cancel();
  EXPECT_FALSE(second.Get().ok());
  node.AnswerWith(nullptr);
  EXPECT_TRUE(client.Get("k", PatientRead()).Get().ok());
}

TEST(GrpcConnectionTest, ARepeatThatIsRefusedAtOnceMayHaveHappened) {
  FakeNode node("1");
  ConnectionOptions options = To({&node});
  options.max_bytes = 1;
  Client client = ClientOf(options);
  WriteOptions write = PatientWrite();
  write.request_id = "name";
  for (const bool repeat : {false, true}) {
    write.repeat = repeat;
    const Outcome<WriteReply> set = client.Set("k", "v", write).Get();
    EXPECT_EQ(set.status().code(), absl::StatusCode::kResourceExhausted) << set.status();
    EXPECT_EQ(set.details().may_have_applied, repeat);
    EXPECT_EQ(client.Delete("k", write).Get().details().may_have_applied, repeat);
  }
}

TEST(GrpcConnectionTest, NobodyNeedsToWantTheOutcome) {
  FakeNode node("1");
  ConnectionOptions options = To({&node});
  options.max_calls = 3;
  Client client = ClientOf(options);
  client.Get("k", PatientRead(), nullptr);
  client.Set("k", "v", PatientWrite(), nullptr);
  client.Status("", kPatience, nullptr);
  ASSERT_TRUE(node.AwaitOperations(2));
  node.AnswerWith(&Nothing);
  Client full = ClientOf(options);
  for (int i = 0; i < 3; ++i) full.Get("k", PatientRead(), nullptr);
  full.Get("k", PatientRead(), nullptr);  // refused at once
  full.Status("", kPatience, nullptr);
  EXPECT_TRUE(node.AwaitOperations(5));
}

TEST(GrpcConnectionTest, RefusesWhatNoNodeTakes) {
  FakeNode node("1");
  Client client = ClientOf(To({&node}));
  EXPECT_EQ(client.Set("k", std::string(9 << 20, 'v'), PatientWrite()).Get().status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(GrpcConnectionTest, LargestOperationTravelsAloneEvenWhereCallsAreCancelled) {
  FakeNode node("1");
  node.AnswerWith([](const v1::StreamOperation& operation) {
    return operation.has_get() ? std::nullopt : std::optional<v1::StreamResult>(Written());
  });
  Client client = ClientOf(To({&node}));
  std::vector<Future<ReadReply>> reads;
  for (int i = 0; i < 300; ++i) reads.push_back(client.Get("k", PatientRead()));
  ASSERT_TRUE(node.AwaitOperations(300));
  // The connection's thread is held up while all of it gathers.
  std::promise<void> gathered;
  std::promise<void> held;
  client.Set("k", "v", PatientWrite(), [&](Outcome<WriteReply>) {
    held.set_value();
    gathered.get_future().wait();
  });
  held.get_future().wait();
  for (const Future<ReadReply>& read : reads) read.Cancel();
  const size_t around = 64;  // key, options and lengths
  const Future<WriteReply> large =
      client.Set("k", std::string((size_t{8} << 20) - 64 - around, 'v'), PatientWrite());
  gathered.set_value();
  EXPECT_TRUE(large.Get().ok()) << large.Get().status();
  EXPECT_TRUE(node.AwaitCancelled(300));
}

TEST(GrpcConnectionTest, EndOfTheConnectionEndsItsCalls) {
  FakeNode node("1");
  node.AnswerWith(&Nothing);
  std::optional<Outcome<WriteReply>> outcome;
  {
    Client client = ClientOf(To({&node}));
    client.Set("k", "v", PatientWrite(), [&](Outcome<WriteReply> got) { outcome = got; });
    ASSERT_TRUE(node.AwaitOperations(1));
  }
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(outcome->details().may_have_applied);
}

TEST(GrpcConnectionTest, CallsOfCallbacksOfAnEndingConnectionEndToo) {
  FakeNode node("1");
  node.AnswerWith(&Nothing);
  std::vector<absl::StatusCode> ends;
  {
    auto connection = Connect(To({&node}));
    ASSERT_TRUE(connection.ok()) << connection.status();
    Connection* const own = connection->get();  // a copy would keep it from ending
    WriteRequest write;
    write.key = "k";
    ReadRequest read;
    read.key = "k";
    StatusRequest ask;
    write.timeout = read.timeout = ask.timeout = kPatience;
    own->Write(write, [&ends, own, read, ask](Outcome<WriteReply> written) {
      ends.push_back(written.status().code());
      own->Read(read, [&ends, own, ask](Outcome<ReadReply> got) {
        ends.push_back(got.status().code());
        own->Status(
            ask, [&ends](Outcome<NodeStatus> status) { ends.push_back(status.status().code()); });
      });
    });
    ASSERT_TRUE(node.AwaitOperations(1));
  }
  EXPECT_EQ(ends, std::vector<absl::StatusCode>(3, absl::StatusCode::kCancelled));
}

TEST(GrpcConnectionTest, MayEndInItsOwnCallback) {
  FakeNode node("1");
  std::promise<void> ended;
  {
    auto client = std::make_shared<std::optional<Client>>(ClientOf(To({&node})));
    (*client)->Get("k", PatientRead(), [client, &ended](Outcome<ReadReply> read) {
      EXPECT_TRUE(read.ok());
      client->reset();
      ended.set_value();
    });
  }
  ended.get_future().wait();
}

TEST(GrpcConnectionTest, CallsFromManyThreads) {
  FakeNode one("1");
  FakeNode two("2");
  Client client = ClientOf(To({&one, &two}));
  std::atomic<int> answered{0};
  std::vector<std::future<void>> threads;
  for (int t = 0; t < 4; ++t) {
    threads.push_back(std::async(std::launch::async, [&answered, client]() mutable {
      for (int i = 0; i < 200; ++i) {
        if (client.Get("k", PatientRead()).Get().ok()) ++answered;
      }
    }));
  }
  for (std::future<void>& thread : threads) thread.wait();
  EXPECT_EQ(answered, 800);
}

}  // namespace
}  // namespace quorate
