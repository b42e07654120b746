// Writes a key, reads it back, and says what the cluster did.
//
//   hello 127.0.0.1:9080
#include <iostream>

#include "client/client.h"
#include "client/grpc_connection.h"

int main(int argc, char** argv) {
  quorate::ConnectionOptions options;
  options.targets = {argc > 1 ? argv[1] : "127.0.0.1:9080"};
  const auto connection = quorate::Connect(options);
  if (!connection.ok()) {
    std::cerr << connection.status() << "\n";
    return 2;
  }
  quorate::Client client(*connection);

  const auto written = client.Set("greeting", "hello").Get();
  if (!written.ok()) {
    std::cerr << written.status() << "\n";
    if (written.details().may_have_applied) std::cerr << "the write may still take effect\n";
    return 1;
  }
  std::cout << "version " << written->version << ", on " << written->acks << " replicas\n";

  const auto read = client.Get("greeting").Get();
  if (!read.ok()) {
    std::cerr << read.status() << "\n";
    return 1;
  }
  std::cout << read->value.value_or("(absent)") << "\n";
  return 0;
}
