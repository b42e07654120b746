#include "replication/sessions.h"

#include <memory>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

// A message that is told of, whichever way it goes.
peer::v1::Message ReadOf(uint64_t operation) {
  peer::v1::Message message;
  message.mutable_read()->set_operation(operation);
  return message;
}

// One end of a conversation: its sessions, what they send, and what they tell.
class End : public Env, public SessionListener {
 public:
  End(NodeId id, Incarnation incarnation) : id_(id) {
    config_.self = id;
    config_.strategy = "test";
    sessions = std::make_unique<PeerSessions>(&config_, incarnation, this, this);
  }

  std::unique_ptr<PeerSessions> sessions;
  std::vector<peer::v1::Batch> sent;
  std::vector<std::string> told;
  MonotonicTime now;
  int replicas = 2;
  ClusterConfig config_;

  // Takes what the sessions have sent since the last call.
  std::vector<peer::v1::Batch> Take() {
    sessions->Flush();
    return std::exchange(sent, {});
  }

  MonotonicTime Now() override { return now; }
  absl::Time WallNow() override { return absl::UnixEpoch() + now; }
  uint64_t Random() override { return id_ * 1000 + ++random_; }
  void Send(NodeId, peer::v1::Batch batch) override { sent.push_back(std::move(batch)); }
  void SetTimer(TimerId, MonotonicTime) override {}
  void ExpireAt(OperationId, MonotonicTime) override {}
  void Complete(OperationId, OperationResult) override {}
  void RequestSync(SyncTicket) override {}
  void LearnMembers(const std::vector<peer::v1::MemberAddress>&) override {}
  const std::vector<peer::v1::MemberAddress>& Members() const override { return members_; }
  void Log(const std::string& line) override { told.push_back(line); }

  void OnSessionUp(NodeId peer) override { told.push_back("up " + std::to_string(peer)); }
  void OnSessionDown(NodeId peer) override { told.push_back("down " + std::to_string(peer)); }
  void OnSessionMessage(NodeId from, const peer::v1::Message& message) override {
    if (message.has_ping()) {
      peer::v1::Message pong;
      pong.mutable_pong();
      Reply(from, pong);
    } else if (message.has_read()) {
      told.push_back("read " + std::to_string(message.read().operation()));
    }
  }
  int ReplicaCount() const override { return replicas; }
  void FillPing(NodeId, peer::v1::Ping*) override {}

  void Request(NodeId to, uint64_t operation) {
    sessions->Send(to, false,
                   std::make_shared<const std::string>(ReadOf(operation).SerializeAsString()));
  }

  void Reply(NodeId to, const peer::v1::Message& message) {
    sessions->Send(to, true, std::make_shared<const std::string>(message.SerializeAsString()));
  }

 private:
  const NodeId id_;
  uint64_t random_ = 0;
  const std::vector<peer::v1::MemberAddress> members_;
};

// Delivers until nobody has anything to say.
void Talk(End* a, End* b) {
  for (bool quiet = false; !quiet;) {
    quiet = true;
    for (const auto& [from, to] : {std::pair<End*, End*>{a, b}, {b, a}}) {
      for (const peer::v1::Batch& batch : from->Take()) {
        quiet = false;
        to->sessions->Receive(batch);
      }
    }
  }
}

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(PeerSessionsTest, OpensASessionAndCarriesRequests) {
  End a(1, 10), b(2, 20);
  a.sessions->Link(2, true);
  Talk(&a, &b);
  EXPECT_TRUE(a.sessions->Connected(2));
  EXPECT_EQ(a.sessions->PeerIncarnation(2), 20u);
  EXPECT_FALSE(b.sessions->Connected(1)) << "b has not dialled";
  a.Request(2, 7);
  Talk(&a, &b);
  EXPECT_THAT(b.told, ElementsAre("read 7"));
}

TEST(PeerSessionsTest, ARepeatedBatchCountsOnce) {
  End a(1, 10), b(2, 20);
  a.sessions->Link(2, true);
  Talk(&a, &b);
  a.Request(2, 7);
  for (const peer::v1::Batch& batch : a.Take()) {
    b.sessions->Receive(batch);
    b.sessions->Receive(batch);
  }
  EXPECT_THAT(b.told, ElementsAre("read 7"));
}

TEST(PeerSessionsTest, RepliesSayWhatTheyHaveSeen) {
  End a(1, 10), b(2, 20);
  a.sessions->Link(2, true);
  Talk(&a, &b);
  for (uint64_t operation = 1; operation <= 3; ++operation) {
    a.Request(2, operation);
    std::vector<peer::v1::Batch> requests = a.Take();
    ASSERT_EQ(requests.size(), 1u);
    b.sessions->Receive(requests[0]);
    peer::v1::Message pong;
    pong.mutable_pong();
    b.Reply(1, pong);
    const std::vector<peer::v1::Batch> replies = b.Take();
    ASSERT_EQ(replies.size(), 1u);
    EXPECT_EQ(replies[0].seen(), requests[0].sequence());
    EXPECT_EQ(requests[0].seen(), 0u);
  }
}

TEST(PeerSessionsTest, TellsWhatHasBeenAnswered) {
  End a(1, 10), b(2, 20);
  a.sessions->Link(2, true);
  Talk(&a, &b);
  const uint64_t lost = a.sessions->RequestMark(2);
  a.Request(2, 1);
  ASSERT_EQ(a.Take().size(), 1u);
  EXPECT_FALSE(a.sessions->Answered(2, lost));
  const uint64_t next = a.sessions->RequestMark(2);
  a.Request(2, 2);
  for (const peer::v1::Batch& batch : a.Take()) b.sessions->Receive(batch);
  // Two batches' worth: only the second says that all has been answered.
  peer::v1::Message long_answer;
  long_answer.mutable_forward_reply()->set_error(std::string(size_t{700} << 10, 'x'));
  for (int i = 0; i < 2; ++i) b.Reply(1, long_answer);
  const std::vector<peer::v1::Batch> replies = b.Take();
  ASSERT_EQ(replies.size(), 2u);
  a.sessions->Receive(replies[0]);
  EXPECT_FALSE(a.sessions->Answered(2, lost));
  a.sessions->Receive(replies[1]);
  EXPECT_TRUE(a.sessions->Answered(2, lost)) << "what came after it has been answered";
  EXPECT_TRUE(a.sessions->Answered(2, next));
  EXPECT_FALSE(a.sessions->Answered(2, a.sessions->RequestMark(2))) << "nothing was sent then";
}

TEST(PeerSessionsTest, AnswersThatWaitedWhileThisNodeStoodStillAreDropped) {
  for (const bool late : {false, true}) {
    End a(1, 10), b(2, 20);
    a.sessions->Link(2, true);
    Talk(&a, &b);
    b.Reply(1, ReadOf(1));
    const std::vector<peer::v1::Batch> replies = b.Take();
    ASSERT_EQ(replies.size(), 1u);
    a.now += a.config_.peer_timeout;
    if (late) a.now += absl::Milliseconds(1);
    a.told.clear();
    a.sessions->GiveUpSilent();
    a.sessions->Receive(replies[0]);
    EXPECT_THAT(a.told, ElementsAre(late ? "down 2" : "read 1"));
    EXPECT_EQ(a.sessions->Connected(2), !late);
    Talk(&a, &b);
    EXPECT_TRUE(a.sessions->Connected(2)) << "it has greeted at once";
  }
}

TEST(PeerSessionsTest, AnAnswerProvesAPeerAliveWhenTheRequestLeft) {
  End a(1, 10), b(2, 20);
  a.sessions->Link(2, true);
  Talk(&a, &b);
  const absl::Duration timeout = a.config_.peer_timeout;
  a.now += timeout / 10;
  a.sessions->Tick();
  for (const peer::v1::Batch& batch : a.Take()) b.sessions->Receive(batch);
  const std::vector<peer::v1::Batch> replies = b.Take();
  a.now += timeout * 0.9;
  a.sessions->GiveUpSilent();
  for (const peer::v1::Batch& batch : replies) a.sessions->Receive(batch);
  EXPECT_TRUE(a.sessions->Connected(2));
  a.now += timeout / 10;
  a.sessions->GiveUpSilent();
  EXPECT_TRUE(a.sessions->Connected(2)) << "the ping was answered";
  a.now += absl::Milliseconds(1);
  a.sessions->GiveUpSilent();
  EXPECT_FALSE(a.sessions->Connected(2)) << "though its answer has just come";
}

TEST(PeerSessionsTest, AnyAnsweredRequestKeepsASession) {
  End a(1, 10), b(2, 20);
  a.sessions->Link(2, true);
  Talk(&a, &b);
  for (int i = 0; i < 100; ++i) {
    a.now += a.config_.peer_timeout / 30;
    a.sessions->GiveUpSilent();
    a.Request(2, 7);
    for (const peer::v1::Batch& batch : a.Take()) b.sessions->Receive(batch);
    b.Reply(1, ReadOf(1));
    for (const peer::v1::Batch& batch : b.Take()) a.sessions->Receive(batch);
  }
  EXPECT_TRUE(a.sessions->Connected(2));
}

TEST(PeerSessionsTest, BatchesOfAnOlderSessionAreDropped) {
  End a(1, 10), b(2, 20);
  a.sessions->Link(2, true);
  Talk(&a, &b);
  a.Request(2, 7);
  const std::vector<peer::v1::Batch> late = a.Take();
  a.sessions->Link(2, true);  // a fresh link, a fresh session
  Talk(&a, &b);
  for (const peer::v1::Batch& batch : late) b.sessions->Receive(batch);
  EXPECT_THAT(b.told, IsEmpty());
}

TEST(PeerSessionsTest, ARestartedReceiverHearsNothingMeantForItsOldLife) {
  End a(1, 10), b(2, 20);
  a.sessions->Link(2, true);
  Talk(&a, &b);
  a.Request(2, 7);
  End restarted(2, 21);
  for (const peer::v1::Batch& batch : a.Take()) restarted.sessions->Receive(batch);
  EXPECT_THAT(restarted.told, IsEmpty());
}

TEST(PeerSessionsTest, ARestartedPeerMakesTheOldSessionToItEnd) {
  End a(1, 10), b(2, 20);
  a.sessions->Link(2, true);
  b.sessions->Link(1, true);
  Talk(&a, &b);
  End restarted(2, 21);
  restarted.sessions->Link(1, true);
  Talk(&a, &restarted);
  EXPECT_THAT(a.told, ElementsAre("up 2", "down 2", "up 2"));
  EXPECT_EQ(a.sessions->PeerIncarnation(2), 21u);
}

TEST(PeerSessionsTest, SilenceEndsASession) {
  End a(1, 10), b(2, 20);
  a.sessions->Link(2, true);
  Talk(&a, &b);
  a.now += absl::Milliseconds(900);
  a.sessions->Tick();
  EXPECT_TRUE(a.sessions->Connected(2));
  Talk(&a, &b);  // the pong arrives
  a.now += absl::Milliseconds(900);
  a.sessions->Tick();
  EXPECT_TRUE(a.sessions->Connected(2));
  a.Take();  // lost
  a.now += absl::Milliseconds(200);
  a.sessions->Tick();
  EXPECT_FALSE(a.sessions->Connected(2));
  Talk(&a, &b);  // it has greeted again
  EXPECT_TRUE(a.sessions->Connected(2));
}

TEST(PeerSessionsTest, StrangersAreRefusedWithAReason) {
  struct Case {
    std::function<void(End*)> differ;
    const char* reason;
  };
  const Case cases[] = {
      {[](End* b) { b->config_.cluster = "other"; }, "belongs to cluster 'other'"},
      {[](End* b) { b->config_.strategy = "other"; }, "replicates by other"},
      {[](End* b) { b->replicas = 5; }, "counts 5 replicas"},
      {[](End* b) { b->config_.self = 1; }, "same node id"},
  };
  for (const Case& c : cases) {
    End a(1, 10), b(2, 20);
    c.differ(&b);
    a.sessions->Link(b.config_.self == 1 ? 1 : 2, true);
    Talk(&a, &b);
    EXPECT_FALSE(a.sessions->Connected(2));
    EXPECT_THAT(a.told, Contains(HasSubstr(c.reason)));
    EXPECT_THAT(a.told, Not(Contains("up 2")));
  }
}

TEST(PeerSessionsTest, DamagedBatchesAreAsGoodAsLost) {
  End a(1, 10), b(2, 20);
  a.sessions->Link(2, true);
  Talk(&a, &b);
  peer::v1::Batch batch;
  b.sessions->Receive(batch);
  batch.set_from(1);
  batch.add_messages("\xff\xff");
  b.sessions->Receive(batch);
  batch.set_session(99);
  b.sessions->Receive(batch);
  EXPECT_THAT(b.told, IsEmpty());
}

}  // namespace
}  // namespace quorate
