// GrpcEnv: the real world behind Env: clocks, randomness, timers, and effects that wait to be
// performed until the drain is over.
//
// Everything but NextDeadline runs on the strand.
#ifndef QUORATE_NODE_GRPC_ENV_H_
#define QUORATE_NODE_GRPC_ENV_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "absl/time/time.h"

#include "node/kv_api.h"
#include "node/peer_routes.h"
#include "proto/peer.pb.h"
#include "replication/env.h"
#include "replication/replica.h"

namespace quorate {

struct FinishedOperation {
  KvApi::Callback callback;
  size_t bytes = 0;  // as given to GrpcEnv::Open
  OperationResult result;
};

// What a drain has brought about, to be performed after it.
struct Effects {
  std::vector<OutgoingBatch> batches;
  std::vector<FinishedOperation> results;
  std::optional<std::vector<peer::v1::MemberAddress>> members;  // learned from a leader
  std::optional<SyncTicket> sync;                               // the last that was asked for
  std::vector<std::string> log;
};

class GrpcEnv : public Env {
 public:
  // `wall_clock` null: the system's.
  explicit GrpcEnv(std::function<absl::Time()> wall_clock = nullptr);

  // Env.
  MonotonicTime Now() override;
  absl::Time WallNow() override;
  uint64_t Random() override;
  void Send(NodeId to, peer::v1::Batch batch) override;
  void SetTimer(TimerId id, MonotonicTime at) override;
  void ExpireAt(OperationId id, MonotonicTime at) override;
  void Complete(OperationId id, OperationResult result) override;
  void RequestSync(SyncTicket ticket) override;
  void LearnMembers(const std::vector<peer::v1::MemberAddress>& members) override;
  const std::vector<peer::v1::MemberAddress>& Members() const override { return members_; }
  void Log(const std::string& line) override;

  // `callback` gets the result of operation `id`, which holds `bytes` of memory.
  void Open(OperationId id, size_t bytes, KvApi::Callback callback);
  // The operations that have not ended.
  std::vector<OperationId> OpenOperations() const;

  void SetMembers(std::vector<peer::v1::MemberAddress> members) { members_ = std::move(members); }

  // Fires timers and expiries that are due, a bounded number of them: what is left stays due.
  void FireDue(Replica* replica);

  // Ends a drain: sorts in the deadlines that it has set.
  void EndDrain();

  // Hands over what has been collected.
  Effects TakeEffects();

  // When the next timer or expiry is due; infinite where there is none. Thread-safe.
  MonotonicTime NextDeadline() const;

 private:
  struct OpenOperation {
    KvApi::Callback callback;
    size_t bytes = 0;
    std::optional<MonotonicTime> expiry;  // in expiries_
  };

  const std::function<absl::Time()> wall_clock_;
  std::optional<MonotonicTime> now_;  // of this drain, once it has asked
  absl::BitGen random_;
  std::vector<peer::v1::MemberAddress> members_;  // this node first
  absl::btree_map<TimerId, MonotonicTime> timers_;
  absl::flat_hash_map<OperationId, OpenOperation> open_;
  // Set in this drain; most operations have ended before they would have to be sorted in.
  std::vector<std::pair<MonotonicTime, OperationId>> new_expiries_;
  absl::btree_set<std::pair<MonotonicTime, OperationId>> expiries_;
  Effects effects_;
  std::atomic<int64_t> next_deadline_;  // nanoseconds of the monotonic clock
};

}  // namespace quorate

#endif  // QUORATE_NODE_GRPC_ENV_H_
