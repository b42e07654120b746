// Makes the transport of a kind.
//
// Thread-safe.
#ifndef QUORATE_LOADGEN_TRANSPORT_FACTORY_H_
#define QUORATE_LOADGEN_TRANSPORT_FACTORY_H_

#include <memory>

#include "absl/status/statusor.h"

#include "loadgen/transport.h"

namespace quorate::loadgen {

// A transport to `options.targets`, which are HTTP addresses for kRest, gRPC addresses otherwise.
// Resolves their names, which may block. NOT_FOUND, naming the target, where one has no address.
absl::StatusOr<std::unique_ptr<Transport>> MakeTransport(TransportKind kind,
                                                         const TransportOptions& options);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_TRANSPORT_FACTORY_H_
