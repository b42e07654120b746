#include "loadgen/transport_factory.h"

#include "absl/status/status.h"

#include "loadgen/rest_transport.h"
#include "loadgen/stream_transport.h"
#include "loadgen/unary_transport.h"

namespace quorate::loadgen {

absl::StatusOr<std::unique_ptr<Transport>> MakeTransport(TransportKind kind,
                                                         const TransportOptions& options) {
  switch (kind) {
    case TransportKind::kRest:
      return RestTransport::Create(options);
    case TransportKind::kUnary:
      return UnaryTransport::Create(options);
    case TransportKind::kStream:
      return StreamTransport::Create(options);
  }
  return absl::InvalidArgumentError("no such transport");
}

}  // namespace quorate::loadgen
