#include "node/node_config.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

using ::testing::HasSubstr;

// Settings as flags give them: {"w", "3"} stands for --w=3.
Settings Flags(const std::vector<std::pair<std::string, std::string>>& flags) {
  Settings settings;
  for (const auto& [name, value] : flags) settings[name] = Setting{value, "--" + name};
  return settings;
}

NodeConfig Accept(const std::vector<std::pair<std::string, std::string>>& flags) {
  const absl::StatusOr<NodeConfig> config = MakeNodeConfig(Flags(flags));
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *config : NodeConfig();
}

constexpr char kFourFollowers[] =
    "http://localhost:8081,http://localhost:8082, http://localhost:8083,http://localhost:8084/";

TEST(NodeConfigTest, DocumentedLeader) {
  const NodeConfig config = Accept({{"node_type", "leader"},
                                    {"port", "8080"},
                                    {"w", "5"},
                                    {"r", "1"},
                                    {"follower_urls", kFourFollowers}});
  EXPECT_EQ(config.cluster.strategy, "leader_follower");
  EXPECT_TRUE(config.cluster.leader);
  EXPECT_EQ(config.cluster.quorums.n, 5);
  EXPECT_EQ(config.cluster.quorums.w, 5);
  EXPECT_EQ(config.cluster.quorums.r, 1);
  EXPECT_EQ(config.node_name, "8080");
  EXPECT_EQ(config.cluster.self, 8080u);
  EXPECT_EQ(config.grpc_port, 9080);
  ASSERT_EQ(config.peers.size(), 4u);
  EXPECT_EQ(config.peers[3].HttpAddress(), "http://localhost:8084");
  EXPECT_EQ(config.peers[3].GrpcAddress(), "localhost:9084");
  EXPECT_EQ(config.peers[3].name, "");
}

TEST(NodeConfigTest, DocumentedFollowerKnowsOnlyItsTypeAndPort) {
  const NodeConfig config = Accept({{"node_type", "follower"}, {"port", "8081"}});
  EXPECT_EQ(config.cluster.strategy, "leader_follower");
  EXPECT_FALSE(config.cluster.leader);
  EXPECT_EQ(config.cluster.quorums.n, 0);
  EXPECT_EQ(config.cluster.quorums.w, 0);
  EXPECT_EQ(config.cluster.quorums.r, 0);
  EXPECT_EQ(config.http_port, 8081);
  EXPECT_EQ(config.http.port, 8081);
  EXPECT_EQ(config.http.address, "127.0.0.1");
}

TEST(NodeConfigTest, DocumentedLeaderlessNode) {
  const NodeConfig config = Accept({{"node_id", "node-1"},
                                    {"port", "8080"},
                                    {"peer_urls", "http://10.0.0.2:8080,http://[::1]:8081"}});
  EXPECT_EQ(config.cluster.strategy, "leaderless");
  EXPECT_EQ(config.node_name, "node-1");
  EXPECT_NE(config.cluster.self, 0u);
  EXPECT_EQ(config.cluster.quorums.n, 3);
  EXPECT_EQ(config.cluster.quorums.w, 2);
  EXPECT_EQ(config.cluster.quorums.r, 2);
  EXPECT_EQ(config.peers[1].GrpcAddress(), "[::1]:9081");
}

TEST(NodeConfigTest, DefaultQuorumsAreMajorities) {
  const NodeConfig config = Accept({{"node_type", "leader"}, {"follower_urls", kFourFollowers}});
  EXPECT_EQ(config.cluster.quorums.w, 3);
  EXPECT_EQ(config.cluster.quorums.r, 3);
  EXPECT_EQ(Accept({{"strategy", "leaderless"}}).cluster.quorums.w, 1);
}

TEST(NodeConfigTest, PeersWithNamesAndPorts) {
  const NodeConfig config =
      Accept({{"strategy", "leaderless"}, {"peers", "b=127.0.0.2:80:90,c=host-c:81:91"}});
  ASSERT_EQ(config.peers.size(), 2u);
  EXPECT_EQ(config.peers[0].name, "b");
  EXPECT_EQ(config.peers[0].http_port, 80);
  EXPECT_EQ(config.peers[0].grpc_port, 90);
  EXPECT_EQ(config.peers[1].host, "host-c");
}

TEST(NodeConfigTest, LimitsAndTimes) {
  const NodeConfig config = Accept({{"strategy", "leaderless"},
                                    {"max_key_bytes", "10"},
                                    {"max_value_bytes", "100"},
                                    {"shutdown_timeout", "1500ms"},
                                    {"forward_writes", "false"},
                                    {"read_all", "true"},
                                    {"max_clock_skew", "2s"},
                                    {"catch_up_bytes_per_second", "1000"},
                                    {"background_bytes_per_second", "0"},
                                    {"durability", "memory"},
                                    {"http_max_connections", "7"}});
  EXPECT_EQ(config.cluster.max_key_bytes, 10u);
  EXPECT_EQ(config.cluster.max_value_bytes, 100u);
  EXPECT_EQ(config.http.max_body_bytes, BodyLimitFor(100));
  EXPECT_EQ(config.http.max_connections, 7u);
  EXPECT_EQ(config.shutdown_timeout, absl::Milliseconds(1500));
  EXPECT_FALSE(config.cluster.forward_writes);
  EXPECT_TRUE(config.cluster.read_all);
  EXPECT_EQ(config.cluster.max_clock_skew, absl::Seconds(2));
  EXPECT_EQ(config.cluster.catch_up_bytes_per_second, 1000u);
  EXPECT_EQ(config.cluster.background_bytes_per_second, 0u);
}

// The values of all nodes that write a key at one time go in one message.
TEST(NodeConfigTest, TheLongestValueDependsOnHowManyMayStandSideBySide) {
  const auto with = [](int n, std::vector<std::pair<std::string, std::string>> flags) {
    std::string peers;
    for (int i = 2; i <= n; ++i)
      peers += (i > 2 ? ",http://h" : "http://h") + std::to_string(i) + ":1";
    flags.emplace_back("strategy", "leaderless");
    flags.emplace_back("peer_urls", peers);
    return MakeNodeConfig(Flags(flags));
  };
  EXPECT_EQ(with(5, {})->cluster.max_value_bytes, size_t{4} << 20);
  EXPECT_TRUE(with(3, {{"max_value_bytes", "7340032"}}).ok());
  const absl::StatusOr<NodeConfig> too_long = with(5, {{"max_value_bytes", "7340032"}});
  EXPECT_EQ(too_long.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(too_long.status().message()), HasSubstr("--max_value_bytes"));
  EXPECT_LT(with(16, {})->cluster.max_value_bytes, size_t{2} << 20);
}

TEST(NodeConfigTest, DataAreKeptWhereAFolderIsNamed) {
  EXPECT_EQ(Accept({{"node_type", "follower"}}).cluster.durability, Durability::kMemory);
  const NodeConfig synced = Accept({{"node_type", "follower"}, {"data_dir", "here"}});
  EXPECT_EQ(synced.cluster.durability, Durability::kSynced);
  EXPECT_EQ(synced.data_dir, "here");
  const NodeConfig os =
      Accept({{"node_type", "follower"}, {"data_dir", "here"}, {"durability", "os"}});
  EXPECT_EQ(os.cluster.durability, Durability::kOs);
}

struct Refusal {
  std::vector<std::pair<std::string, std::string>> flags;
  std::string what;  // the message says so
};

class NodeConfigRefusalTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(NodeConfigRefusalTest, NamesTheSetting) {
  const absl::StatusOr<NodeConfig> config = MakeNodeConfig(Flags(GetParam().flags));
  ASSERT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(config.status().message()), HasSubstr(GetParam().what));
}

INSTANTIATE_TEST_SUITE_P(
    Role, NodeConfigRefusalTest,
    ::testing::Values(
        Refusal{{}, "nothing says what this node is"},
        Refusal{{{"strategy", "raft"}}, "--strategy is 'raft' but must be one of leader_follower"},
        Refusal{{{"strategy", "leader_follower"}}, "needs NODE_TYPE"},
        Refusal{{{"strategy", "leaderless"}, {"node_type", "leader"}}, "--node_type is 'leader'"},
        Refusal{{{"node_type", "boss"}}, "--node_type is 'boss'"},
        Refusal{{{"node_type", "follower"}, {"w", "2"}}, "--w is for the leader"},
        Refusal{{{"node_type", "follower"}, {"r", "2"}}, "--r is for the leader"},
        Refusal{{{"node_type", "follower"}, {"follower_urls", "http://a:1"}}, "--follower_urls"},
        Refusal{{{"node_type", "follower"}, {"peers", "a=b:1:2"}}, "--peers is for the leader"},
        Refusal{{{"node_type", "leader"}, {"peer_urls", "http://a:1"}}, "--peer_urls is for"},
        Refusal{{{"strategy", "leaderless"}, {"follower_urls", "http://a:1"}}, "--follower_urls"},
        Refusal{{{"strategy", "leaderless"}, {"durability", "synced"}}, "with --data_dir"},
        Refusal{{{"strategy", "leaderless"}, {"durability", "os"}}, "with --data_dir"},
        Refusal{{{"strategy", "leaderless"}, {"durability", "yes"}}, "memory, os or synced"},
        Refusal{{{"strategy", "leaderless"}, {"durability", "memory"}, {"data_dir", "d"}},
                "keeps nothing in --data_dir"}));

INSTANTIATE_TEST_SUITE_P(
    Addresses, NodeConfigRefusalTest,
    ::testing::Values(
        Refusal{{{"node_type", "follower"}, {"port", "http"}}, "--port is 'http'"},
        Refusal{{{"node_type", "follower"}, {"port", "0"}}, "--port is '0'"},
        Refusal{{{"node_type", "follower"}, {"port", "80x"}}, "--port is '80x'"},
        Refusal{{{"node_type", "follower"}, {"port", "65536"}}, "--port is '65536'"},
        Refusal{{{"node_type", "follower"}, {"port", "65000"}},
                "--port is 65000, so the gRPC port"},
        Refusal{{{"node_type", "follower"}, {"grpc_port", "8080"}}, "--grpc_port is 8080"},
        Refusal{{{"node_type", "follower"}, {"grpc_port", "-1"}}, "--grpc_port is '-1'"},
        Refusal{{{"node_type", "follower"}, {"listen_address", "here"}}, "--listen_address"},
        Refusal{{{"node_type", "follower"}, {"advertise_host", "a b"}}, "--advertise_host"},
        Refusal{{{"node_type", "leader"},
                 {"listen_address", "0.0.0.0"},
                 {"follower_urls", "http://a:1"}},
                "--advertise_host"},
        Refusal{{{"node_type", "follower"}, {"node_id", "a b"}}, "--node_id is 'a b'"},
        Refusal{{{"node_type", "follower"}, {"node_id", "0"}}, "--node_id"},
        Refusal{{{"node_type", "follower"}, {"cluster", ""}}, "--cluster is ''"}));

INSTANTIATE_TEST_SUITE_P(
    Peers, NodeConfigRefusalTest,
    ::testing::Values(
        Refusal{{{"peer_urls", "http://a"}}, "--peer_urls has 'http://a'"},
        Refusal{{{"peer_urls", "https://a:1"}}, "--peer_urls has 'https://a:1'"},
        Refusal{{{"peer_urls", "http://a:1/kv"}}, "--peer_urls has"},
        Refusal{{{"peer_urls", "http://a:1,,http://b:1"}}, "--peer_urls has ''"},
        Refusal{{{"peer_urls", "http://a:65000"}}, "gRPC port would be 66000"},
        Refusal{{{"peer_urls", "http://a:1,http://a:1"}}, "--peer_urls names http://a:1 twice"},
        Refusal{{{"peer_urls", "http://localhost:8080"}}, "which is this node itself"},
        Refusal{{{"listen_address", "127.0.0.9"}, {"peer_urls", "http://127.0.0.9:8080"}},
                "which is this node itself"},
        Refusal{{{"strategy", "leaderless"}, {"peers", "a=b:1"}}, "--peers has 'a=b:1'"},
        Refusal{{{"strategy", "leaderless"}, {"peers", "b:1:2"}}, "--peers has 'b:1:2'"},
        Refusal{{{"node_id", "a"}, {"strategy", "leaderless"}, {"peers", "a=b:1:2"}},
                "--peers gives node id 'a'"},
        Refusal{{{"strategy", "leaderless"}, {"peers", "a=b:1:2,a=c:1:2"}}, "gives node id 'a'"},
        Refusal{{{"peers", "a=b:1:2"}, {"peer_urls", "http://b:1"}}, "say the same thing"}));

INSTANTIATE_TEST_SUITE_P(
    NumbersAndTimes, NodeConfigRefusalTest,
    ::testing::Values(
        Refusal{{{"peer_urls", "http://a:1"}, {"w", "0"}}, "--w is '0'"},
        Refusal{{{"peer_urls", "http://a:1"}, {"w", "3"}}, "--w is '3'"},
        Refusal{{{"peer_urls", "http://a:1"}, {"r", "all"}}, "--r is 'all'"},
        Refusal{{{"peer_urls", "http://a:1"}, {"r", "3"}}, "from 1 to N=2"},
        Refusal{{{"strategy", "leaderless"}, {"max_key_bytes", "0"}}, "--max_key_bytes"},
        Refusal{{{"strategy", "leaderless"}, {"max_value_bytes", "1e9"}}, "--max_value_bytes"},
        Refusal{{{"strategy", "leaderless"}, {"shutdown_timeout", "5"}}, "--shutdown_timeout"},
        Refusal{{{"strategy", "leaderless"}, {"max_clock_skew", "0s"}}, "--max_clock_skew"},
        Refusal{{{"strategy", "leaderless"}, {"shutdown_timeout", "-5s"}}, "--shutdown_timeout"},
        Refusal{{{"strategy", "leaderless"}, {"forward_writes", "perhaps"}}, "--forward_writes"}));

// The message speaks of what the user wrote, flag or variable.
TEST(NodeConfigTest, MessagesNameTheVariableWhereItWasUsed) {
  Settings settings = Flags({{"peer_urls", "http://a:1"}});
  settings["w"] = Setting{"9", "W"};
  const absl::StatusOr<NodeConfig> config = MakeNodeConfig(settings);
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("W is '9'"));
}

TEST(NodeConfigTest, EmulatedDelaysWidenTimeouts) {
  const NodeConfig usual = Accept({{"node_type", "follower"}});
  EXPECT_FALSE(usual.emulated.any());
  const NodeConfig slow = Accept({{"node_type", "follower"}, {"emulate", "wan3,apply=20ms"}});
  EXPECT_EQ(slow.emulated.spec(), "wan3,apply=20ms");
  EXPECT_EQ(slow.cluster.peer_timeout, usual.cluster.peer_timeout + absl::Milliseconds(170));
  EXPECT_EQ(slow.cluster.resend_interval, usual.cluster.resend_interval + absl::Milliseconds(170));

  const absl::StatusOr<NodeConfig> refused =
      MakeNodeConfig(Flags({{"node_type", "follower"}, {"emulate", "wan4"}}));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("--emulate is 'wan4'"));
}

}  // namespace
}  // namespace quorate
