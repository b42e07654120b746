#include "node/node_status.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "replication/registry.h"

namespace quorate {
namespace {

const char* StateName(ReplicaState state) {
  switch (state) {
    case ReplicaState::kWaiting:
      return "waiting";
    case ReplicaState::kRecovering:
      return "recovering";
    case ReplicaState::kSyncing:
      return "syncing";
    case ReplicaState::kFailed:
      return "failed";
    case ReplicaState::kServing:
      break;
  }
  return kServing;
}

PeerAddress AddressOf(const peer::v1::MemberAddress& member) {
  return PeerAddress{member.name(), member.host(), static_cast<int>(member.http_port()),
                     static_cast<int>(member.grpc_port())};
}

std::string NameOf(NodeId id, const std::vector<peer::v1::MemberAddress>& members) {
  for (const peer::v1::MemberAddress& member : members) {
    if (member.id() == id && !member.name().empty()) return member.name();
  }
  return id == 0 ? "" : absl::StrCat(id);
}

void FillPeers(const NodeConfig& config, const Replica& replica,
               const std::vector<peer::v1::MemberAddress>& members, const PeerRefusals& refusals,
               v1::StatusResponse* response) {
  const std::vector<NodeId> connected = replica.ConnectedPeers();
  std::vector<std::string> listed;
  for (const peer::v1::MemberAddress& member : members) {
    if (member.id() == config.cluster.self) continue;
    v1::PeerStatus* peer = response->add_peers();
    peer->set_node(NameOf(member.id(), members));
    peer->set_http_address(AddressOf(member).HttpAddress());
    peer->set_grpc_address(AddressOf(member).GrpcAddress());
    peer->set_connected(std::binary_search(connected.begin(), connected.end(), member.id()));
    peer->set_refusal(replica.Refusal(member.id()));
    listed.push_back(peer->http_address());
  }
  // Configured, but never reached: nobody knows their names yet.
  for (const PeerAddress& address : config.peers) {
    if (std::find(listed.begin(), listed.end(), address.HttpAddress()) != listed.end()) continue;
    v1::PeerStatus* peer = response->add_peers();
    peer->set_node(address.name);
    peer->set_http_address(address.HttpAddress());
    peer->set_grpc_address(address.GrpcAddress());
  }
  for (v1::PeerStatus& peer : *response->mutable_peers()) {
    const auto refusal = refusals.find(peer.http_address());
    if (refusal != refusals.end()) peer.set_refusal(refusal->second);
  }
}

}  // namespace

v1::StatusResponse DescribeNode(const NodeConfig& config, const Replica& replica,
                                const std::vector<peer::v1::MemberAddress>& members,
                                const PeerRefusals& refusals, const PeerCounters& counters) {
  const StrategyStatus status = replica.Status();
  const Quorums& quorums = replica.quorums();
  v1::StatusResponse response;
  response.set_node(config.node_name);
  response.set_cluster(config.cluster.cluster);
  response.set_strategy(config.cluster.strategy);
  response.set_role(status.role);
  response.set_state(StateName(status.state));
  response.set_detail(status.detail);
  response.set_n(static_cast<uint32_t>(quorums.n));
  response.set_w(static_cast<uint32_t>(quorums.w));
  response.set_r(static_cast<uint32_t>(quorums.r));
  if (quorums.n > 0) response.set_guarantee(replica.Promise().summary);
  response.set_durability(DurabilityName(config.cluster.durability));
  response.set_emulated_delays(config.emulated.spec());
  FillPeers(config, replica, members, refusals, &response);
  response.set_epoch(status.epoch);
  response.set_applied_number(status.applied_number);
  response.set_incarnation(replica.incarnation());
  response.set_leader(NameOf(status.leader, members));
  const PeerAddress reached{config.node_name, config.advertise_host, config.http_port,
                            config.grpc_port};
  response.set_http_address(reached.HttpAddress());
  response.set_grpc_address(reached.GrpcAddress());
  auto& all = *response.mutable_counters();
  for (const auto& [name, value] : status.counters) all[name] = value;
  all["peer_batches_sent"] = counters.batches_sent.load();
  all["peer_batches_received"] = counters.batches_received.load();
  all["peer_bytes_sent"] = counters.bytes_sent.load();
  all["peer_bytes_received"] = counters.bytes_received.load();
  all["peer_batches_dropped"] = counters.batches_dropped.load();
  all["peer_batches_rejected"] = counters.batches_rejected.load();
  return response;
}

std::string DescribeConfig(const NodeConfig& config) {
  std::string role = "replica";
  if (StrategyHasLeader(config.cluster.strategy)) {
    role = config.cluster.leader ? "leader" : "follower";
  }
  std::string quorums = "N, W and R as its leader says";
  if (config.cluster.quorums.n > 0) {
    quorums = absl::StrCat("N=", config.cluster.quorums.n, " W=", config.cluster.quorums.w,
                           " R=", config.cluster.quorums.r);
  }
  const PeerAddress self{config.node_name, config.listen_address, config.http_port,
                         config.grpc_port};
  const std::string peers = absl::StrJoin(
      config.peers, ",",
      [](std::string* out, const PeerAddress& peer) { absl::StrAppend(out, peer.HttpAddress()); });
  const std::string place = config.emulated.PlaceOf(config.cluster.self);
  return absl::StrCat("node '", config.node_name, "' of cluster '", config.cluster.cluster,
                      "': ", config.cluster.strategy, ", ", role, ", ", quorums, ", HTTP on ",
                      self.HttpAddress(), ", gRPC on ", self.GrpcAddress(), ", durability ",
                      DurabilityName(config.cluster.durability), peers.empty() ? "" : ", peers ",
                      peers, config.emulated.any() ? ", emulated delays " : "",
                      config.emulated.spec(), place.empty() ? "" : " in ", place);
}

}  // namespace quorate
