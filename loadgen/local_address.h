// Addresses of targets: what they resolve to, and whether that is this machine.
//
// Thread-safe. May block for as long as name resolution takes.
#ifndef QUORATE_LOADGEN_LOCAL_ADDRESS_H_
#define QUORATE_LOADGEN_LOCAL_ADDRESS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "boost/asio/ip/tcp.hpp"

#include "loadgen/options.h"

namespace quorate::loadgen {

// In the targets' order. NOT_FOUND, naming the target, where one has no address.
absl::StatusOr<std::vector<boost::asio::ip::tcp::endpoint>> ResolveTargets(
    const std::vector<HostAndPort>& targets);

// Whether every one is an address of this machine.
bool AreLocal(const std::vector<boost::asio::ip::tcp::endpoint>& endpoints);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_LOCAL_ADDRESS_H_
