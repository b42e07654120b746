// NodeConfig: what one node is told before it starts, from flags and environment variables.
//
// Nothing is guessed: a setting that cannot be parsed, or that contradicts another, is refused with
// a message that names it as the user gave it (--w or W).
//
// Values: thread-compatible.
#ifndef QUORATE_NODE_NODE_CONFIG_H_
#define QUORATE_NODE_NODE_CONFIG_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "node/http_options.h"
#include "replication/cluster_config.h"
#include "replication/emulated_delays.h"

namespace quorate {

// One setting as it was given.
struct Setting {
  std::string value;
  std::string source;  // "--w" or "W"; for messages
};

// By the name of the flag. A setting that is not there was not given.
using Settings = std::map<std::string, Setting, std::less<>>;

// Another replica's place.
struct PeerAddress {
  std::string name;  // its node id; empty: it says so itself when it is called
  std::string host;
  int http_port = 0;
  int grpc_port = 0;

  std::string HttpAddress() const;  // "http://localhost:8081"
  std::string GrpcAddress() const;  // "localhost:9081"
};

struct NodeConfig {
  // Behaviour.
  ClusterConfig cluster;
  std::string node_name;
  std::string listen_address = "127.0.0.1";
  std::string advertise_host;
  int http_port = 8080;
  int grpc_port = 9080;
  std::vector<PeerAddress> peers;  // a follower has none: it learns them from its leader
  std::string data_dir;            // empty: data are kept in memory
  absl::Duration shutdown_timeout = absl::Seconds(5);
  bool busy_poll = true;  // see IdleSpin
  // Makes the way from other replicas to this one, and its store, slower than they are. The
  // cluster's timeouts have grown accordingly.
  EmulatedDelays emulated;

  HttpOptions http;
};

// INVALID_ARGUMENT where the settings make no sense; the message names the setting.
absl::StatusOr<NodeConfig> MakeNodeConfig(const Settings& settings);

}  // namespace quorate

#endif  // QUORATE_NODE_NODE_CONFIG_H_
