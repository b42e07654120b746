// Compares two ways to serve a node's gRPC services: one completion queue with one poll thread, as
// node/ does it, and gRPC's callback API on gRPC's threads. Usage:
//
//   bazel run //bench:transport_bench -- --repetitions=7 --seconds=1
//
// Each server has a process of its own, and this one is the client of all. The two styles are
// measured in turn, so that whatever else the machine does meets both. Beside the answers a second
// stands the processor time that an answer costs the server, which suffers less from a busy
// machine.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "glog/logging.h"

#include "bench/transport_load.h"
#include "bench/transport_servers.h"
#include "node/node.h"
#include "node/node_config.h"

DEFINE_int32(repetitions, 7, "measurements of each server and load");
DEFINE_double(seconds, 1, "length of one measurement");

namespace quorate {
namespace {

constexpr int kNodePort = 9080;   // the node's own server
constexpr int kBenchPort = 9081;  // a server of transport_servers.h

enum class Style { kQueue, kCallback };
enum class Behind {
  kInstant,  // a KvApi that answers at once; streams that answer each batch
  kNode,     // a node of a cluster of one: a replica on its strand
};

struct Server {
  Style style;
  Behind behind;
  std::string address;  // with the port
  pid_t process = 0;
};

std::string SomeLoopbackAddress() {
  std::random_device random;
  std::uniform_int_distribution<int> any(1, 254);
  return absl::StrCat("127.", any(random), ".", any(random), ".", any(random));
}

// Starts the server on `host`, and returns its address; it runs until the process ends.
std::string StartServer(const Server& server, const std::string& host) {
  const std::string address = absl::StrCat(host, ":", kBenchPort);
  static KvApi* api = nullptr;
  static BenchServer* started = nullptr;
  if (server.behind == Behind::kInstant) {
    api = MakeInstantApi().release();
  } else {
    const absl::StatusOr<NodeConfig> config =
        MakeNodeConfig({{"strategy", {"leaderless", "--strategy"}},
                        {"listen_address", {host, "--listen_address"}}});
    CHECK(config.ok()) << config.status();
    absl::StatusOr<std::unique_ptr<Node>> node = Node::Start(*config);
    CHECK(node.ok()) << node.status();
    api = node->release();
    if (server.style == Style::kQueue) return absl::StrCat(host, ":", kNodePort);
  }
  started = (server.style == Style::kQueue ? StartQueueServer(address, api)
                                           : StartCallbackServer(address, api))
                .release();
  CHECK(started != nullptr) << "cannot listen on " << address;
  return address;
}

// A process with the server. To be called before this process has used gRPC, which does not survive
// a fork.
Server Fork(Style style, Behind behind) {
  Server server{style, behind, "", 0};
  int ready[2];
  CHECK_EQ(pipe(ready), 0);
  server.process = fork();
  CHECK_GE(server.process, 0);
  if (server.process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const std::string address = StartServer(server, SomeLoopbackAddress());
    CHECK_EQ(write(ready[1], address.data(), address.size()), static_cast<ssize_t>(address.size()));
    while (true) pause();
  }
  close(ready[1]);
  char address[64];
  const ssize_t size = read(ready[0], address, sizeof(address));
  CHECK_GT(size, 0) << "the server did not start";
  close(ready[0]);
  server.address.assign(address, static_cast<size_t>(size));
  return server;
}

absl::Duration ProcessorTime(const Server& server) {
  clockid_t clock;
  CHECK_EQ(clock_getcpuclockid(server.process, &clock), 0);
  timespec time;
  CHECK_EQ(clock_gettime(clock, &time), 0);
  return absl::DurationFromTimespec(time);
}

struct Load {
  std::string name;
  Behind behind;
  std::function<Measurement(const std::string& address)> measure;
};

std::vector<Load> AllLoads(absl::Duration duration) {
  std::vector<Load> loads;
  for (const Behind behind : {Behind::kNode, Behind::kInstant}) {
    const char* const name = behind == Behind::kNode ? "a node" : "nothing";
    for (const int in_flight : {1, 64}) {
      const UnaryLoad load{in_flight == 1 ? 1 : 4, in_flight};
      loads.push_back({absl::StrCat("Get over ", name, ", ", in_flight, " in flight"), behind,
                       [load, duration](const std::string& address) {
                         return MeasureUnary(address, load, duration);
                       }});
    }
  }
  for (const int messages : {1, 8, 32}) {
    StreamLoad load;
    load.messages = messages;
    loads.push_back({absl::StrCat("Replicate, 8 streams, ", messages, " a batch"), Behind::kInstant,
                     [load, duration](const std::string& address) {
                       return MeasureStreams(address, load, duration);
                     }});
  }
  return loads;
}

// What one server did under one load, a value for each repetition.
struct Series {
  std::vector<double> rates;   // answers a second
  std::vector<double> micros;  // processor time an answer

  void Add(const Load& load, const Server& server) {
    const absl::Duration before = ProcessorTime(server);
    const Measurement measured = load.measure(server.address);
    const absl::Duration used = ProcessorTime(server) - before;
    rates.push_back(measured.answers_per_second);
    micros.push_back(absl::ToDoubleMicroseconds(used) / static_cast<double>(measured.answers));
  }
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string Text(const Series& series) {
  const auto [least, most] = std::minmax_element(series.rates.begin(), series.rates.end());
  return absl::StrFormat("%8.0f (%.0f-%.0f), %.1f us", Median(series.rates), *least, *most,
                         Median(series.micros));
}

int Main() {
  std::vector<Server> servers;
  for (const Behind behind : {Behind::kNode, Behind::kInstant}) {
    for (const Style style : {Style::kQueue, Style::kCallback}) {
      servers.push_back(Fork(style, behind));
    }
  }
  absl::PrintF("answers a second: median (least-most) of %d; processor time of the server\n\n",
               FLAGS_repetitions);
  absl::PrintF("%-32s %-36s %-36s %s\n", "load", "completion queue", "callback API", "ratio");
  for (const Load& load : AllLoads(absl::Seconds(FLAGS_seconds))) {
    std::array<Series, 2> series;  // by style
    for (int i = 0; i < FLAGS_repetitions; ++i) {
      if (i % 2 == 1) std::reverse(servers.begin(), servers.end());
      for (const Server& server : servers) {
        if (server.behind != load.behind) continue;
        series[server.style == Style::kQueue ? 0 : 1].Add(load, server);
      }
    }
    absl::PrintF("%-32s %-36s %-36s %5.2f\n", load.name, Text(series[0]), Text(series[1]),
                 Median(series[0].rates) / Median(series[1].rates));
    std::fflush(stdout);
  }
  for (const Server& server : servers) {
    kill(server.process, SIGKILL);
    waitpid(server.process, nullptr, 0);
  }
  return 0;
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) {
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = google::WARNING;
  google::ParseCommandLineFlags(&argc, &argv, true);
  google::InitGoogleLogging(argv[0]);
  CHECK_GE(FLAGS_repetitions, 1);
  CHECK_GT(FLAGS_seconds, 0);
  return quorate::Main();
}
