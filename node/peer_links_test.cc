// PeerDialer and PeerService against each other, over real sockets, without a replica.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"

#include "node/loopback.h"
#include "node/peer_dialer.h"
#include "node/peer_routes.h"
#include "node/peer_service.h"
#include "node/peer_stream.h"
#include "node/poll_loop.h"
#include "replication/cluster_config.h"
#include "support/mutex.h"

namespace quorate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kGrpcPort = 9080;
constexpr absl::Duration kPatience = absl::Seconds(20);

// One end: everything that a node has between its sockets and its replica.
class Peer final : private PollHost, private PeerStreamListener, private LinkListener {
 public:
  Peer(const std::string& name, const std::string& cluster, std::string address,
       DialTiming timing = DialTiming())
      : address_(std::move(address)),
        id_(*ParseNodeName(name)),
        dialer_timing_(timing),
        identity_{id_, name, cluster} {
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(absl::StrCat(address_, ":", kGrpcPort),
                             grpc::InsecureServerCredentials());
    loop_ = std::make_unique<PollLoop>(builder.AddCompletionQueue());
    PeerStreamListener* const streams = this;
    LinkListener* const links = this;
    service_ = std::make_unique<PeerService>(identity_, loop_.get(), &routes_, streams, &counters_);
    dialer_ = std::make_unique<PeerDialer>(identity_, dialer_timing_, loop_.get(), &routes_,
                                           streams, links, &counters_);
    builder.RegisterService(service_->service());
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
    service_->Start();
    loop_->Start(this);
  }

  ~Peer() override {
    OnLoop([this] {
      stopping_ = true;
      held_.clear();
      dialer_->Shutdown();
      service_->Shutdown();
    });
    EXPECT_TRUE(Await([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopped_; }));
    server_->Shutdown();
    loop_->Shutdown();
  }

  NodeId id() const { return id_; }
  PeerCounters& counters() { return counters_; }

  void Dial(const Peer& other, const std::string& expected = "") {
    const PeerAddress address{expected, other.address_, 8080, kGrpcPort};
    OnLoop([this, address] { dialer_->AddPeers({address}); });
  }
  void Learn(const std::vector<peer::v1::MemberAddress>& members) {
    OnLoop([this, members] { dialer_->Learn(members); });
  }
  peer::v1::MemberAddress AsMember() const {
    peer::v1::MemberAddress member;
    member.set_id(id_);
    member.set_name(identity_.name);
    member.set_host(address_);
    member.set_http_port(8080);
    member.set_grpc_port(kGrpcPort);
    return member;
  }

  // `sequence` of a request, or what a reply has seen.
  void Send(NodeId to, bool reply, const std::string& text, NodeId from = 0,
            uint64_t sequence = 0) {
    peer::v1::Batch batch;
    reply ? batch.set_seen(sequence) : batch.set_sequence(sequence);
    batch.set_from(from == 0 ? id_ : from);
    batch.set_reply(reply);
    batch.add_messages(text);
    std::vector<OutgoingBatch> batches;
    batches.push_back(OutgoingBatch{to, std::move(batch)});
    routes_.Send(std::move(batches));
  }

  // From now on, what has come counts as not dealt with, until it is released.
  void HoldBatches() {
    OnLoop([this] { holding_ = true; });
  }
  void ReleaseBatches() {
    OnLoop([this] {
      holding_ = false;
      held_.clear();
    });
  }

  // Waits until `times` events that begin with `event` have been seen: "up 2", "down 2",
  // "batch 2 text", "refused: reason", "peers 2 3".
  bool AwaitEvent(const std::string& event, size_t times = 1) {
    return Await([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return Seen(event).size() >= times; });
  }
  std::vector<std::string> Events(const std::string& kind) {
    MutexLock lock(&mu_);
    return Seen(kind);
  }

 private:
  std::vector<std::string> Seen(const std::string& kind) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    std::vector<std::string> found;
    for (const std::string& event : events_) {
      if (event.rfind(kind, 0) == 0) found.push_back(event);
    }
    return found;
  }
  template <typename Condition>
  bool Await(Condition condition) {
    const MonotonicTime end = MonotonicNow() + kPatience;
    MutexLock lock(&mu_);
    while (!condition()) {
      if (MonotonicNow() > end) return false;
      changed_.WaitFor(&mu_, end - MonotonicNow());
    }
    return true;
  }
  void Record(const std::string& event) {
    MutexLock lock(&mu_);
    events_.push_back(event);
    changed_.SignalAll();
  }
  void OnLoop(std::function<void()> work) {
    {
      MutexLock lock(&mu_);
      work_.push_back(std::move(work));
    }
    loop_->Wake();
  }

  MonotonicTime OnGathered() override {
    std::vector<std::function<void()>> work;
    {
      MutexLock lock(&mu_);
      work.swap(work_);
    }
    for (const std::function<void()>& piece : work) piece();
    {
      MutexLock lock(&mu_);
      stopped_ = stopping_ && dialer_->idle() && service_->idle();
      changed_.SignalAll();
    }
    const MonotonicTime now = MonotonicNow();
    std::vector<std::shared_ptr<PeerStream>> still;
    for (std::shared_ptr<PeerStream>& stream : paused_) {
      if (stream->ResumeReading(now)) still.push_back(std::move(stream));
    }
    paused_ = std::move(still);
    const MonotonicTime next = dialer_->Tick(now);
    return paused_.empty() ? next : std::min(next, now + PeerStream::kAnswerPause);
  }
  MonotonicTime NextDeadline() const override { return absl::InfiniteDuration(); }

  void OnBatch(std::shared_ptr<PeerStream> stream, peer::v1::Batch batch, size_t bytes) override {
    Record(absl::StrCat("batch ", stream->peer(), " ", batch.messages(0)));
    auto unconsumed = std::make_unique<Unconsumed>(std::move(stream), bytes);
    if (holding_) held_.push_back(std::move(unconsumed));
  }
  void OnPaused(std::shared_ptr<PeerStream> stream) override {
    Record(absl::StrCat("paused ", stream->peer()));
    paused_.push_back(std::move(stream));
  }
  void OnLink(NodeId peer, bool up) override { Record(absl::StrCat(up ? "up " : "down ", peer)); }
  void OnPeers(std::vector<peer::v1::MemberAddress> peers) override {
    std::string ids;
    for (const peer::v1::MemberAddress& peer : peers) absl::StrAppend(&ids, " ", peer.id());
    Record("peers" + ids);
  }
  void OnRefusal(const PeerAddress&, const std::string& reason) override {
    if (!reason.empty()) Record("refused: " + reason);
  }

  const std::string address_;
  const NodeId id_;
  const DialTiming dialer_timing_;
  const PeerIdentity identity_;
  PeerCounters counters_;
  PeerRoutes routes_{&counters_};
  std::unique_ptr<PollLoop> loop_;
  std::unique_ptr<PeerService> service_;
  std::unique_ptr<PeerDialer> dialer_;
  std::unique_ptr<grpc::Server> server_;
  // Of the loop.
  bool stopping_ = false;
  std::vector<std::shared_ptr<PeerStream>> paused_;
  bool holding_ = false;
  std::vector<std::unique_ptr<Unconsumed>> held_;

  Mutex mu_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::string> events_ ABSL_GUARDED_BY(mu_);
  std::vector<std::function<void()>> work_ ABSL_GUARDED_BY(mu_);
};

TEST(PeerLinksTest, RequestsGoOutAndRepliesComeBackOnOneStream) {
  Peer a("1", "c", OwnLoopbackAddress());
  Peer b("2", "c", OwnLoopbackAddress());
  a.Dial(b);
  ASSERT_TRUE(a.AwaitEvent("up 2"));
  EXPECT_THAT(a.Events("peers"), ElementsAre("peers 2"));
  for (int i = 0; i < 100; ++i) a.Send(2, /*reply=*/false, absl::StrCat("request", i));
  ASSERT_TRUE(b.AwaitEvent("batch 1 request99"));
  for (int i = 0; i < 100; ++i) b.Send(1, /*reply=*/true, absl::StrCat("reply", i));
  ASSERT_TRUE(a.AwaitEvent("batch 2 reply99"));
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) expected.push_back(absl::StrCat("batch 1 request", i));
  EXPECT_EQ(b.Events("batch"), expected);
  EXPECT_EQ(b.counters().bytes_received, a.counters().bytes_sent);
  EXPECT_GT(b.counters().bytes_received, 100 * sizeof("request"));
  // B has not dialled A: it has no way for requests of its own.
  b.Send(1, /*reply=*/false, "nowhere");
  EXPECT_EQ(b.counters().batches_dropped, 1u);
  EXPECT_TRUE(b.Events("up").empty());
}

TEST(PeerLinksTest, AnswersAreReadWhereTheyAreExpectedAndWhereNot) {
  Peer a("1", "c", OwnLoopbackAddress());
  Peer b("2", "c", OwnLoopbackAddress());
  a.Dial(b);
  ASSERT_TRUE(a.AwaitEvent("up 2"));
  a.Send(2, /*reply=*/false, "question", 0, 7);
  ASSERT_TRUE(b.AwaitEvent("batch 1 question"));
  b.Send(1, /*reply=*/true, "to an earlier one", 0, 6);
  b.Send(1, /*reply=*/true, "answer", 0, 7);
  ASSERT_TRUE(a.AwaitEvent("paused 2"));
  EXPECT_THAT(a.Events("batch"), ElementsAre("batch 2 to an earlier one", "batch 2 answer"))
      << "while the answer was still to come, it was read on";
  EXPECT_EQ(a.Events("paused").size(), 1u);
  b.Send(1, /*reply=*/true, "more of it", 0, 7);
  EXPECT_TRUE(a.AwaitEvent("batch 2 more of it")) << "nobody waits for it, but it is read";
  EXPECT_THAT(b.Events("paused"), IsEmpty()) << "questions are always expected";
}

TEST(PeerLinksTest, AStreamThatEndsWhileNothingIsExpectedIsDialledAgain) {
  Peer a("1", "c", OwnLoopbackAddress());
  const std::string address = OwnLoopbackAddress();
  auto b = std::make_unique<Peer>("2", "c", address);
  a.Dial(*b);
  ASSERT_TRUE(a.AwaitEvent("up 2"));
  a.Send(2, /*reply=*/false, "question", 0, 7);
  ASSERT_TRUE(b->AwaitEvent("batch 1 question"));
  b->Send(1, /*reply=*/true, "answer", 0, 7);
  ASSERT_TRUE(a.AwaitEvent("paused 2"));
  b.reset();
  ASSERT_TRUE(a.AwaitEvent("down 2"));
  b = std::make_unique<Peer>("2", "c", address);
  EXPECT_TRUE(a.AwaitEvent("up 2", 2));
}

TEST(PeerLinksTest, BatchesOfAnotherSenderAreRejected) {
  Peer a("1", "c", OwnLoopbackAddress());
  Peer b("2", "c", OwnLoopbackAddress());
  a.Dial(b);
  ASSERT_TRUE(a.AwaitEvent("up 2"));
  a.Send(2, /*reply=*/false, "forged", /*from=*/3);
  a.Send(2, /*reply=*/false, "honest");
  ASSERT_TRUE(b.AwaitEvent("batch 1 honest"));
  EXPECT_THAT(b.Events("batch"), ElementsAre("batch 1 honest"));
  EXPECT_EQ(b.counters().batches_rejected, 1u);
}

TEST(PeerLinksTest, OversizedBatchIsDroppedAndTheStreamLives) {
  Peer a("1", "c", OwnLoopbackAddress());
  Peer b("2", "c", OwnLoopbackAddress());
  a.Dial(b);
  ASSERT_TRUE(a.AwaitEvent("up 2"));
  a.Send(2, /*reply=*/false, std::string(kMaxPeerMessageBytes, 'x'));
  a.Send(2, /*reply=*/false, "small");
  ASSERT_TRUE(b.AwaitEvent("batch 1 small"));
  EXPECT_EQ(a.counters().batches_dropped, 1u);
  EXPECT_TRUE(a.Events("down").empty());
}

TEST(PeerLinksTest, DialsAgainWhenThePeerComesBack) {
  Peer a("1", "c", OwnLoopbackAddress());
  const std::string address = OwnLoopbackAddress();
  auto b = std::make_unique<Peer>("2", "c", address);
  a.Dial(*b);
  ASSERT_TRUE(a.AwaitEvent("up 2"));
  b.reset();
  ASSERT_TRUE(a.AwaitEvent("down 2"));
  b = std::make_unique<Peer>("2", "c", address);
  ASSERT_TRUE(a.AwaitEvent("up 2", 2));
  a.Send(2, /*reply=*/false, "again");
  EXPECT_TRUE(b->AwaitEvent("batch 1 again"));
}

TEST(PeerLinksTest, ItselfIsNoPeer) {
  Peer a("1", "c", OwnLoopbackAddress());
  a.Dial(a);
  ASSERT_TRUE(a.AwaitEvent("refused: node '1' has called itself"));
  EXPECT_TRUE(a.Events("up").empty());
}

TEST(PeerLinksTest, TwoAddressesOfOneNodeMakeOneLink) {
  Peer a("1", "c", OwnLoopbackAddress());
  Peer b("2", "c", OwnLoopbackAddress());
  Peer twin("2", "c", OwnLoopbackAddress());
  a.Dial(b);
  ASSERT_TRUE(a.AwaitEvent("up 2"));
  a.Dial(twin);
  ASSERT_TRUE(a.AwaitEvent("refused: it is node '2', and so is"));
  EXPECT_THAT(a.Events("up"), ElementsAre("up 2"));
}

TEST(PeerLinksTest, UnexpectedNodeIsRefused) {
  Peer a("1", "c", OwnLoopbackAddress());
  Peer b("2", "c", OwnLoopbackAddress());
  a.Dial(b, "3");
  ASSERT_TRUE(a.AwaitEvent("refused: node '2' lives there, not '3'"));
  EXPECT_TRUE(a.Events("up").empty());
}

TEST(PeerLinksTest, AnotherClusterRefuses) {
  Peer a("1", "c", OwnLoopbackAddress());
  Peer b("2", "d", OwnLoopbackAddress());
  a.Dial(b);
  ASSERT_TRUE(a.AwaitEvent("refused: node '2' belongs to cluster 'd', not to 'c'"));
  EXPECT_TRUE(a.Events("up").empty());
}

TEST(PeerLinksTest, NewStreamOfANodeReplacesItsOldOne) {
  Peer a("1", "c", OwnLoopbackAddress());
  Peer twin("1", "c", OwnLoopbackAddress());
  Peer b("2", "c", OwnLoopbackAddress());
  a.Dial(b);
  ASSERT_TRUE(a.AwaitEvent("up 2"));
  twin.Dial(b);
  ASSERT_TRUE(twin.AwaitEvent("up 2"));
  ASSERT_TRUE(a.AwaitEvent("down 2"));
  ASSERT_TRUE(a.AwaitEvent("refused: another stream from node '1' has replaced this one"));
  b.Send(1, /*reply=*/true, "to the newer");
  EXPECT_TRUE(twin.AwaitEvent("batch 2 to the newer"));
}

TEST(PeerLinksTest, LearnedMembersComeAndGo) {
  Peer a("1", "c", OwnLoopbackAddress());
  Peer b("2", "c", OwnLoopbackAddress());
  Peer c("3", "c", OwnLoopbackAddress());
  peer::v1::MemberAddress nonsense;
  nonsense.set_id(9);
  a.Learn({a.AsMember(), b.AsMember(), nonsense});
  ASSERT_TRUE(a.AwaitEvent("up 2"));
  a.Learn({a.AsMember(), c.AsMember()});
  ASSERT_TRUE(a.AwaitEvent("up 3"));
  ASSERT_TRUE(a.AwaitEvent("down 2"));
  EXPECT_THAT(a.Events("peers"), ElementsAre("peers 2", "peers 3"));
}

// A peer that greets and then says nothing more is dead, whatever its connection looks like.
TEST(PeerLinksTest, SilentPeerIsGivenUpAndDialledAgain) {
  DialTiming timing;
  timing.silence_timeout = absl::Milliseconds(100);
  Peer a("1", "c", OwnLoopbackAddress(), timing);
  Peer b("2", "c", OwnLoopbackAddress());
  a.Dial(b);
  ASSERT_TRUE(a.AwaitEvent("down 2"));
  ASSERT_TRUE(a.AwaitEvent("up 2", 2));
}

TEST(PeerLinksTest, APauseIsNoSilenceHoweverLongItTakes) {
  DialTiming timing;
  timing.silence_timeout = absl::Seconds(2);
  Peer a("1", "c", OwnLoopbackAddress(), timing);
  Peer b("2", "c", OwnLoopbackAddress());
  a.HoldBatches();
  a.Dial(b);
  ASSERT_TRUE(a.AwaitEvent("up 2"));
  b.Send(1, /*reply=*/true, std::string(size_t{5} << 20, 'x'));
  ASSERT_TRUE(a.AwaitEvent("paused 2"));
  b.Send(1, /*reply=*/true, "what came meanwhile");
  absl::SleepFor(timing.silence_timeout + absl::Milliseconds(100));
  a.ReleaseBatches();
  EXPECT_TRUE(a.AwaitEvent("batch 2 what came meanwhile"));
  EXPECT_THAT(a.Events("down"), IsEmpty());
}

}  // namespace
}  // namespace quorate
