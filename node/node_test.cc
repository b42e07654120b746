#include "node/node.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

#include "node/node_config.h"
#include "node/node_status.h"
#include "node/poll_loop.h"
#include "node/test_cluster.h"
#include "proto/health.grpc.pb.h"
#include "proto/kv.grpc.pb.h"
#include "proto/reflection.grpc.pb.h"
#include "replication/registry.h"
#include "support/mutex.h"

namespace quorate {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NodeTest : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Strategies, NodeTest, ::testing::ValuesIn(StrategyNames()));

TEST_P(NodeTest, OneNodeAlone) {
  Cluster cluster(GetParam(), 1, 1, 1);
  cluster.StartAll();
  ASSERT_TRUE(cluster.AwaitServing());
  Node* const node = cluster.node(0);
  EXPECT_EQ(ValueOf(Execute(node, Read(OperationKind::kGet, "k"))), "-");
  const OperationResult set = Execute(node, Set("k", "v"));
  ASSERT_TRUE(set.status.ok()) << set.status;
  EXPECT_EQ(set.answers, 1);
  EXPECT_EQ(ValueOf(Execute(node, Read(OperationKind::kGet, "k"))), "v");
  EXPECT_EQ(ValueOf(Execute(node, Read(OperationKind::kLocalRead, "k"))), "v");
  ASSERT_TRUE(Execute(node, Read(OperationKind::kDelete, "k")).status.ok());
  EXPECT_EQ(ValueOf(Execute(node, Read(OperationKind::kGet, "k"))), "-");

  const v1::StatusResponse status = node->Status();
  EXPECT_EQ(status.node(), "1");
  EXPECT_EQ(status.strategy(), GetParam());
  EXPECT_EQ(status.n(), 1u);
  EXPECT_EQ(status.durability(), "memory");
  EXPECT_EQ(node->NodeName(1), "1");
  EXPECT_EQ(node->NodeName(77), "77");
}

TEST_P(NodeTest, KnowsWhatItIsFromTheBeginning) {
  Cluster cluster(GetParam(), 3, 2, 2);
  cluster.StartAll();
  for (size_t i = 0; i < 3; ++i) {
    const v1::StatusResponse status = cluster.node(i)->Status();
    EXPECT_EQ(status.node(), absl::StrCat(i + 1));
    EXPECT_FALSE(status.state().empty());
  }
}

TEST_P(NodeTest, ThreeNodesReplicate) {
  Cluster cluster(GetParam(), 3, 2, 2);
  cluster.StartAll();
  ASSERT_TRUE(cluster.AwaitServing());
  // Through every node, a follower too.
  for (size_t i = 0; i < 3; ++i) {
    const std::string key = absl::StrCat("key", i);
    const OperationResult set = Execute(cluster.node(i), Set(key, absl::StrCat("value", i)));
    ASSERT_TRUE(set.status.ok()) << set.status;
    EXPECT_GE(set.answers, 2);
    for (size_t j = 0; j < 3; ++j) {
      EXPECT_EQ(ValueOf(Execute(cluster.node(j), Read(OperationKind::kGet, key))),
                absl::StrCat("value", i));
    }
  }
  const v1::StatusResponse status = cluster.node(2)->Status();
  ASSERT_EQ(status.peers_size(), 2);
  EXPECT_TRUE(Eventually([&] {
    const v1::StatusResponse now = cluster.node(2)->Status();
    return now.peers(0).connected() && now.peers(1).connected();
  }));
}

// A record may then hold several of the largest values, and must still travel.
TEST_P(NodeTest, LargestValuesWrittenAtTheSameTime) {
  Cluster cluster(GetParam(), 3, 3, 3);
  // A node that is busy with such values, under a sanitizer on a busy machine, is not gone.
  cluster.SetPeerTimeout(absl::Seconds(3));
  cluster.StartAll();
  ASSERT_TRUE(cluster.AwaitServing());
  const size_t size = cluster.config(0).cluster.max_value_bytes;
  std::vector<Waiter> waiters(3);
  for (size_t i = 0; i < 3; ++i) {
    Operation set = Set("k", std::string(size, static_cast<char>('a' + i)));
    set.timeout = kPatience;
    cluster.node(i)->Start(std::move(set), waiters[i].callback());
  }
  for (Waiter& waiter : waiters) {
    const OperationResult result = waiter.Await();
    EXPECT_TRUE(result.status.ok()) << result.status;
  }
  for (size_t i = 0; i < 3; ++i) {
    Operation get = Read(OperationKind::kGet, "k");
    get.timeout = kPatience;
    EXPECT_EQ(ValueOf(Execute(cluster.node(i), get)).size(), size);
  }
}

TEST_P(NodeTest, NodeThatForgotEverythingCatchesUp) {
  Cluster cluster(GetParam(), 3, 2, 2);
  cluster.StartAll();
  ASSERT_TRUE(cluster.AwaitServing());
  constexpr int kKeys = 50;
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_TRUE(Execute(cluster.node(0), Set(absl::StrCat("key", i), absl::StrCat(i))).status.ok());
  }
  for (const size_t restarted : {2, 0}) {
    cluster.Stop(restarted);
    cluster.Start(restarted);
    ASSERT_TRUE(cluster.AwaitServing());
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = absl::StrCat("key", i);
      EXPECT_EQ(ValueOf(Execute(cluster.node(restarted), Read(OperationKind::kGet, key))),
                absl::StrCat(i));
    }
  }
  ASSERT_TRUE(Execute(cluster.node(1), Set("after", "restart")).status.ok());
}

TEST_P(NodeTest, WriteWithoutItsQuorumSaysSo) {
  Cluster cluster(GetParam(), 3, 3, 1);
  cluster.StartAll();
  ASSERT_TRUE(cluster.AwaitServing());
  cluster.Stop(2);
  ASSERT_TRUE(Eventually([&] {
    const OperationResult result = Execute(cluster.node(0), Set("k", "v"));
    EXPECT_FALSE(result.status.ok());
    return result.status.code() == absl::StatusCode::kUnavailable && !result.may_have_applied;
  }));
}

// An operation's time begins when the node is given it, not when the strand comes to it.
TEST_P(NodeTest, OperationWhoseTimeIsOverDoesNothing) {
  Cluster cluster(GetParam(), 1, 1, 1);
  cluster.StartAll();
  ASSERT_TRUE(cluster.AwaitServing());
  Node* const node = cluster.node(0);
  Operation late = Set("k", "late");
  late.timeout = absl::Nanoseconds(1);
  const OperationResult result = Execute(node, late);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kDeadlineExceeded) << result.status;
  EXPECT_FALSE(result.may_have_applied);
  EXPECT_EQ(ValueOf(Execute(node, Read(OperationKind::kGet, "k"))), "-");
}

TEST_P(NodeTest, CancelledReadEnds) {
  Cluster cluster(GetParam(), 1, 1, 1);
  cluster.StartAll();
  ASSERT_TRUE(cluster.AwaitServing());
  Waiter waiter;
  const OperationId id = cluster.node(0)->Start(Read(OperationKind::kGet, "k"), waiter.callback());
  cluster.node(0)->Cancel(id);
  cluster.node(0)->Cancel(id + 1000);  // unknown: ignored
  const OperationResult result = waiter.Await();
  EXPECT_TRUE(result.status.ok() || result.status.code() == absl::StatusCode::kCancelled);
}

TEST_P(NodeTest, RefusesOperationsOnceItShutsDown) {
  Cluster cluster(GetParam(), 1, 1, 1);
  cluster.StartAll();
  ASSERT_TRUE(cluster.AwaitServing());
  Node* const node = cluster.node(0);
  node->BeginShutdown();
  EXPECT_EQ(node->Status().state(), "draining");
  const OperationResult result = Execute(node, Set("k", "v"));
  EXPECT_EQ(result.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(result.may_have_applied);
  Operation repeat = Set("k", "v");
  repeat.request = "request";
  repeat.repeat = true;
  EXPECT_TRUE(Execute(node, repeat).may_have_applied) << "an earlier try may still take effect";
  node->Shutdown(absl::Seconds(5));
  EXPECT_EQ(Execute(node, Set("k", "v")).status.code(), absl::StatusCode::kUnavailable);
}

// Operations that cannot end by themselves are cut off at the deadline, each with one result.
TEST_P(NodeTest, ShutdownEndsWhatIsInFlight) {
  Cluster cluster(GetParam(), 3, 3, 3);
  cluster.StartAll();
  ASSERT_TRUE(cluster.AwaitServing());
  cluster.Stop(1);
  Operation write = Set("k", "v");
  write.timeout = absl::Minutes(1);
  Waiter waiter;
  cluster.node(0)->Start(std::move(write), waiter.callback());
  cluster.node(0)->Shutdown(absl::Milliseconds(600));
  EXPECT_FALSE(waiter.Await().status.ok());
}

TEST_P(NodeTest, ServesStreamsUntilItsShutdownEndsThem) {
  Cluster cluster(GetParam(), 1, 1, 1);
  cluster.StartAll();
  ASSERT_TRUE(cluster.AwaitServing());
  const std::unique_ptr<v1::KeyValue::Stub> stub = v1::KeyValue::NewStub(cluster.Dial(0));
  grpc::ClientContext context;
  const auto stream = stub->Stream(&context);
  v1::StreamRequest request;
  request.add_operations()->mutable_set()->set_key("k");
  request.mutable_operations(0)->mutable_set()->set_text("v");
  v1::StreamResponse response;
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  ASSERT_EQ(response.results_size(), 1);
  EXPECT_EQ(response.results(0).write().acks(), 1u) << response.ShortDebugString();

  cluster.node(0)->BeginShutdown();
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  ASSERT_EQ(response.results_size(), 1);
  EXPECT_EQ(response.results(0).error().code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_FALSE(response.results(0).error().details().may_have_applied());
  cluster.node(0)->Shutdown(absl::Seconds(5));
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_P(NodeTest, PortInUseIsNamed) {
  Cluster cluster(GetParam(), 1, 1, 1);
  cluster.StartAll();
  const absl::StatusOr<std::unique_ptr<Node>> second = Node::Start(cluster.config(0));
  ASSERT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(cluster.config(0).listen_address));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("9080"));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use"));
}

TEST_P(NodeTest, ServesGrpc) {
  Cluster cluster(GetParam(), 1, 1, 1);
  cluster.StartAll();
  ASSERT_TRUE(cluster.AwaitServing());
  const std::unique_ptr<v1::KeyValue::Stub> stub = v1::KeyValue::NewStub(cluster.Dial(0));
  {
    grpc::ClientContext context;
    v1::SetRequest request;
    request.set_key("k");
    request.set_data("\xff");
    v1::WriteResponse response;
    const grpc::Status status = stub->Set(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.acks(), 1u);
    EXPECT_EQ(response.node(), "1");
  }
  {
    grpc::ClientContext context;
    v1::GetRequest request;
    request.set_key("k");
    v1::GetResponse response;
    ASSERT_TRUE(stub->Get(&context, request, &response).ok());
    EXPECT_EQ(response.data(), "\xff");
  }
  {
    grpc::ClientContext context;
    v1::StatusResponse response;
    ASSERT_TRUE(stub->Status(&context, v1::StatusRequest(), &response).ok());
    EXPECT_EQ(response.node(), "1");
    EXPECT_EQ(response.state(), kServing);
  }
}

TEST_P(NodeTest, TellsProbesWhetherItServes) {
  Cluster cluster(GetParam(), 1, 1, 1);
  cluster.StartAll();
  ASSERT_TRUE(cluster.AwaitServing());
  const auto stub = grpc::health::v1::Health::NewStub(cluster.Dial(0));
  HealthCheckRequest request;
  request.set_service("quorate.v1.KeyValue");
  grpc::ClientContext watch_context;
  const auto watch = stub->Watch(&watch_context, request);
  HealthCheckResponse response;
  do {  // the first may still be from before it served
    ASSERT_TRUE(watch->Read(&response));
  } while (response.status() != HealthCheckResponse::SERVING);
  const auto check = [&](const std::string& service) {
    grpc::ClientContext context;
    request.set_service(service);
    return stub->Check(&context, request, &response);
  };
  ASSERT_TRUE(check("").ok());
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  EXPECT_EQ(check("no.Such").error_code(), grpc::StatusCode::NOT_FOUND);

  cluster.node(0)->BeginShutdown();
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  ASSERT_TRUE(check("").ok());
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  cluster.node(0)->Shutdown(absl::Seconds(1));
  EXPECT_FALSE(watch->Read(&response));
}

TEST_P(NodeTest, TellsToolsWhatItServes) {
  Cluster cluster(GetParam(), 1, 1, 1);
  cluster.StartAll();
  const auto stub = grpc::reflection::v1alpha::ServerReflection::NewStub(cluster.Dial(0));
  grpc::ClientContext context;
  const auto stream = stub->ServerReflectionInfo(&context);
  grpc::reflection::v1alpha::ServerReflectionRequest request;
  request.set_list_services("*");
  grpc::reflection::v1alpha::ServerReflectionResponse response;
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_THAT(names,
              ElementsAre("quorate.v1.KeyValue", "quorate.peer.v1.Peer", "grpc.health.v1.Health",
                          "grpc.reflection.v1alpha.ServerReflection"));
  request.set_file_containing_symbol(names[0]);
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_GE(response.file_descriptor_response().file_descriptor_proto_size(), 1);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

}  // namespace
}  // namespace quorate
