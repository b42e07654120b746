#include "node/node_config.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "node/value_limit.h"
#include "replication/registry.h"
#include "replication/storage/stored_state.h"

namespace quorate {
namespace {

constexpr int kGrpcPortOffset = 1000;
constexpr int kMaxPort = 65535;
constexpr size_t kMaxNameBytes = 64;
constexpr int kMaxPeers = 63;
constexpr int64_t kFastestCatchUp = int64_t{1} << 40;  // bytes a second
constexpr int64_t kLargestKeyBytes = int64_t{64} << 10;

template <typename... Parts>
absl::Status Refuse(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

std::string HostAndPort(absl::string_view host, int port) {
  return absl::StrContains(host, ':') ? absl::StrCat("[", host, "]:", port)
                                      : absl::StrCat(host, ":", port);
}

// Names stand in headers, logs and lists.
bool IsPlainName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

std::optional<int> ParsePort(absl::string_view text) {
  int port = 0;
  if (!absl::SimpleAtoi(text, &port) || port < 1 || port > kMaxPort) return std::nullopt;
  return port;
}

// Splits "host:port" or "[v6]:port". False where either part is missing or wrong.
bool SplitHostPort(absl::string_view text, std::string* host, int* port) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return false;
  absl::string_view name = text.substr(0, colon);
  const bool brackets = name.front() == '[' && name.back() == ']';
  if (brackets) name = name.substr(1, name.size() - 2);
  if (name.empty() || brackets != absl::StrContains(name, ':')) return false;
  for (const char c : name) {
    const bool fits = absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
    if (!fits && !(brackets && c == ':')) return false;
  }
  const std::optional<int> number = ParsePort(text.substr(colon + 1));
  if (!number.has_value()) return false;
  *host = std::string(name);
  *port = *number;
  return true;
}

// Reads the settings one by one; the first one that is wrong decides the status.
class Reader {
 public:
  explicit Reader(const Settings& settings) : settings_(settings) {}

  const Setting* Find(absl::string_view name) const {
    const auto it = settings_.find(name);
    return it == settings_.end() ? nullptr : &it->second;
  }

  std::string Text(absl::string_view name, const std::string& absent) const {
    const Setting* setting = Find(name);
    return setting == nullptr ? absent : setting->value;
  }

  int64_t Number(absl::string_view name, int64_t absent, int64_t least, int64_t most) {
    const Setting* setting = Find(name);
    if (setting == nullptr) return absent;
    int64_t number = 0;
    if (!absl::SimpleAtoi(setting->value, &number) || number < least || number > most) {
      Fail(Refuse(setting->source, " is '", setting->value, "' but must be a number from ", least,
                  " to ", most));
      return absent;
    }
    return number;
  }

  absl::Duration Duration(absl::string_view name, absl::Duration absent) {
    const Setting* setting = Find(name);
    if (setting == nullptr) return absent;
    absl::Duration duration;
    if (!absl::ParseDuration(setting->value, &duration) || duration <= absl::ZeroDuration() ||
        duration > absl::Hours(24)) {
      Fail(Refuse(setting->source, " is '", setting->value,
                  "' but must be a duration such as 5s or 500ms, above 0 and at most 24h"));
      return absent;
    }
    return duration;
  }

  bool Boolean(absl::string_view name, bool absent) {
    const Setting* setting = Find(name);
    bool value = absent;
    if (setting != nullptr && !absl::SimpleAtob(setting->value, &value)) {
      Fail(Refuse(setting->source, " is '", setting->value, "' but must be true or false"));
    }
    return value;
  }

  void Fail(absl::Status status) { status_.Update(std::move(status)); }
  const absl::Status& status() const { return status_; }

 private:
  const Settings& settings_;
  absl::Status status_;
};

void ReadStrategy(Reader* reader, NodeConfig* config) {
  const std::vector<std::string> names = StrategyNames();
  if (const Setting* strategy = reader->Find("strategy"); strategy != nullptr) {
    config->cluster.strategy = strategy->value;
    for (const std::string& name : names) {
      if (name == strategy->value) return;
    }
    return reader->Fail(Refuse(strategy->source, " is '", strategy->value, "' but must be one of ",
                               absl::StrJoin(names, ", ")));
  }
  const bool leaderless = reader->Find("peer_urls") != nullptr || reader->Find("peers") != nullptr;
  if (reader->Find("node_type") != nullptr) {
    config->cluster.strategy = "leader_follower";
  } else if (leaderless) {
    config->cluster.strategy = "leaderless";
  } else {
    reader->Fail(
        Refuse("nothing says what this node is: set NODE_TYPE to leader or follower, or PEER_URLS, "
               "or --strategy (",
               absl::StrJoin(names, ", "), ")"));
  }
}

void ReadRole(Reader* reader, NodeConfig* config) {
  const Setting* type = reader->Find("node_type");
  if (!StrategyHasLeader(config->cluster.strategy)) {
    if (type != nullptr) {
      reader->Fail(Refuse(type->source, " is '", type->value, "' but strategy ",
                          config->cluster.strategy, " knows neither leader nor follower"));
    }
    return;
  }
  if (type == nullptr) {
    return reader->Fail(Refuse("strategy ", config->cluster.strategy,
                               " needs NODE_TYPE or --node_type: leader or follower"));
  }
  config->cluster.leader = type->value == "leader";
  if (!config->cluster.leader && type->value != "follower") {
    reader->Fail(Refuse(type->source, " is '", type->value, "' but must be leader or follower"));
  }
}

void RefuseAll(Reader* reader, std::initializer_list<absl::string_view> names,
               absl::string_view reason) {
  for (const absl::string_view name : names) {
    if (const Setting* setting = reader->Find(name); setting != nullptr) {
      reader->Fail(Refuse(setting->source, " ", reason));
    }
  }
}

void RefuseMisplaced(Reader* reader, const NodeConfig& config) {
  if (!StrategyHasLeader(config.cluster.strategy)) {
    RefuseAll(reader, {"follower_urls"},
              "is for a leader; the nodes of this strategy are named by PEER_URLS or --peers");
  } else if (config.cluster.leader) {
    RefuseAll(reader, {"peer_urls"},
              "is for the strategy leaderless; a leader names its followers by FOLLOWER_URLS or "
              "--peers");
  } else {
    RefuseAll(reader, {"w", "r", "follower_urls", "peer_urls", "peers"},
              "is for the leader: a follower learns it when its leader calls");
  }
}

void ReadListenAddress(Reader* reader, NodeConfig* config) {
  config->listen_address = reader->Text("listen_address", config->listen_address);
  in6_addr address;
  if (inet_pton(AF_INET, config->listen_address.c_str(), &address) != 1 &&
      inet_pton(AF_INET6, config->listen_address.c_str(), &address) != 1) {
    return reader->Fail(Refuse(reader->Find("listen_address")->source, " is '",
                               config->listen_address, "' but must be an IPv4 or IPv6 address"));
  }
  config->advertise_host = reader->Text("advertise_host", config->listen_address);
  std::string host;
  int port = 0;
  if (!SplitHostPort(HostAndPort(config->advertise_host, 1), &host, &port)) {
    reader->Fail(Refuse(reader->Find("advertise_host")->source, " is '", config->advertise_host,
                        "' but must be a host name or an address"));
  }
}

void ReadPorts(Reader* reader, NodeConfig* config) {
  config->http_port = static_cast<int>(reader->Number("port", config->http_port, 1, kMaxPort));
  const int next = config->http_port + kGrpcPortOffset;
  if (reader->Find("grpc_port") == nullptr && next > kMaxPort) {
    return reader->Fail(Refuse(reader->Find("port")->source, " is ", config->http_port,
                               ", so the gRPC port would be ", next, ", beyond ", kMaxPort,
                               ": choose another, or set --grpc_port too"));
  }
  config->grpc_port = static_cast<int>(reader->Number("grpc_port", next, 1, kMaxPort));
  if (config->grpc_port == config->http_port) {
    reader->Fail(Refuse(reader->Find("grpc_port")->source, " is ", config->grpc_port,
                        ", which is the HTTP port too: give each a port of its own"));
  }
}

void ReadNames(Reader* reader, NodeConfig* config) {
  config->cluster.cluster = reader->Text("cluster", config->cluster.cluster);
  if (!IsPlainName(config->cluster.cluster)) {
    reader->Fail(Refuse(reader->Find("cluster")->source, " is '", config->cluster.cluster,
                        "' but must be 1 to ", kMaxNameBytes, " letters, digits, '.', '_' or '-'"));
  }
  config->node_name = reader->Text("node_id", absl::StrCat(config->http_port));
  const Setting* given = reader->Find("node_id");
  const std::string source = given == nullptr ? "the node id" : given->source;
  if (!IsPlainName(config->node_name)) {
    return reader->Fail(Refuse(source, " is '", config->node_name, "' but must be 1 to ",
                               kMaxNameBytes, " letters, digits, '.', '_' or '-'"));
  }
  const absl::StatusOr<NodeId> id = ParseNodeName(config->node_name);
  if (!id.ok()) return reader->Fail(Refuse(source, ": ", id.status().message()));
  config->cluster.self = *id;
}

// "http://host:port", for PEER_URLS and FOLLOWER_URLS.
absl::StatusOr<PeerAddress> ParseUrl(const std::string& source, absl::string_view url) {
  const absl::Status wrong = Refuse(source, " has '", url, "', which is not like http://host:port");
  absl::string_view rest = url;
  if (!absl::ConsumePrefix(&rest, "http://")) return wrong;
  absl::ConsumeSuffix(&rest, "/");
  PeerAddress peer;
  if (!SplitHostPort(rest, &peer.host, &peer.http_port)) return wrong;
  peer.grpc_port = peer.http_port + kGrpcPortOffset;
  if (peer.grpc_port > kMaxPort) {
    return Refuse(source, " has '", url, "', whose gRPC port would be ", peer.grpc_port,
                  ", beyond ", kMaxPort, ": use --peers, which names it");
  }
  return peer;
}

// "id=host:http:grpc", for --peers.
absl::StatusOr<PeerAddress> ParsePeer(const std::string& source, absl::string_view text) {
  const absl::Status wrong =
      Refuse(source, " has '", text, "', which is not like id=host:http_port:grpc_port");
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('=', 1));
  const size_t colon = parts.second.rfind(':');
  if (!IsPlainName(parts.first) || colon == absl::string_view::npos) return wrong;
  PeerAddress peer;
  peer.name = std::string(parts.first);
  const std::optional<int> grpc_port = ParsePort(parts.second.substr(colon + 1));
  if (!grpc_port.has_value()) return wrong;
  peer.grpc_port = *grpc_port;
  if (!SplitHostPort(parts.second.substr(0, colon), &peer.host, &peer.http_port)) return wrong;
  const absl::StatusOr<NodeId> id = ParseNodeName(peer.name);
  if (!id.ok()) return Refuse(source, ": ", id.status().message());
  return peer;
}

bool IsLoopbackName(absl::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "::1";
}

bool IsWildcard(absl::string_view host) { return host == "0.0.0.0" || host == "::"; }

// As far as names tell: a peer by another name for this machine is noticed when it is called.
bool IsThisNode(const NodeConfig& config, const PeerAddress& peer) {
  if (peer.http_port != config.http_port && peer.grpc_port != config.grpc_port) return false;
  if (peer.host == config.listen_address || peer.host == config.advertise_host) return true;
  return IsLoopbackName(peer.host) &&
         (IsLoopbackName(config.listen_address) || IsWildcard(config.listen_address));
}

absl::Status CheckPeers(const NodeConfig& config, const std::string& source) {
  std::set<std::string> seen;
  std::set<NodeId> ids = {config.cluster.self};
  for (const PeerAddress& peer : config.peers) {
    if (IsThisNode(config, peer)) {
      return Refuse(source, " names ", peer.HttpAddress(),
                    ", which is this node itself: name the others only");
    }
    if (!seen.insert(HostAndPort(peer.host, peer.http_port)).second ||
        !seen.insert(HostAndPort(peer.host, peer.grpc_port)).second) {
      return Refuse(source, " names ", peer.HttpAddress(), " twice");
    }
    if (!peer.name.empty() && !ids.insert(*ParseNodeName(peer.name)).second) {
      return Refuse(source, " gives node id '", peer.name,
                    "' to a second node: each must have its own");
    }
  }
  return absl::OkStatus();
}

void ReadPeers(Reader* reader, NodeConfig* config) {
  const Setting* urls =
      reader->Find(StrategyHasLeader(config->cluster.strategy) ? "follower_urls" : "peer_urls");
  const Setting* peers = reader->Find("peers");
  if (urls != nullptr && peers != nullptr) {
    return reader->Fail(
        Refuse(urls->source, " and ", peers->source, " say the same thing: give one of them"));
  }
  const Setting* list = urls != nullptr ? urls : peers;
  if (list == nullptr) return;
  for (absl::string_view part : absl::StrSplit(list->value, ',')) {
    part = absl::StripAsciiWhitespace(part);
    absl::StatusOr<PeerAddress> peer =
        urls != nullptr ? ParseUrl(list->source, part) : ParsePeer(list->source, part);
    if (!peer.ok()) return reader->Fail(peer.status());
    config->peers.push_back(*std::move(peer));
  }
  if (config->peers.size() > kMaxPeers) {
    reader->Fail(Refuse(list->source, " names ", config->peers.size(), " nodes; more than ",
                        kMaxPeers, " are not supported"));
  }
  reader->Fail(CheckPeers(*config, list->source));
  if (config->cluster.leader && IsWildcard(config->advertise_host)) {
    reader->Fail(Refuse("the leader listens on ", config->listen_address,
                        ": set --advertise_host to the host by which its followers reach it"));
  }
}

void ReadWriteMode(Reader* reader, NodeConfig* config) {
  const Setting* setting = reader->Find("write_mode");
  if (setting == nullptr || setting->value == WriteModeName(WriteMode::kPlain)) return;
  if (setting->value != WriteModeName(WriteMode::kLinearizable)) {
    return reader->Fail(
        Refuse(setting->source, " is '", setting->value, "' but must be plain or linearizable"));
  }
  if (!StrategyCanBeLinearizable(config->cluster.strategy)) {
    return reader->Fail(Refuse(setting->source, " is linearizable, which ",
                               config->cluster.strategy, " does not know"));
  }
  config->cluster.write_mode = WriteMode::kLinearizable;
}

void ReadQuorums(Reader* reader, NodeConfig* config) {
  Quorums& quorums = config->cluster.quorums;
  if (StrategyHasLeader(config->cluster.strategy) && !config->cluster.leader) return;
  const int n = 1 + static_cast<int>(config->peers.size());
  const int majority = Majority(n);
  const bool fixed = config->cluster.write_mode == WriteMode::kLinearizable;
  quorums.n = n;
  for (const auto& [name, value] : {std::make_pair("w", &quorums.w), {"r", &quorums.r}}) {
    *value = majority;
    const Setting* setting = reader->Find(name);
    if (setting == nullptr) continue;
    if (!absl::SimpleAtoi(setting->value, value) || *value < 1 || *value > n) {
      return reader->Fail(Refuse(setting->source, " is '", setting->value,
                                 "' but must be a number from 1 to N=", n, " (this node and the ",
                                 n - 1, " that it was told of)"));
    }
    if (fixed && *value != majority) {
      return reader->Fail(Refuse(setting->source, " is ", *value,
                                 ", but a linearizable cluster of ", n, " works with a majority, ",
                                 majority, ": leave it out"));
    }
  }
}

void ReadLimits(Reader* reader, NodeConfig* config) {
  ClusterConfig& cluster = config->cluster;
  cluster.max_clock_skew = reader->Duration("max_clock_skew", cluster.max_clock_skew);
  cluster.forward_writes = reader->Boolean("forward_writes", cluster.forward_writes);
  cluster.read_all = reader->Boolean("read_all", cluster.read_all);
  cluster.max_key_bytes = static_cast<size_t>(reader->Number(
      "max_key_bytes", static_cast<int64_t>(cluster.max_key_bytes), 1, kLargestKeyBytes));
  const int64_t most = LongestValueBytes(cluster);
  const int64_t usual = std::min(static_cast<int64_t>(cluster.max_value_bytes), most);
  cluster.max_value_bytes = static_cast<size_t>(reader->Number("max_value_bytes", usual, 0, most));
  cluster.catch_up_bytes_per_second = static_cast<size_t>(
      reader->Number("catch_up_bytes_per_second",
                     static_cast<int64_t>(cluster.catch_up_bytes_per_second), 0, kFastestCatchUp));
  cluster.background_bytes_per_second = static_cast<size_t>(reader->Number(
      "background_bytes_per_second", static_cast<int64_t>(cluster.background_bytes_per_second), 0,
      kFastestCatchUp));
  config->busy_poll = reader->Boolean("busy_poll", config->busy_poll);
  config->shutdown_timeout = reader->Duration("shutdown_timeout", config->shutdown_timeout);
}

void ReadStorage(Reader* reader, NodeConfig* config) {
  const Setting* data_dir = reader->Find("data_dir");
  if (data_dir != nullptr) config->data_dir = data_dir->value;
  Durability& durability = config->cluster.durability;
  durability = config->data_dir.empty() ? Durability::kMemory : Durability::kSynced;
  const Setting* wanted = reader->Find("durability");
  if (wanted == nullptr) return;
  bool known = false;
  for (const Durability one : {Durability::kMemory, Durability::kOs, Durability::kSynced}) {
    if (wanted->value != DurabilityName(one)) continue;
    durability = one;
    known = true;
  }
  if (!known) {
    return reader->Fail(
        Refuse(wanted->source, " is '", wanted->value, "' but must be memory, os or synced"));
  }
  if (durability != Durability::kMemory && config->data_dir.empty()) {
    return reader->Fail(
        Refuse(wanted->source, " is ", wanted->value, ": name a folder for it with --data_dir"));
  }
  if (durability == Durability::kMemory && !config->data_dir.empty()) {
    reader->Fail(Refuse(wanted->source, " is memory, which keeps nothing in ", data_dir->source,
                        ": leave one of them out"));
  }
}

void ReadEmulation(Reader* reader, NodeConfig* config) {
  const Setting* setting = reader->Find("emulate");
  if (setting == nullptr) return;
  absl::StatusOr<EmulatedDelays> delays = EmulatedDelays::Parse(setting->value);
  if (!delays.ok()) {
    return reader->Fail(
        Refuse(setting->source, " is '", setting->value, "': ", delays.status().message()));
  }
  config->emulated = *std::move(delays);
  config->emulated.WidenTimeouts(&config->cluster);
}

void ReadHttp(Reader* reader, NodeConfig* config) {
  HttpOptions& http = config->http;
  http.address = config->listen_address;
  http.port = config->http_port;
  http.max_body_bytes = BodyLimitFor(config->cluster.max_value_bytes);
  http.max_connections = static_cast<size_t>(reader->Number(
      "http_max_connections", static_cast<int64_t>(http.max_connections), 1, 1000000));
  http.max_header_bytes = static_cast<size_t>(reader->Number(
      "http_max_header_bytes", static_cast<int64_t>(http.max_header_bytes), 256, 1 << 20));
  http.operation_timeout = reader->Duration("http_operation_timeout", http.operation_timeout);
  http.idle_timeout = reader->Duration("http_idle_timeout", http.idle_timeout);
  http.read_timeout = reader->Duration("http_read_timeout", http.read_timeout);
  http.write_timeout = reader->Duration("http_write_timeout", http.write_timeout);
}

}  // namespace

std::string PeerAddress::HttpAddress() const {
  return absl::StrCat("http://", HostAndPort(host, http_port));
}

std::string PeerAddress::GrpcAddress() const { return HostAndPort(host, grpc_port); }

absl::StatusOr<NodeConfig> MakeNodeConfig(const Settings& settings) {
  NodeConfig config;
  Reader reader(settings);
  ReadStrategy(&reader, &config);
  if (!reader.status().ok()) return reader.status();
  ReadRole(&reader, &config);
  if (!reader.status().ok()) return reader.status();
  RefuseMisplaced(&reader, config);
  ReadListenAddress(&reader, &config);
  ReadPorts(&reader, &config);
  ReadNames(&reader, &config);
  if (!reader.status().ok()) return reader.status();
  ReadPeers(&reader, &config);
  ReadWriteMode(&reader, &config);
  ReadQuorums(&reader, &config);
  ReadLimits(&reader, &config);
  ReadStorage(&reader, &config);
  ReadEmulation(&reader, &config);
  ReadHttp(&reader, &config);
  if (!reader.status().ok()) return reader.status();
  return config;
}

}  // namespace quorate
