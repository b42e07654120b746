// Writes a thousand keys with a hundred calls in flight: they share streams and leave in batches.
//
//   many_calls 127.0.0.1:9080
#include <deque>
#include <iostream>
#include <string>

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

  constexpr size_t kInFlight = 100;
  int ok = 0;
  int unknown = 0;
  std::deque<quorate::Future<quorate::WriteReply>> in_flight;
  const auto take_first = [&] {
    const auto outcome = in_flight.front().Get();
    in_flight.pop_front();
    if (outcome.ok()) ++ok;
    if (outcome.details().may_have_applied) ++unknown;
  };
  for (int i = 0; i < 1000; ++i) {
    if (in_flight.size() == kInFlight) take_first();
    in_flight.push_back(client.Set("key " + std::to_string(i), "value"));
  }
  while (!in_flight.empty()) take_first();
  std::cout << ok << " written, " << unknown << " with an unknown outcome\n";
  return ok == 1000 ? 0 : 1;
}
