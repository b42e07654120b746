// What a node tells about itself, in the words of the API.
#ifndef QUORATE_NODE_NODE_STATUS_H_
#define QUORATE_NODE_NODE_STATUS_H_

#include <map>
#include <string>
#include <vector>

#include "node/node_config.h"
#include "node/peer_stream.h"
#include "proto/kv.pb.h"
#include "proto/peer.pb.h"
#include "replication/replica.h"

namespace quorate {

inline constexpr char kServing[] = "serving";
inline constexpr char kDraining[] = "draining";

// Why a peer and this node do not go together, as far as the transport knows: by HTTP address.
using PeerRefusals = std::map<std::string, std::string>;

// `members`: the replicas whose ids are known, with their addresses. On the replica's strand.
v1::StatusResponse DescribeNode(const NodeConfig& config, const Replica& replica,
                                const std::vector<peer::v1::MemberAddress>& members,
                                const PeerRefusals& refusals, const PeerCounters& counters);

// One line for the log: what this node is.
std::string DescribeConfig(const NodeConfig& config);

}  // namespace quorate

#endif  // QUORATE_NODE_NODE_STATUS_H_
