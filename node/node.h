// Node: one replica of a cluster in the real world: KvApi over a Replica on a strand, with the gRPC
// services and the streams to its peers on one completion queue and poll thread.
//
//   absl::StatusOr<std::unique_ptr<Node>> node = Node::Start(config);
//   (*node)->Start(operation, [](OperationResult result) { ... });
//   (*node)->BeginShutdown();
//   (*node)->Shutdown(absl::Seconds(5));
#ifndef QUORATE_NODE_NODE_H_
#define QUORATE_NODE_NODE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/server.h"

#include "node/grpc_env.h"
#include "node/health_service.h"
#include "node/incoming_line.h"
#include "node/kv_api.h"
#include "node/kv_service.h"
#include "node/node_config.h"
#include "node/node_status.h"
#include "node/node_store.h"
#include "node/node_world.h"
#include "node/peer_dialer.h"
#include "node/peer_routes.h"
#include "node/peer_service.h"
#include "node/peer_stream.h"
#include "node/poll_loop.h"
#include "node/reflection_service.h"
#include "node/strand.h"
#include "replication/replica.h"
#include "replication/storage/stored_state.h"
#include "support/mutex.h"

namespace quorate {

// Thread-safe as KvApi says; Start(config), the two shutdown calls and the destructor are for one
// thread at a time.
class Node final : public KvApi,
                   private StrandHost,
                   private PollHost,
                   private PeerStreamListener,
                   private LinkListener {
 public:
  // Opens the data, listens for gRPC and begins to work. INVALID_ARGUMENT where the configuration
  // makes no sense; UNAVAILABLE, naming address and port, where the system refuses them; what
  // NodeStore::Open says where the data cannot be used. Blocks for the disk.
  static absl::StatusOr<std::unique_ptr<Node>> Start(const NodeConfig& config,
                                                     const NodeWorld& world = {});

  // Shutdown(absl::ZeroDuration()), unless it has been shut down before.
  ~Node() override;

  // KvApi. Operations are refused with RESOURCE_EXHAUSTED where too much is in flight, by number or
  // by bytes, and with UNAVAILABLE from BeginShutdown on. Cancel must not be called any more once
  // Shutdown has been.
  OperationId Start(Operation operation, Callback callback) override;
  void Cancel(OperationId id) override;
  v1::StatusResponse Status() const override;
  std::string NodeName(NodeId id) const override;
  Durability durability() const override { return config_.cluster.durability; }

  // Takes no more operations; those in flight go on. Does not block.
  void BeginShutdown();

  // Lets what is in flight finish, tells clients and peers that the node goes, syncs, and ends.
  // What takes longer than `deadline` from now is cut off, but for the disk. Blocks; a second call
  // does nothing.
  void Shutdown(absl::Duration deadline);

 private:
  Node(const NodeConfig& config, const NodeWorld& world);

  absl::Status OpenReplica(const NodeStorage& storage);
  absl::Status StartServer();
  void OnSynced(SyncTicket ticket, const absl::Status& status);
  void EndLife();
  OperationResult Refusal(size_t bytes) const;
  void OperationEnded() ABSL_LOCKS_EXCLUDED(mu_);
  void RunSoon(Strand::Work work);

  // StrandHost.
  bool DrainFull() const override { return replica_->DrainFull(); }
  bool DrainIsOld() override;
  void EndDrain() override;
  void PerformEffects() override;
  void WakePoller() override { loop_->Wake(); }

  // PollHost.
  MonotonicTime OnGathered() override;
  MonotonicTime NextDeadline() const override;

  // PeerStreamListener and LinkListener.
  void OnBatch(std::shared_ptr<PeerStream> stream, peer::v1::Batch batch, size_t bytes) override;
  void OnPaused(std::shared_ptr<PeerStream> stream) override;
  void OnLink(NodeId peer, bool up) override;
  void OnPeers(std::vector<peer::v1::MemberAddress> peers) override;
  void OnRefusal(const PeerAddress& where, const std::string& reason) override;

  void RefreshStatus();
  void ShowHealth();
  void StopPeers();
  void ResumePaused(MonotonicTime now);
  bool AwaitNoOperations(MonotonicTime until) ABSL_LOCKS_EXCLUDED(mu_);
  void AwaitNoPeers(MonotonicTime until) ABSL_LOCKS_EXCLUDED(mu_);

  // Fixed after construction or Start.
  const NodeConfig config_;
  const PeerIdentity identity_;
  const std::shared_ptr<IncomingLine> incoming_;  // null: nothing is held back
  std::unique_ptr<PollLoop> loop_;
  std::unique_ptr<NodeStore> store_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<KvService> kv_service_;
  std::unique_ptr<PeerService> peer_service_;
  std::unique_ptr<PeerDialer> dialer_;
  std::unique_ptr<HealthService> health_service_;
  std::unique_ptr<ReflectionService> reflection_service_;
  std::unique_ptr<grpc::Server> server_;

  // Of the strand.
  GrpcEnv env_;
  bool fired_ = false;
  std::string shown_state_;
  PeerRefusals refusals_;

  // Of the poll thread.
  MonotonicTime next_refresh_ = -absl::InfiniteDuration();
  std::vector<std::shared_ptr<PeerStream>> paused_;
  bool shown_healthy_ = false;

  // Thread-safe by themselves.
  PeerCounters counters_;
  PeerRoutes routes_{&counters_};
  Strand strand_{this};
  std::atomic<bool> firing_{false};      // FireDue waits on the strand, or runs
  std::atomic<bool> any_paused_{false};  // paused_ is not empty
  std::atomic<bool> healthy_{false};
  std::atomic<bool> draining_{false};
  std::atomic<bool> stop_peers_{false};
  std::atomic<OperationId> next_operation_;
  std::atomic<int64_t> operations_{0};  // in flight
  std::atomic<int64_t> operation_bytes_{0};
  bool shut_down_ = false;  // of the thread that shuts down

  mutable Mutex mu_;
  CondVar changed_;  // operations_ fell to 0, or peers_stopped_
  bool peers_stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<std::vector<peer::v1::MemberAddress>> learned_ ABSL_GUARDED_BY(mu_);
  v1::StatusResponse status_ ABSL_GUARDED_BY(mu_);
  std::map<NodeId, std::string> names_ ABSL_GUARDED_BY(mu_);
};

}  // namespace quorate

#endif  // QUORATE_NODE_NODE_H_
