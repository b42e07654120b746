#include "node/node_flags.h"

#include <cstdlib>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gflags/gflags.h"

// Texts, all of them: "not given" differs from every value, and the checks are the same for flags
// and environment variables (node_config.cc).
DEFINE_string(strategy, "",
              "how replicas keep each other up to date; default: leader_follower where a node type "
              "is given, leaderless where peers are");
DEFINE_string(node_type, "", "leader or follower (leader_follower only)");
DEFINE_string(node_id, "", "this node's name, unique in the cluster; default: the HTTP port");
DEFINE_string(port, "", "HTTP port; default: 8080");
DEFINE_string(grpc_port, "", "gRPC port; default: the HTTP port + 1000");
DEFINE_string(listen_address, "", "address to listen on; default: 127.0.0.1");
DEFINE_string(advertise_host, "",
              "host by which others reach this node; default: the listen address");
DEFINE_string(w, "", "acknowledgements that a write waits for; default: a majority");
DEFINE_string(r, "", "answers that a read waits for; default: a majority");
DEFINE_string(follower_urls, "", "a leader's followers: http://host:port,...");
DEFINE_string(peer_urls, "", "the other nodes (leaderless): http://host:port,...");
DEFINE_string(peers, "",
              "instead of the URLs, with names and both ports: id=host:http_port:grpc_port,...");
DEFINE_string(cluster, "", "the cluster's name, the same on all nodes; default: quorate");
DEFINE_bool(forward_writes, true,
            "a follower hands writes on to its leader; otherwise it refuses them");
DEFINE_bool(read_all, false,
            "a read at R>1 asks every connected node, not only as many as it needs");
DEFINE_string(write_mode, "",
              "linearizable: each key is an atomic register, and majorities answer every operation "
              "(leaderless; the same on all nodes); default: plain, as W and R say");
DEFINE_string(max_clock_skew, "",
              "how far a node's clock may lie behind what it has seen before it refuses writes "
              "(leaderless); default: 500ms");
DEFINE_string(max_key_bytes, "", "longest key; default: 1024");
DEFINE_string(max_value_bytes, "", "longest value; default: 4194304");
DEFINE_string(data_dir, "",
              "the node's own folder for its data, created where missing; default: none, data are "
              "kept in memory");
DEFINE_string(durability, "",
              "what an acknowledgement means: the write is in the node's memory (memory), with its "
              "operating system (os) or on its disk (synced); default: synced with --data_dir");
DEFINE_string(emulate, "",
              "a slower world, for experiments: classroom, lan, wan3, wan5, or delays such as "
              "link=20ms,apply=5ms; doc/operations.md explains them");
DEFINE_string(catch_up_bytes_per_second, "",
              "how fast a node gets what it lacks from one other node; 0: as fast as it can; "
              "default: 67108864");
DEFINE_string(background_bytes_per_second, "",
              "how fast a node compares its data with the others', one at a time, when nothing is "
              "known to be "
              "missing (leaderless); 0: as fast as it can; default: 1048576");
DEFINE_bool(busy_poll, true,
            "a node that is asked again and again within 0.2 ms looks for the next message for as "
            "long before it sleeps: faster, for some more processor time");
DEFINE_string(shutdown_timeout, "", "how long a shutdown may take; default: 5s");
DEFINE_string(http_max_connections, "", "HTTP connections at a time; default: 1024");
DEFINE_string(http_max_header_bytes, "", "longest HTTP header; default: 8192");
DEFINE_string(http_operation_timeout, "", "time for an operation over HTTP; default: 2s");
DEFINE_string(http_idle_timeout, "", "time between two requests of a connection; default: 60s");
DEFINE_string(http_read_timeout, "", "time for a client to send a header, or a body; default: 20s");
DEFINE_string(http_write_timeout, "", "time for a client to take an answer; default: 20s");

namespace quorate {
namespace {

struct FlagName {
  const char* flag;
  const char* variable;  // null: none
};

// In the order of the help text.
constexpr FlagName kFlags[] = {
    {"node_type", "NODE_TYPE"},
    {"port", "PORT"},
    {"w", "W"},
    {"r", "R"},
    {"follower_urls", "FOLLOWER_URLS"},
    {"node_id", "NODE_ID"},
    {"peer_urls", "PEER_URLS"},
    {"strategy", "STRATEGY"},
    {"grpc_port", "GRPC_PORT"},
    {"cluster", "CLUSTER"},
    {"peers", nullptr},
    {"listen_address", nullptr},
    {"advertise_host", nullptr},
    {"forward_writes", nullptr},
    {"read_all", nullptr},
    {"write_mode", nullptr},
    {"max_clock_skew", nullptr},
    {"max_key_bytes", nullptr},
    {"max_value_bytes", nullptr},
    {"data_dir", nullptr},
    {"durability", nullptr},
    {"catch_up_bytes_per_second", nullptr},
    {"background_bytes_per_second", nullptr},
    {"busy_poll", nullptr},
    {"shutdown_timeout", nullptr},
    {"emulate", nullptr},
    {"http_max_connections", nullptr},
    {"http_max_header_bytes", nullptr},
    {"http_operation_timeout", nullptr},
    {"http_idle_timeout", nullptr},
    {"http_read_timeout", nullptr},
    {"http_write_timeout", nullptr},
};

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(int argc, char** argv) {
  const ParsedCommandLine parsed = ParseFlags(argc, argv, kVersionText);
  if (parsed.asked == CommandLine::kRun && !parsed.words.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", parsed.words[0],
                     "' is no flag: values are written --flag=value; --help lists the flags"));
  }
  return parsed.asked;
}

Settings ReadSettings() {
  Settings settings;
  for (const FlagName& name : kFlags) {
    const google::CommandLineFlagInfo info = google::GetCommandLineFlagInfoOrDie(name.flag);
    if (!info.is_default) {
      settings[name.flag] = Setting{info.current_value, absl::StrCat("--", name.flag)};
      continue;
    }
    const char* value = name.variable == nullptr ? nullptr : std::getenv(name.variable);
    if (value != nullptr && *value != '\0') settings[name.flag] = Setting{value, name.variable};
  }
  return settings;
}

std::string HelpText() {
  std::string text =
      "One node of a Quorate cluster. Flags, with the environment variable that says the same; a "
      "flag wins.\n\n";
  for (const FlagName& name : kFlags) {
    const google::CommandLineFlagInfo info = google::GetCommandLineFlagInfoOrDie(name.flag);
    const std::string both =
        name.variable == nullptr ? info.name : absl::StrCat(info.name, " (", name.variable, ")");
    absl::StrAppendFormat(&text, "  --%-30s %s\n", both, info.description);
  }
  absl::StrAppend(&text,
                  "  --help                           prints this\n"
                  "  --version                        prints the version\n");
  return text;
}

}  // namespace quorate
