#include "node/grpc_env.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/time/clock.h"
#include "glog/logging.h"

#include "node/poll_loop.h"

namespace quorate {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// Timers and expiries fired in one piece of work.
constexpr int kMaxFired = 256;

}  // namespace

GrpcEnv::GrpcEnv(std::function<absl::Time()> wall_clock)
    : wall_clock_(std::move(wall_clock)), next_deadline_(kNever) {}

MonotonicTime GrpcEnv::Now() {
  if (!now_.has_value()) now_ = MonotonicNow();
  return *now_;
}

absl::Time GrpcEnv::WallNow() { return wall_clock_ == nullptr ? absl::Now() : wall_clock_(); }

uint64_t GrpcEnv::Random() { return absl::Uniform<uint64_t>(random_); }

void GrpcEnv::Send(NodeId to, peer::v1::Batch batch) {
  effects_.batches.push_back(OutgoingBatch{to, std::move(batch)});
}

void GrpcEnv::SetTimer(TimerId id, MonotonicTime at) { timers_[id] = at; }

void GrpcEnv::ExpireAt(OperationId id, MonotonicTime at) { new_expiries_.emplace_back(at, id); }

void GrpcEnv::Complete(OperationId id, OperationResult result) {
  const auto it = open_.find(id);
  CHECK(it != open_.end()) << "operation " << id << " has ended twice";
  if (it->second.expiry.has_value()) expiries_.erase({*it->second.expiry, id});
  effects_.results.push_back(
      FinishedOperation{std::move(it->second.callback), it->second.bytes, std::move(result)});
  open_.erase(it);
}

void GrpcEnv::RequestSync(SyncTicket ticket) { effects_.sync = ticket; }

void GrpcEnv::LearnMembers(const std::vector<peer::v1::MemberAddress>& members) {
  effects_.members = members;
}

void GrpcEnv::Log(const std::string& line) { effects_.log.push_back(line); }

void GrpcEnv::Open(OperationId id, size_t bytes, KvApi::Callback callback) {
  CHECK(open_.emplace(id, OpenOperation{std::move(callback), bytes, std::nullopt}).second);
}

std::vector<OperationId> GrpcEnv::OpenOperations() const {
  std::vector<OperationId> ids;
  ids.reserve(open_.size());
  for (const auto& [id, operation] : open_) ids.push_back(id);
  return ids;
}

void GrpcEnv::FireDue(Replica* replica) {
  const MonotonicTime now = Now();
  std::vector<TimerId> due;
  for (const auto& [id, at] : timers_) {
    if (at <= now) due.push_back(id);
  }
  for (const TimerId id : due) {
    timers_.erase(id);
    replica->FireTimer(id);
  }
  for (int fired = 0; fired < kMaxFired && !expiries_.empty(); ++fired) {
    const auto [at, id] = *expiries_.begin();
    if (at > now) break;
    expiries_.erase(expiries_.begin());
    const auto it = open_.find(id);
    if (it != open_.end()) it->second.expiry.reset();
    replica->Expire(id);
  }
}

void GrpcEnv::EndDrain() {
  now_.reset();
  for (const auto& [at, id] : new_expiries_) {
    if (id < Replica::kFirstInternalId) {
      const auto it = open_.find(id);
      if (it == open_.end()) continue;
      it->second.expiry = at;
    }
    expiries_.insert({at, id});
  }
  new_expiries_.clear();
  MonotonicTime next = absl::InfiniteDuration();
  for (const auto& [id, at] : timers_) next = std::min(next, at);
  if (!expiries_.empty()) next = std::min(next, expiries_.begin()->first);
  next_deadline_.store(absl::ToInt64Nanoseconds(next));
}

Effects GrpcEnv::TakeEffects() {
  Effects effects = std::move(effects_);
  effects_ = Effects();
  return effects;
}

MonotonicTime GrpcEnv::NextDeadline() const {
  const int64_t next = next_deadline_.load();
  return next == kNever ? absl::InfiniteDuration() : absl::Nanoseconds(next);
}

}  // namespace quorate
