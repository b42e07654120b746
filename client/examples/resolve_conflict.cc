// Reads all concurrent values of a key (leaderless), and settles the conflict by handing back the
// context of what it has read.
//
//   resolve_conflict 127.0.0.1:9080 mykey
#include <iostream>
#include <optional>
#include <string>

#include "client/client.h"
#include "client/grpc_connection.h"

int main(int argc, char** argv) {
  quorate::ConnectionOptions options;
  options.targets = {argc > 1 ? argv[1] : "127.0.0.1:9080"};
  const std::string key = argc > 2 ? argv[2] : "mykey";
  const auto connection = quorate::Connect(options);
  if (!connection.ok()) {
    std::cerr << connection.status() << "\n";
    return 2;
  }
  quorate::Client client(*connection);

  quorate::ReadOptions all_values;
  all_values.siblings = true;
  const auto read = client.Get(key, all_values).Get();
  if (!read.ok()) {
    std::cerr << read.status() << "\n";
    return 1;
  }
  if (!read->conflict) {
    std::cout << "no conflict\n";
    return 0;
  }
  std::optional<std::string> merged;  // nullopt: each of the writers has deleted the key
  for (const quorate::SiblingValue& sibling : read->siblings) {
    if (sibling.deleted) continue;
    merged = merged.has_value() ? *merged + " and " + sibling.value : sibling.value;
  }
  quorate::WriteOptions settle;
  settle.context = read->context;
  const auto written = merged.has_value() ? client.Set(key, *merged, settle).Get()
                                          : client.Delete(key, settle).Get();
  if (!written.ok()) {
    std::cerr << written.status() << "\n";
    return 1;
  }
  std::cout << "settled: " << merged.value_or("(deleted)") << "\n";
  return 0;
}
