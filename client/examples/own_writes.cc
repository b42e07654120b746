// A session sees its own writes, even where one replica answers each read and write.
//
//   own_writes 127.0.0.1:9080 127.0.0.1:9081 127.0.0.1:9082
#include <iostream>
#include <memory>
#include <string>

#include "client/client.h"
#include "client/grpc_connection.h"
#include "client/session.h"

int main(int argc, char** argv) {
  quorate::ConnectionOptions options;
  options.targets.assign(argv + 1, argv + argc);
  if (options.targets.empty()) options.targets = {"127.0.0.1:9080"};
  const auto connection = quorate::Connect(options);
  if (!connection.ok()) {
    std::cerr << connection.status() << "\n";
    return 2;
  }
  quorate::Client client(std::make_shared<quorate::Session>(*connection));

  quorate::WriteOptions fast_write;
  fast_write.w = 1;
  quorate::ReadOptions fast_read;
  fast_read.r = 1;
  for (int i = 1; i <= 100; ++i) {
    const std::string value = "draft " + std::to_string(i);
    const auto written = client.Set("document", value, fast_write).Get();
    const auto read = client.Get("document", fast_read).Get();
    if (!written.ok() || !read.ok()) {
      std::cerr << (written.ok() ? read.status() : written.status()) << "\n";
      return 1;
    }
    if (read->value != value) {
      std::cerr << "read " << read->value.value_or("(absent)") << " after " << value << "\n";
      return 1;
    }
  }
  std::cout << "100 drafts, each read right after it was written\n";
  return 0;
}
