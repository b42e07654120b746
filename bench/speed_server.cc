// The servers that speed_table.py measures nodes against, one a process. Runs until it is ended.
#include <memory>
#include <string>
#include <unistd.h>

#include "gflags/gflags.h"
#include "glog/logging.h"

#include "bench/transport_servers.h"
#include "node/kv_api.h"
#include "support/library_locks.h"

DEFINE_string(answers, "echo",
              "echo: the bytes that came; instant: a node's services over nothing that takes time");
DEFINE_string(address, "", "host:port to listen on");

int main(int argc, char** argv) {
  quorate::SpareLibraryLocks();
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = google::WARNING;
  google::ParseCommandLineFlags(&argc, &argv, true);
  google::InitGoogleLogging(argv[0]);
  CHECK(FLAGS_answers == "echo" || FLAGS_answers == "instant") << FLAGS_answers;
  const std::unique_ptr<quorate::KvApi> api = quorate::MakeInstantApi();
  // Never destroyed, as it cannot be stopped.
  const quorate::BenchServer* const server =
      (FLAGS_answers == "echo" ? quorate::StartEchoServer(FLAGS_address)
                               : quorate::StartQueueServer(FLAGS_address, api.get()))
          .release();
  CHECK(server != nullptr) << "cannot listen on " << FLAGS_address;
  while (true) pause();
}
