#include "node/peer_dialer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "google/protobuf/util/message_differencer.h"
#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

#include "replication/cluster_config.h"

namespace quorate {
namespace {

// A bound against a leader that announces nonsense.
constexpr size_t kMaxTargets = 64;

// The same complaint about the same address is repeated no sooner.
constexpr absl::Duration kReportInterval = absl::Seconds(30);

// A link that lasted shorter does not count as a success: the pauses go on growing.
constexpr absl::Duration kStableAfter = absl::Seconds(2);

std::shared_ptr<grpc::Channel> NewChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxPeerMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxPeerMessageBytes);
  // Peers are called directly whatever proxy the environment names for web pages, and each channel
  // has a connection of its own.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // The dialer paces itself; these only keep the channel from being slower.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

bool SamePlace(const PeerAddress& a, const peer::v1::MemberAddress& b) {
  return a.host == b.host() && a.grpc_port == static_cast<int>(b.grpc_port()) &&
         a.http_port == static_cast<int>(b.http_port());
}

// Whether the other end has looked at this node and does not want it.
bool IsRefusal(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::ABORTED:  // replaced: another process goes by this node's id
      return true;
    default:
      return false;
  }
}

bool MakesSense(const peer::v1::MemberAddress& member) {
  const auto port_ok = [](uint32_t port) { return port >= 1 && port <= 65535; };
  return member.id() != 0 && !member.host().empty() && port_ok(member.grpc_port()) &&
         port_ok(member.http_port());
}

}  // namespace

struct PeerDialer::Target {
  PeerAddress address;
  NodeId expected = 0;   // the node that must live there; 0: any
  bool learned = false;  // from a leader, so that a leader may take it back
  bool forgotten = false;

  NodeId id = 0;  // who lived there at the last call, or is expected to
  std::string name;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<peer::v1::Peer::Stub> stub;

  // At most one stream at a time.
  std::shared_ptr<DialledStream> stream;
  bool linked = false;
  bool refused = false;  // this call has led to a wrong node
  std::string reason;    // why this node ended the stream; empty: it did not
  MonotonicTime since;   // dialled, or linked
  MonotonicTime dial_at = -absl::InfiniteDuration();
  absl::Duration pause;

  std::string reported;
  MonotonicTime reported_at;
};

PeerDialer::PeerDialer(const PeerIdentity& self, const DialTiming& timing, PollLoop* loop,
                       PeerRoutes* routes, PeerStreamListener* stream_listener,
                       LinkListener* link_listener, PeerCounters* counters)
    : self_(self),
      timing_(timing),
      loop_(loop),
      routes_(routes),
      stream_listener_(stream_listener),
      link_listener_(link_listener),
      counters_(counters) {}

PeerDialer::~PeerDialer() { CHECK(idle()) << "streams outlive their dialer"; }

void PeerDialer::AddPeers(const std::vector<PeerAddress>& peers) {
  for (const PeerAddress& peer : peers) {
    auto target = std::make_unique<Target>();
    target->address = peer;
    if (!peer.name.empty()) {
      target->expected = target->id = *ParseNodeName(peer.name);
      target->name = peer.name;
    }
    targets_.push_back(std::move(target));
  }
  AnnouncePeers();
}

void PeerDialer::Learn(const std::vector<peer::v1::MemberAddress>& members) {
  for (const std::unique_ptr<Target>& target : targets_) {
    const bool listed =
        std::any_of(members.begin(), members.end(), [&](const peer::v1::MemberAddress& member) {
          return member.id() == target->expected && SamePlace(target->address, member);
        });
    if (target->learned && !listed) {
      target->forgotten = true;
      GiveUp(target.get(), "it is no longer a member, or has moved");
    }
  }
  for (const peer::v1::MemberAddress& member : members) {
    const bool known =
        std::any_of(targets_.begin(), targets_.end(), [&](const std::unique_ptr<Target>& target) {
          return !target->forgotten && target->id == member.id();
        });
    if (known || member.id() == self_.id || !MakesSense(member)) continue;
    if (targets_.size() >= kMaxTargets) break;
    auto target = std::make_unique<Target>();
    target->address =
        PeerAddress{member.name(), member.host(), static_cast<int>(member.http_port()),
                    static_cast<int>(member.grpc_port())};
    target->expected = target->id = member.id();
    target->name = member.name();
    target->learned = true;
    targets_.push_back(std::move(target));
  }
  AnnouncePeers();
}

MonotonicTime PeerDialer::Tick(MonotonicTime now) {
  MonotonicTime next = absl::InfiniteDuration();
  if (shut_down_) return next;
  targets_.erase(std::remove_if(targets_.begin(), targets_.end(),
                                [](const std::unique_ptr<Target>& target) {
                                  return target->forgotten && target->stream == nullptr;
                                }),
                 targets_.end());
  for (const std::unique_ptr<Target>& target : targets_) {
    if (target->stream == nullptr) {
      if (target->dial_at <= now) Dial(target.get(), now);
      next = std::min(next, std::max(target->dial_at, now + timing_.first_pause));
    } else if (target->reason.empty()) {
      const bool linked = target->linked;
      const MonotonicTime from = linked ? target->stream->last_heard() : target->since;
      const MonotonicTime end =
          from + (linked ? timing_.silence_timeout : timing_.greeting_timeout);
      // A paused stream is not silent: it is this node that does not listen.
      if (end <= now && !target->stream->paused()) {
        GiveUp(target.get(), linked ? "nothing has been heard for too long" : "it does not answer");
      }
      next = std::min(next, std::max(end, now + timing_.first_pause));
    }
  }
  return next;
}

void PeerDialer::Dial(Target* target, MonotonicTime now) {
  if (target->channel == nullptr) {
    target->channel = NewChannel(target->address.GrpcAddress());
    target->stub = peer::v1::Peer::NewStub(target->channel);
  }
  // Otherwise the channel would refuse without trying while it pauses by itself.
  grpc::experimental::ChannelResetConnectionBackoff(target->channel.get());
  target->linked = false;
  target->refused = false;
  target->reason.clear();
  target->since = now;
  DialOwner* const owner = this;
  target->stream = std::make_shared<DialledStream>(owner, loop_, stream_listener_, counters_);
  target->stream->Start(self_, target->stub.get());
}

void PeerDialer::GiveUp(Target* target, const std::string& reason) {
  if (target->stream == nullptr || !target->reason.empty()) return;
  target->reason = reason;
  target->stream->Abandon();
}

std::string PeerDialer::ReasonToRefuse(const Target& target, absl::string_view name,
                                       NodeId id) const {
  if (id == 0) return absl::StrCat("it calls itself '", name, "', which is no node id");
  if (id == self_.id) {
    return absl::StrCat("it has this node's own id, '", self_.name,
                        "': it is this node itself, or two nodes were given the same id");
  }
  if (target.expected != 0 && id != target.expected) {
    return absl::StrCat("node '", name, "' lives there, not '", target.name, "'");
  }
  for (const std::unique_ptr<Target>& other : targets_) {
    const bool up = other->linked && other->reason.empty();
    if (other.get() != &target && up && other->id == id) {
      return absl::StrCat("it is node '", name, "', and so is ", other->address.GrpcAddress(),
                          ": two addresses of one node, or two nodes with the same id");
    }
  }
  return "";
}

void PeerDialer::OnGreeted(DialledStream* stream, absl::string_view name) {
  Target* target = Find(stream);
  const absl::StatusOr<NodeId> parsed = ParseNodeName(name);
  const NodeId id = parsed.ok() ? *parsed : 0;
  const std::string refusal = ReasonToRefuse(*target, name, id);
  if (!refusal.empty()) {
    target->refused = true;
    return GiveUp(target, refusal);
  }
  target->id = id;
  target->name = std::string(name);
  target->linked = true;
  target->since = MonotonicNow();
  target->reported.clear();
  link_listener_->OnRefusal(target->address, "");
  LOG(INFO) << "connected to node " << target->name << " at " << target->address.GrpcAddress();
  AnnouncePeers();
  // In this order: whoever hears of the link may use it at once, on any thread.
  stream->Accept(id);
  routes_->Set(id, /*reply=*/false, target->stream);
  link_listener_->OnLink(id, true);
}

void PeerDialer::OnEnded(DialledStream* stream, const grpc::Status& status) {
  Target* target = Find(stream);
  std::string why = target->reason;
  if (why.empty()) {
    target->refused = IsRefusal(status);
    why = status.error_message().empty() ? "the stream has ended" : status.error_message();
  }
  if (target->linked) OnLinkEnded(target, why);
  if (!target->linked || target->refused) Report(target, why);
  target->linked = false;
  target->stream.reset();
  target->pause = std::min(std::max(target->pause * 2, timing_.first_pause), timing_.longest_pause);
  target->dial_at =
      MonotonicNow() + Jittered(target->refused ? timing_.pause_after_refusal : target->pause);
}

void PeerDialer::OnLinkEnded(Target* target, const std::string& reason) {
  if (routes_->Remove(target->id, /*reply=*/false, target->stream.get())) {
    link_listener_->OnLink(target->id, false);
  }
  LOG(INFO) << "the stream to node " << target->name << " is down: " << reason;
  if (MonotonicNow() - target->since >= kStableAfter) target->pause = absl::ZeroDuration();
}

void PeerDialer::Report(Target* target, const std::string& message) {
  if (shut_down_) return;
  link_listener_->OnRefusal(target->address, target->refused ? message : "");
  const MonotonicTime now = MonotonicNow();
  if (message == target->reported && now - target->reported_at < kReportInterval) return;
  target->reported = message;
  target->reported_at = now;
  const google::LogSeverity severity = target->refused ? google::ERROR : google::WARNING;
  LOG_AT_LEVEL(severity) << "cannot use the peer at " << target->address.GrpcAddress() << ": "
                         << message;
}

void PeerDialer::AnnouncePeers() {
  std::vector<peer::v1::MemberAddress> peers;
  for (const std::unique_ptr<Target>& target : targets_) {
    if (target->id == 0 || target->forgotten) continue;
    peer::v1::MemberAddress& peer = peers.emplace_back();
    peer.set_id(target->id);
    peer.set_name(target->name);
    peer.set_host(target->address.host);
    peer.set_http_port(static_cast<uint32_t>(target->address.http_port));
    peer.set_grpc_port(static_cast<uint32_t>(target->address.grpc_port));
  }
  const bool same = std::equal(peers.begin(), peers.end(), announced_.begin(), announced_.end(),
                               [](const auto& a, const auto& b) {
                                 return google::protobuf::util::MessageDifferencer::Equals(a, b);
                               });
  if (same) return;
  announced_ = peers;
  link_listener_->OnPeers(std::move(peers));
}

PeerDialer::Target* PeerDialer::Find(const DialledStream* stream) {
  for (const std::unique_ptr<Target>& target : targets_) {
    if (target->stream.get() == stream) return target.get();
  }
  LOG(FATAL) << "a stream without a target";
}

absl::Duration PeerDialer::Jittered(absl::Duration pause) {
  return pause * absl::Uniform(random_, 0.5, 1.0);
}

void PeerDialer::Shutdown() {
  shut_down_ = true;
  for (const std::unique_ptr<Target>& target : targets_) {
    GiveUp(target.get(), "this node is shutting down");
  }
}

bool PeerDialer::idle() const {
  return std::all_of(targets_.begin(), targets_.end(), [](const std::unique_ptr<Target>& target) {
    return target->stream == nullptr;
  });
}

}  // namespace quorate
