#include "node/run_node.h"

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <pthread.h>
#include <signal.h>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "glog/logging.h"
#include "grpc/support/log.h"

#include "node/http_gateway.h"
#include "node/node.h"
#include "node/node_config.h"
#include "node/node_flags.h"
#include "node/node_status.h"
#include "support/library_locks.h"

namespace quorate {
namespace {

constexpr int kExitSlowShutdown = 1;
constexpr int kExitUsage = 2;
constexpr int kExitStart = 3;

// Beyond the deadline of the shutdown itself: only a defect takes this long.
constexpr absl::Duration kGrace = absl::Seconds(1);

// gRPC's own messages go where the node's go. What it calls an error is mostly a connection that
// was refused, which the node reports in words of its own.
void LogFromGrpc(gpr_log_func_args* message) {
  if (message->severity == GPR_LOG_SEVERITY_ERROR) {
    VLOG(1) << "gRPC: " << message->message;
  } else {
    VLOG(2) << "gRPC: " << message->message;
  }
}

// Blocked in every thread, so that only those who wait for them get them.
sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Ends the process at a second signal, or when the time is over. Never returns.
void WatchShutdown(absl::Duration limit) {
  const sigset_t signals = StopSignals();
  const timespec wait = absl::ToTimespec(limit);
  int signal = 0;
  do {
    signal = sigtimedwait(&signals, nullptr, &wait);
  } while (signal < 0 && errno == EINTR);
  if (signal > 0) _exit(128 + signal);
  LOG(ERROR) << "the shutdown takes longer than " << limit << ": giving up";
  _exit(kExitSlowShutdown);
}

// Every connection is an open file, and the limit that most systems begin with is no higher than
// the number of connections that the gateway alone may have.
void RaiseFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    PLOG(WARNING) << "cannot raise the limit of open files";
  }
}

int Serve(const NodeConfig& config, const NodeWorld& world) {
  RaiseFileLimit();
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  absl::StatusOr<std::unique_ptr<Node>> node = Node::Start(config, world);
  if (!node.ok()) {
    LOG(ERROR) << node.status().message();
    return node.status().code() == absl::StatusCode::kInvalidArgument ? kExitUsage : kExitStart;
  }
  absl::StatusOr<std::unique_ptr<HttpGateway>> gateway =
      HttpGateway::Start(config.http, node->get());
  if (!gateway.ok()) {
    LOG(ERROR) << gateway.status().message();
    return kExitStart;
  }
  LOG(INFO) << "ready: " << DescribeConfig(config);

  int signal = 0;
  sigwait(&signals, &signal);
  LOG(INFO) << "signal " << signal << ": shutting down within " << config.shutdown_timeout;
  std::thread(WatchShutdown, config.shutdown_timeout + kGrace).detach();
  const MonotonicTime end = MonotonicNow() + config.shutdown_timeout;
  (*node)->BeginShutdown();
  // Half of the time for clients over HTTP, what is left for everything else.
  (*gateway)->Shutdown(config.shutdown_timeout / 2);
  (*node)->Shutdown(end - MonotonicNow());
  LOG(INFO) << "shut down";
  return 0;
}

}  // namespace

int RunNode(int argc, char** argv, const NodeWorld& world) {
  SpareLibraryLocks();
  FLAGS_logtostderr = true;
  const absl::StatusOr<CommandLine> command = ParseCommandLine(argc, argv);
  google::InitGoogleLogging(argv[0]);
  gpr_set_log_function(LogFromGrpc);
  if (command.ok() && *command == CommandLine::kHelp) {
    std::fputs(HelpText().c_str(), stdout);
    return 0;
  }
  if (command.ok() && *command == CommandLine::kVersion) {
    std::puts(kVersionText);
    return 0;
  }
  const absl::StatusOr<NodeConfig> config =
      command.ok() ? MakeNodeConfig(ReadSettings()) : command.status();
  if (!config.ok()) {
    std::fputs(absl::StrCat("quorate: ", config.status().message(), "\n").c_str(), stderr);
    return kExitUsage;
  }
  return Serve(*config, world);
}

}  // namespace quorate
