#include "node/node.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "glog/logging.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

#include "node/delay_line.h"
#include "node/grpc_server_limits.h"
#include "proto/health.grpc.pb.h"
#include "proto/kv.grpc.pb.h"
#include "proto/peer.grpc.pb.h"
#include "proto/reflection.grpc.pb.h"
#include "replication/outcomes.h"

namespace quorate {
namespace {

// Keys and values of operations in flight.
constexpr int64_t kMaxOperationBytes = int64_t{256} << 20;

// A shutdown's time ends with three steps of at most this: cutting off operations, ending the
// streams of peers, ending calls.
constexpr absl::Duration kShutdownStep = absl::Milliseconds(300);

// Grows from start to start where the clock does, and differs where it does not.
Incarnation NewIncarnation() {
  absl::BitGen random;
  const uint64_t micros = static_cast<uint64_t>(absl::ToUnixMicros(absl::Now()));
  return micros << 10 | absl::Uniform<uint64_t>(random, 0, 1 << 10);
}

// Ids of this life must not be those of an earlier one (replication/operation.h).
OperationId FirstOperation() {
  return 1 + absl::Uniform<OperationId>(absl::BitGen(), 0, Replica::kFirstInternalId / 2);
}

// Of the poll thread.
uint64_t RandomBits() {
  thread_local absl::BitGen random;
  return absl::Uniform<uint64_t>(random);
}

// Null where nothing that comes is held back.
std::shared_ptr<IncomingLine> LineOf(const NodeConfig& config, const NodeWorld& world) {
  if (world.incoming != nullptr) return world.incoming;
  if (!config.emulated.any()) return nullptr;
  return std::make_shared<DelayLine>(config.cluster.self, config.emulated, RandomBits);
}

// Why the system refuses to listen there. gRPC does not say.
std::string ListenError(const std::string& address, int port) {
  sockaddr_storage storage = {};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  socklen_t size = sizeof(*v4);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
  } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    size = sizeof(*v6);
  }
  const int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::strerror(errno);
  const int reuse = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  const int failed =
      bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0 || listen(fd, 1) != 0;
  const std::string reason = failed ? std::strerror(errno) : "the gRPC server did not start";
  close(fd);
  return reason;
}

peer::v1::MemberAddress SelfAddress(const NodeConfig& config) {
  peer::v1::MemberAddress self;
  self.set_id(config.cluster.self);
  self.set_name(config.node_name);
  self.set_host(config.advertise_host);
  self.set_http_port(static_cast<uint32_t>(config.http_port));
  self.set_grpc_port(static_cast<uint32_t>(config.grpc_port));
  return self;
}

}  // namespace

Node::Node(const NodeConfig& config, const NodeWorld& world)
    : config_(config),
      identity_{config.cluster.self, config.node_name, config.cluster.cluster},
      incoming_(LineOf(config, world)),
      env_(world.wall_clock),
      next_operation_(FirstOperation()) {}

absl::StatusOr<std::unique_ptr<Node>> Node::Start(const NodeConfig& config,
                                                  const NodeWorld& world) {
  std::unique_ptr<Node> node(new Node(config, world));
  node->shut_down_ = true;
  const absl::Status opened = node->OpenReplica(world.storage);
  if (!opened.ok()) return opened;
  const absl::Status server = node->StartServer();
  if (!server.ok()) {
    node->loop_->Shutdown();
    return server;
  }
  node->shut_down_ = false;
  Node* const self = node.get();
  // Whoever reaches the node finds it knowing what it is. Nothing else runs yet.
  self->RefreshStatus();
  self->strand_.Enqueue(Strand::Kind::kOngoing, [self] {
    self->replica_->Start();
    self->RefreshStatus();
  });
  self->OnPeers({});
  self->dialer_->AddPeers(config.peers);
  self->loop_->Start(self);
  return node;
}

absl::Status Node::OpenReplica(const NodeStorage& storage) {
  const Incarnation incarnation = NewIncarnation();
  absl::StatusOr<std::unique_ptr<NodeStore>> store = NodeStore::Open(config_, incarnation, storage);
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  absl::StatusOr<std::unique_ptr<Replica>> replica =
      Replica::Make(config_.cluster, incarnation, store_->state(), store_->engine(), &env_);
  if (!replica.ok()) return replica.status();
  replica_ = *std::move(replica);
  if (config_.cluster.durability == Durability::kSynced) {
    store_->StartSyncing(
        [this](SyncTicket ticket, const absl::Status& status) { OnSynced(ticket, status); });
  }
  return absl::OkStatus();
}

void Node::OnSynced(SyncTicket ticket, const absl::Status& status) {
  strand_.Post(Strand::Kind::kOngoing,
               [this, ticket, status] { replica_->Durable(ticket, status); });
}

absl::Status Node::StartServer() {
  const PeerAddress self{config_.node_name, config_.listen_address, config_.http_port,
                         config_.grpc_port};
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  SetGrpcServerLimits(&builder);
  builder.AddListeningPort(self.GrpcAddress(), grpc::InsecureServerCredentials());

  loop_ = std::make_unique<PollLoop>(builder.AddCompletionQueue(),
                                     config_.busy_poll ? IdleSpin::kMost : absl::ZeroDuration());
  kv_service_ = std::make_unique<KvService>(loop_.get(), this);
  PeerStreamListener* const streams = this;
  LinkListener* const links = this;
  peer_service_ =
      std::make_unique<PeerService>(identity_, loop_.get(), &routes_, streams, &counters_);
  dialer_ = std::make_unique<PeerDialer>(identity_, DialTiming(), loop_.get(), &routes_, streams,
                                         links, &counters_);
  health_service_ = std::make_unique<HealthService>(loop_.get());
  reflection_service_ = std::make_unique<ReflectionService>(
      loop_.get(), std::vector<std::string>{
                       v1::KeyValue::service_full_name(), peer::v1::Peer::service_full_name(),
                       grpc::health::v1::Health::service_full_name(),
                       grpc::reflection::v1alpha::ServerReflection::service_full_name()});
  for (grpc::Service* service : {kv_service_->service(), peer_service_->service(),
                                 health_service_->service(), reflection_service_->service()}) {
    builder.RegisterService(service);
  }
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    return absl::UnavailableError(absl::StrCat(
        "cannot listen for gRPC on ", config_.listen_address, " port ", config_.grpc_port, ": ",
        ListenError(config_.listen_address, config_.grpc_port)));
  }
  kv_service_->Start();
  peer_service_->Start();
  health_service_->Start();
  reflection_service_->Start();
  return absl::OkStatus();
}

Node::~Node() { Shutdown(absl::ZeroDuration()); }

OperationResult Node::Refusal(size_t bytes) const {
  if (draining_) return NotSent(absl::UnavailableError("this node is shutting down"));
  const size_t limit = config_.cluster.max_open_operations;
  if (operations_.load() > static_cast<int64_t>(limit)) {
    return NotSent(absl::ResourceExhaustedError(
        absl::StrCat("this node has ", limit, " operations in flight, its limit; retry later")));
  }
  if (operation_bytes_.load() + static_cast<int64_t>(bytes) > kMaxOperationBytes) {
    return NotSent(absl::ResourceExhaustedError(
        absl::StrCat("this node has operations of ", kMaxOperationBytes,
                     " bytes in flight, its limit; retry later")));
  }
  return {};
}

OperationId Node::Start(Operation operation, Callback callback) {
  const size_t bytes = operation.key.size() + operation.value.size() + operation.context.size() +
                       operation.session.size() + operation.request.size();
  // Counted before draining_ is looked at, so that Shutdown cannot overlook it.
  operations_.fetch_add(1);
  OperationResult refusal = Refusal(bytes);
  if (!refusal.status.ok()) {
    if (operation.repeat) SpeakOfEarlierTries(&refusal);
    callback(std::move(refusal));
    OperationEnded();
    return 0;
  }
  operation_bytes_.fetch_add(static_cast<int64_t>(bytes));
  const OperationId id = next_operation_.fetch_add(1);
  RunSoon([this, id, bytes, began = MonotonicNow(), operation = std::move(operation),
           callback = std::move(callback)]() mutable {
    operation.timeout -= std::max(env_.Now() - began, absl::ZeroDuration());
    env_.Open(id, bytes, std::move(callback));
    replica_->Submit(id, std::move(operation));
  });
  return id;
}

void Node::OperationEnded() {
  if (operations_.fetch_sub(1) > 1 || !draining_) return;
  MutexLock lock(&mu_);
  changed_.SignalAll();
}

void Node::Cancel(OperationId id) {
  RunSoon([this, id] { replica_->Cancel(id); });
}

void Node::RunSoon(Strand::Work work) {
  // The poll thread runs the strand when it has seen all events that are there.
  if (loop_->OnLoopThread()) {
    strand_.Enqueue(Strand::Kind::kNew, std::move(work));
  } else {
    strand_.Post(Strand::Kind::kNew, std::move(work));
  }
}

v1::StatusResponse Node::Status() const {
  v1::StatusResponse status;
  {
    MutexLock lock(&mu_);
    status = status_;
  }
  if (draining_) status.set_state(kDraining);
  return status;
}

std::string Node::NodeName(NodeId id) const {
  if (id == identity_.id) return identity_.name;
  MutexLock lock(&mu_);
  const auto it = names_.find(id);
  return it == names_.end() || it->second.empty() ? absl::StrCat(id) : it->second;
}

void Node::EndDrain() {
  replica_->Flush();
  env_.EndDrain();
  if (fired_) {
    fired_ = false;
    firing_ = false;
  }
}

void Node::PerformEffects() {
  Effects effects = env_.TakeEffects();
  const bool poller = loop_->OnLoopThread();
  for (const std::string& line : effects.log) LOG(INFO) << line;
  if (effects.members.has_value()) {
    {
      MutexLock lock(&mu_);
      learned_ = std::move(effects.members);
    }
    if (!poller) loop_->Wake();
  }
  if (effects.sync.has_value()) store_->RequestSync(*effects.sync);
  // Clients first: a write that is answered at W=1 does not wait for its copies to be sent.
  for (FinishedOperation& finished : effects.results) {
    finished.callback(std::move(finished.result));
    operation_bytes_.fetch_sub(static_cast<int64_t>(finished.bytes));
    OperationEnded();
  }
  if (!effects.batches.empty()) routes_.Send(std::move(effects.batches));
  if (poller) return;
  loop_->WakeIfLate();
  if (any_paused_) loop_->Wake();
}

MonotonicTime Node::NextDeadline() const {
  return firing_ ? absl::InfiniteDuration() : env_.NextDeadline();
}

MonotonicTime Node::OnGathered() {
  const MonotonicTime now = MonotonicNow();
  std::optional<std::vector<peer::v1::MemberAddress>> learned;
  {
    MutexLock lock(&mu_);
    learned.swap(learned_);
  }
  if (learned.has_value()) dialer_->Learn(*learned);
  if (stop_peers_) StopPeers();
  const MonotonicTime next_batch =
      incoming_ == nullptr ? absl::InfiniteDuration() : incoming_->Release(now);
  if (NextDeadline() <= now) {
    firing_ = true;
    strand_.Enqueue(Strand::Kind::kOngoing, [this] {
      fired_ = true;
      env_.FireDue(replica_.get());
    });
  }
  if (next_refresh_ <= now) {
    next_refresh_ = now + config_.cluster.heartbeat_interval;
    strand_.Enqueue(Strand::Kind::kOngoing, [this] { RefreshStatus(); });
  }
  const bool more = strand_.Run();
  const bool more_for_clients = kv_service_->Flush(now);
  ResumePaused(now);
  ShowHealth();
  const MonotonicTime next =
      std::min({dialer_->Tick(now), next_refresh_, next_batch, NextDeadline()});
  if (more || more_for_clients) return now;
  return any_paused_ ? std::min(next, now + PeerStream::kAnswerPause) : next;
}

bool Node::DrainIsOld() {
  return MonotonicNow() - env_.Now() > config_.cluster.heartbeat_interval / 2;
}

void Node::OnBatch(std::shared_ptr<PeerStream> stream, peer::v1::Batch batch, size_t bytes) {
  if (incoming_ == nullptr) {
    return strand_.Enqueue(Strand::Kind::kOngoing,
                           [this, stream = std::move(stream), batch = std::move(batch), bytes] {
                             replica_->Receive(batch);
                             stream->Consumed(bytes);
                           });
  }
  incoming_->Add(
      MonotonicNow(), std::move(batch),
      [this, held = std::make_shared<Unconsumed>(std::move(stream), bytes)](peer::v1::Batch due) {
        strand_.Enqueue(Strand::Kind::kOngoing,
                        [this, held, due = std::move(due)] { replica_->Receive(due); });
      });
}

void Node::OnPaused(std::shared_ptr<PeerStream> stream) {
  paused_.push_back(std::move(stream));
  any_paused_ = true;
}

void Node::ResumePaused(MonotonicTime now) {
  if (paused_.empty()) return;
  std::vector<std::shared_ptr<PeerStream>> still;
  for (std::shared_ptr<PeerStream>& stream : paused_) {
    if (stream->ResumeReading(now)) still.push_back(std::move(stream));
  }
  paused_ = std::move(still);
  any_paused_ = !paused_.empty();
}

void Node::OnLink(NodeId peer, bool up) {
  strand_.Enqueue(Strand::Kind::kOngoing, [this, peer, up] { replica_->Link(peer, up); });
}

void Node::OnPeers(std::vector<peer::v1::MemberAddress> peers) {
  {
    MutexLock lock(&mu_);
    for (const peer::v1::MemberAddress& peer : peers) names_[peer.id()] = peer.name();
  }
  peers.insert(peers.begin(), SelfAddress(config_));
  strand_.Enqueue(Strand::Kind::kOngoing, [this, peers = std::move(peers)]() mutable {
    env_.SetMembers(std::move(peers));
  });
}

void Node::OnRefusal(const PeerAddress& where, const std::string& reason) {
  strand_.Enqueue(Strand::Kind::kOngoing, [this, address = where.HttpAddress(), reason] {
    if (reason.empty()) {
      refusals_.erase(address);
    } else {
      refusals_[address] = reason;
    }
  });
}

void Node::RefreshStatus() {
  v1::StatusResponse status =
      DescribeNode(config_, *replica_, env_.Members(), refusals_, counters_);
  if (status.state() != shown_state_) {
    shown_state_ = status.state();
    env_.Log(absl::StrCat("state: ", status.state(), status.detail().empty() ? "" : ": ",
                          status.detail()));
  }
  healthy_ = status.state() == kServing;
  MutexLock lock(&mu_);
  status_.Swap(&status);
}

void Node::ShowHealth() {
  const bool healthy = healthy_ && !draining_;
  if (healthy == shown_healthy_) return;
  shown_healthy_ = healthy;
  health_service_->SetServing(healthy);
}

void Node::StopPeers() {
  if (incoming_ != nullptr) incoming_->Clear();
  kv_service_->EndStreams();
  dialer_->Shutdown();
  peer_service_->Shutdown();
  if (!dialer_->idle() || !peer_service_->idle()) return;
  MutexLock lock(&mu_);
  peers_stopped_ = true;
  changed_.SignalAll();
}

bool Node::AwaitNoOperations(MonotonicTime until) {
  MutexLock lock(&mu_);
  while (operations_.load() > 0) {
    const absl::Duration left = until - MonotonicNow();
    if (left <= absl::ZeroDuration()) return false;
    changed_.WaitFor(&mu_, left);
  }
  return true;
}

void Node::BeginShutdown() {
  if (draining_.exchange(true)) return;
  if (!shut_down_) loop_->Wake();
}

void Node::Shutdown(absl::Duration deadline) {
  if (shut_down_) return;
  shut_down_ = true;
  const MonotonicTime end = MonotonicNow() + deadline;
  if (!draining_.exchange(true)) loop_->Wake();
  if (!AwaitNoOperations(end - 3 * kShutdownStep)) {
    LOG(WARNING) << operations_.load() << " operations are cut off by the shutdown";
    // Behind the operations that it is meant for.
    strand_.Post(Strand::Kind::kNew, [this] {
      const absl::Status why = absl::UnavailableError("this node is shutting down");
      for (const OperationId id : env_.OpenOperations()) replica_->Cancel(id, why);
    });
    AwaitNoOperations(MonotonicNow() + kShutdownStep);
  }
  stop_peers_ = true;
  loop_->Wake();
  AwaitNoPeers(MonotonicNow() + kShutdownStep);
  server_->Shutdown(absl::ToChronoTime(absl::Now() + kShutdownStep));
  // The sync thread runs the strand, which may wake the loop.
  store_->StopSyncing();
  loop_->Shutdown();
  EndLife();
}

void Node::EndLife() {
  if (config_.data_dir.empty() || replica_->failed()) return;
  const absl::Status ended = store_->EndLife(replica_->store().state());
  if (!ended.ok()) LOG(ERROR) << "the data could not be synced at the end: " << ended.message();
}

void Node::AwaitNoPeers(MonotonicTime until) {
  MutexLock lock(&mu_);
  while (!peers_stopped_ && MonotonicNow() < until) {
    changed_.WaitFor(&mu_, until - MonotonicNow());
  }
}

}  // namespace quorate
