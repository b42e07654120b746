// SimEnv: the simulated world as one life of one replica sees it. Everything is handed on to the
// SimCluster, which decides when it happens.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_SIM_ENV_H_
#define QUORATE_TESTS_SIM_SIM_ENV_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "replication/env.h"
#include "tests/sim/sim_rng.h"

namespace quorate::sim {

// What a life's effects are turned into.
class SimWorld {
 public:
  virtual ~SimWorld() = default;
  virtual MonotonicTime Now() const = 0;
  virtual absl::Time WallNow(NodeId node) const = 0;
  virtual void OnSend(NodeId from, NodeId to, peer::v1::Batch batch) = 0;
  virtual void OnSetTimer(NodeId node, TimerId id, MonotonicTime at) = 0;
  virtual void OnExpireAt(NodeId node, OperationId id, MonotonicTime at) = 0;
  virtual void OnComplete(NodeId node, OperationId id, OperationResult result) = 0;
  virtual void OnRequestSync(NodeId node, SyncTicket ticket) = 0;
  virtual void OnLog(NodeId node, const std::string& line) = 0;
};

class SimEnv : public Env {
 public:
  // `world` must outlive this.
  SimEnv(NodeId node, SimRng rng, SimWorld* world) : node_(node), rng_(rng), world_(world) {}

  MonotonicTime Now() override { return world_->Now(); }
  absl::Time WallNow() override { return world_->WallNow(node_); }
  uint64_t Random() override { return rng_.Next(); }
  void Send(NodeId to, peer::v1::Batch batch) override {
    world_->OnSend(node_, to, std::move(batch));
  }
  void SetTimer(TimerId id, MonotonicTime at) override { world_->OnSetTimer(node_, id, at); }
  void ExpireAt(OperationId id, MonotonicTime at) override { world_->OnExpireAt(node_, id, at); }
  void Complete(OperationId id, OperationResult result) override {
    world_->OnComplete(node_, id, std::move(result));
  }
  void RequestSync(SyncTicket ticket) override { world_->OnRequestSync(node_, ticket); }
  // The simulated transport knows every node from the start and needs no addresses.
  void LearnMembers(const std::vector<peer::v1::MemberAddress>&) override {}
  const std::vector<peer::v1::MemberAddress>& Members() const override { return members_; }
  void Log(const std::string& line) override { world_->OnLog(node_, line); }

 private:
  const NodeId node_;
  SimRng rng_;
  SimWorld* const world_;
  const std::vector<peer::v1::MemberAddress> members_;
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_SIM_ENV_H_
