#include "loadgen/rest_load.h"

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace quorate::loadgen {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

RunnerOptions MakeRunnerOptions(const Options& options) {
  RunnerOptions runner;
  runner.workload.seed = options.seed;
  runner.workload.writes_per_operation = options.write_ratio;
  runner.workload.operations_per_second = options.qps;
  runner.workload.keys = static_cast<size_t>(options.num_keys);
  runner.workload.value_bytes = static_cast<size_t>(options.value_bytes);
  runner.workload.targets = options.targets.size();
  runner.workload.writes_to_first_target = options.mode == Mode::kLeader;
  runner.warm_up = options.warmup_seconds * kNanosPerSecond;
  runner.measured = options.duration_seconds * kNanosPerSecond;
  runner.max_waiting = static_cast<size_t>(options.max_waiting);
  return runner;
}

absl::StatusOr<asio::ip::tcp::endpoint> Resolve(asio::io_context* io, const HostAndPort& target) {
  asio::ip::tcp::resolver resolver(*io);
  error_code error;
  const auto found = resolver.resolve(target.host, absl::StrCat(target.port), error);
  if (error || found.empty()) {
    return absl::NotFoundError(
        absl::StrCat("--targets: ", target.ToString(), " has no address: ", error.message()));
  }
  return found.begin()->endpoint();
}

}  // namespace

absl::StatusOr<std::unique_ptr<RestLoad>> RestLoad::Create(const Options& options) {
  asio::io_context io;
  std::vector<asio::ip::tcp::endpoint> endpoints;
  for (const HostAndPort& target : options.targets) {
    const absl::StatusOr<asio::ip::tcp::endpoint> endpoint = Resolve(&io, target);
    if (!endpoint.ok()) return endpoint.status();
    endpoints.push_back(*endpoint);
  }
  return absl::WrapUnique(new RestLoad(options, std::move(endpoints)));
}

RestLoad::RestLoad(const Options& options, std::vector<asio::ip::tcp::endpoint> endpoints)
    : options_(options),
      endpoints_(std::move(endpoints)),
      timer_(io_),
      signals_(io_),
      start_(std::chrono::steady_clock::now()),
      runner_(MakeRunnerOptions(options), this, [this] { return Now(); }) {
  RestClient::Options client_options;
  client_options.timeout = absl::Milliseconds(options.timeout_ms);
  client_options.max_connections = options.connections;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    clients_.push_back(std::make_unique<RestClient>(&io_, endpoints_[i],
                                                    options.targets[i].ToString(), client_options));
  }
}

std::vector<RestHealth> RestLoad::CheckTargets() {
  std::vector<RestHealth> health(clients_.size());
  size_t answered = 0;
  for (size_t i = 0; i < clients_.size(); ++i) {
    clients_[i]->Health([&health, &answered, i](RestHealth answer) {
      health[i] = std::move(answer);
      ++answered;
    });
  }
  while (answered < clients_.size()) io_.run_one();
  return health;
}

bool RestLoad::TargetsAreLocal() const {
  // Only an address of this machine can be listened on.
  return std::all_of(endpoints_.begin(), endpoints_.end(), [](asio::ip::tcp::endpoint endpoint) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io, endpoint.protocol());
    endpoint.port(0);
    error_code error;
    socket.bind(endpoint, error);
    return !error;
  });
}

const RunStats& RestLoad::Run(const std::function<void(const IntervalStats&)>& on_second) {
  signals_.add(SIGINT);
  signals_.add(SIGTERM);
  signals_.async_wait([this](error_code error, int) {
    if (error) return;
    interrupted_ = true;
    runner_.Stop();
    signals_.clear();  // back to what a signal does by itself
  });
  const Nanos timeout = options_.timeout_ms * (kNanosPerSecond / 1000);
  Nanos next_second = kNanosPerSecond;
  Nanos drop_waiting_at = Runner::kNever;
  start_ = std::chrono::steady_clock::now();
  runner_.TakeInterval();  // begins the first one now
  while (true) {
    runner_.SendDue();
    const Nanos now = Now();
    if (now >= next_second) {
      on_second(runner_.TakeInterval());
      next_second += kNanosPerSecond * ((now - next_second) / kNanosPerSecond + 1);
    }
    const Nanos due = runner_.NextDue();
    if (due == Runner::kNever) {
      if (runner_.Idle()) break;
      if (drop_waiting_at == Runner::kNever) drop_waiting_at = now + timeout;
      if (now >= drop_waiting_at) runner_.DropWaiting();
    }
    const Nanos drop = now < drop_waiting_at ? drop_waiting_at : Runner::kNever;
    SleepUntilEventOr(std::min({due, next_second, drop}));
  }
  on_second(runner_.TakeInterval());  // the last, perhaps a short one
  error_code ignored;
  signals_.cancel(ignored);
  return runner_.stats();
}

bool RestLoad::HasRoom(size_t target) const { return clients_[target]->HasRoom(); }

void RestLoad::Send(const PlannedOperation& operation, Callback callback) {
  RestClient& client = *clients_[operation.target];
  const std::string key = runner_.workload().KeyName(operation.key);
  if (operation.write) {
    client.Set(key, runner_.workload().ValueOf(operation), options_.w, std::move(callback));
  } else if (options_.local_reads) {
    client.LocalRead(key, std::move(callback));
  } else {
    client.Get(key, options_.r, std::move(callback));
  }
}

Nanos RestLoad::Now() const {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now() - start_).count();
}

// Returns at `wake` or after one event, whichever is first. The timer stays set over many events:
// to set it anew costs two system calls.
void RestLoad::SleepUntilEventOr(Nanos wake) {
  if (timer_set_for_ != wake) {
    timer_set_for_ = wake;
    timer_.expires_at(start_ + std::chrono::nanoseconds(wake));
    timer_.async_wait([this](error_code error) {
      if (!error) timer_set_for_.reset();
    });
  }
  io_.run_one();
}

}  // namespace quorate::loadgen
