#include "tests/sim/promises.h"

#include <memory>
#include <string>
#include <vector>

#include "glog/logging.h"

#include "replication/env.h"
#include "replication/replica.h"
#include "replication/storage/memory_engine.h"

namespace quorate::sim {
namespace {

// A world for replicas that are only asked, never started.
class SilentEnv : public Env {
 public:
  MonotonicTime Now() override { return absl::ZeroDuration(); }
  absl::Time WallNow() override { return absl::UnixEpoch(); }
  uint64_t Random() override { return 1; }
  void Send(NodeId, peer::v1::Batch) override {}
  void SetTimer(TimerId, MonotonicTime) override {}
  void ExpireAt(OperationId, MonotonicTime) override {}
  void Complete(OperationId, OperationResult) override {}
  void RequestSync(SyncTicket) override {}
  void LearnMembers(const std::vector<peer::v1::MemberAddress>&) override {}
  const std::vector<peer::v1::MemberAddress>& Members() const override { return members_; }
  void Log(const std::string&) override {}

 private:
  std::vector<peer::v1::MemberAddress> members_;
};

}  // namespace

std::map<std::pair<int, int>, Guarantee> PromisesOf(ClusterConfig config) {
  std::map<std::pair<int, int>, Guarantee> promises;
  config.self = 1;
  SilentEnv env;
  MemoryEngine engine;
  for (int w = 1; w <= config.quorums.n; ++w) {
    for (int r = 1; r <= config.quorums.n; ++r) {
      config.quorums.w = w;
      config.quorums.r = r;
      if (!Validate(config).ok()) continue;  // a write mode that chooses for itself
      const auto replica = Replica::Make(config, /*incarnation=*/1, StoredState(), &engine, &env);
      CHECK(replica.ok()) << replica.status();
      promises[{w, r}] = (*replica)->Promise();
    }
  }
  return promises;
}

}  // namespace quorate::sim
