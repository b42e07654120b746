#include "loadgen/local_address.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/io_context.hpp"

namespace quorate::loadgen {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

}  // namespace

absl::StatusOr<std::vector<asio::ip::tcp::endpoint>> ResolveTargets(
    const std::vector<HostAndPort>& targets) {
  asio::io_context io;
  asio::ip::tcp::resolver resolver(io);
  std::vector<asio::ip::tcp::endpoint> endpoints;
  for (const HostAndPort& target : targets) {
    error_code error;
    const auto found = resolver.resolve(target.host, absl::StrCat(target.port), error);
    if (error || found.empty()) {
      return absl::NotFoundError(
          absl::StrCat("--targets: ", target.ToString(), " has no address: ", error.message()));
    }
    endpoints.push_back(found.begin()->endpoint());
  }
  return endpoints;
}

bool AreLocal(const std::vector<asio::ip::tcp::endpoint>& endpoints) {
  // Only an address of this machine can be listened on.
  return std::all_of(endpoints.begin(), endpoints.end(), [](asio::ip::tcp::endpoint endpoint) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io, endpoint.protocol());
    endpoint.port(0);
    error_code error;
    socket.bind(endpoint, error);
    return !error;
  });
}

}  // namespace quorate::loadgen
