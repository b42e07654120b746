// HttpGateway: the REST API of a node (see rest_request.h) over HTTP/1.1, on one thread of its own.
//
//   absl::StatusOr<std::unique_ptr<HttpGateway>> gateway = HttpGateway::Start(options, &node);
//   ...
//   (*gateway)->Shutdown(absl::Seconds(5));
#ifndef QUORATE_NODE_HTTP_GATEWAY_H_
#define QUORATE_NODE_HTTP_GATEWAY_H_

#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "node/http_options.h"
#include "node/kv_api.h"

namespace quorate {

class HttpServer;

// Not thread-safe: started, shut down and destroyed by one thread at a time.
class HttpGateway {
 public:
  // Listens, then serves until Shutdown. `api` must outlive the gateway; results that it gives
  // after that are dropped. INVALID_ARGUMENT where address or port make no sense, another error,
  // naming both, where the system refuses them (the port is in use, say). Does not block.
  static absl::StatusOr<std::unique_ptr<HttpGateway>> Start(const HttpOptions& options, KvApi* api);

  // Shutdown(absl::ZeroDuration()), unless it has been shut down before.
  ~HttpGateway();

  HttpGateway(const HttpGateway&) = delete;
  HttpGateway& operator=(const HttpGateway&) = delete;

  // The port it listens on.
  int port() const { return port_; }

  // Stops listening, closes idle connections, answers 503 to requests that still arrive on others,
  // and gives what is in flight until `deadline` from now to be answered. Then cancels the rest and
  // ends the thread. Blocks until that is done; a second call does nothing.
  void Shutdown(absl::Duration deadline);

 private:
  HttpGateway(std::shared_ptr<HttpServer> server, int port);

  const int port_;
  const std::shared_ptr<HttpServer> server_;
  std::thread thread_;
};

}  // namespace quorate

#endif  // QUORATE_NODE_HTTP_GATEWAY_H_
