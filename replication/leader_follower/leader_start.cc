// What a leader does until it serves, and when it has to begin anew: it hears enough followers,
// chooses an epoch, and has enough of them adopt it.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "replication/catch_up.h"
#include "replication/leader_follower/leader.h"
#include "replication/outcomes.h"
#include "replication/storage/planted_bugs.h"

namespace quorate {
namespace {

// Above `highest`, and unlike the epoch of any other start, even one that heard of the same
// `highest` and of which nobody is left to tell: the upper half counts, the lower half is the
// incarnation's.
uint64_t NextEpoch(uint64_t highest, Incarnation incarnation) {
  constexpr int kHalf = 32;
  if (PlantedBug(Bug::kReuseEpoch) && highest != 0) return highest;
  return (((highest >> kHalf) + 1) << kHalf) | (incarnation & 0xffffffffu);
}

}  // namespace

void Leader::Start() {
  context_->SetTimer(kResendTimer, context_->config().resend_interval);
  ScanOwnStore();
}

void Leader::ScanOwnStore() {
  absl::StatusOr<RecordPage> page = context_->store().Scan(scanned_to_, ScanLimits());
  if (!page.ok()) return context_->FailStop(page.status());
  for (const ScannedRecord& record : page->records) Note(record.version);
  if (!page->records.empty()) scanned_to_ = page->records.back().key;
  own_store_scanned_ = page->done;
  if (!own_store_scanned_) return context_->SetTimer(kScanTimer, absl::ZeroDuration());
  TryClaimEpoch();
}

void Leader::Note(const Version& version) {
  highest_epoch_ = std::max(highest_epoch_, version.epoch());
  if (!serving_) next_number_ = std::max(next_number_, version.number() + 1);
}

void Leader::CompareWithNext() {
  // One at a time: followers that hold the same would all send it.
  if (context_->catch_up().GetsOn(CatchUp::Pace::kUrgent)) return;
  for (const auto& [id, follower] : followers_) {
    // Once a start of either side: from then on a follower holds nothing that is not the leader's.
    const bool due = follower.connected && !follower.compared;
    if (due && !context_->catch_up().Pulling(id)) return context_->catch_up().Pull(id);
  }
}

void Leader::OnPulledRecord(NodeId, absl::string_view key, const Record& record) {
  const Version& version = record.version;
  if (!version.sequenced() || !IsPlausible(version.epoch(), version.number())) return;
  Note(record.version);
  absl::StatusOr<MergeOutcome> merged = context_->store().Merge(key, record);
  if (absl::IsInvalidArgument(merged.status())) return;  // a broken peer
  if (!merged.ok()) return context_->FailStop(merged.status());
  if (!merged->changed) return;
  if (!serving_) {
    // Its epoch is claimed by nobody any more, but the claim under way must rank above it.
    if (epoch_ != 0 && record.version.epoch() > epoch_) ClaimEpoch();
    return;
  }
  Adopt(std::string(key), record.version, std::string(merged->encoded));
}

void Leader::OnPullDone(NodeId from, bool source_was_syncing) {
  Follower& follower = followers_[from];
  follower.compared = true;
  follower.trusted = !source_was_syncing;
  CompareWithNext();
  TryClaimEpoch();
}

void Leader::TryClaimEpoch() {
  if (epoch_ != 0 || !own_store_scanned_) return;
  int compared = 0;
  int trusted = 0;
  for (const auto& [peer, follower] : followers_) {
    if (!follower.connected || !follower.compared || !follower.highest_epoch.has_value()) continue;
    ++compared;
    trusted += follower.trusted ? 1 : 0;
  }
  const Quorums& quorums = context_->quorums();
  // Followers that have themselves forgotten prove nothing, unless nobody is left to ask.
  const bool enough = trusted >= OthersToHear(quorums.n, quorums.w) || compared >= quorums.n - 1;
  if (enough || PlantedBug(Bug::kLeadBeforeComparing)) ClaimEpoch();
}

void Leader::ClaimEpoch() {
  epoch_ = NextEpoch(highest_epoch_, context_->incarnation());
  highest_epoch_ = epoch_;
  serving_ = widely_adopted_ = false;
  StoredState state = context_->store().state();
  state.set_epoch(epoch_);
  state.set_leader(context_->config().self);
  state.set_through(0);
  context_->store().SetState(std::move(state));
  context_->WhenDurable([this, epoch = epoch_] {
    durable_epoch_ = std::max(durable_epoch_, epoch);
    TryServe();
  });
  // Not to lose a heartbeat's time.
  peer::v1::Message message;
  message.mutable_ping()->set_syncing(!KnowsItsPast());
  FillPing(message.mutable_ping());
  context_->SendToAll(context_->ConnectedPeers(), message);
}

int Leader::CountAdopted() const {
  int adopted = 0;
  for (const auto& [peer, follower] : followers_) {
    adopted += follower.connected && follower.highest_epoch == epoch_ ? 1 : 0;
  }
  return adopted;
}

void Leader::TryServe() {
  if (epoch_ == 0 || serving_ || durable_epoch_ != epoch_) return;
  // A later leader acknowledges nothing at W without one of these followers, who tell it of this
  // epoch: without that, what only a lost follower holds of this epoch could rank above later
  // acknowledged writes. Writes that ask for less than W: MayAskFor.
  if (CountAdopted() < OthersToHear(context_->quorums().n, context_->quorums().w)) return;
  serving_ = true;
  window_.Reset(next_number_);
  durable_scheduled_ = next_number_ - 1;
  context_->Log(absl::StrCat("leading epoch ", epoch_, " from number ", next_number_));
}

bool Leader::MayAskFor(int required) const {
  return required >= context_->quorums().w || widely_adopted_ || PlantedBug(Bug::kWriteUnadopted);
}

void Leader::Abdicate(uint64_t higher_epoch) {
  context_->Log(absl::StrCat("a follower has seen epoch ", higher_epoch, " above ", epoch_,
                             ": taking a new one"));
  highest_epoch_ = std::max(highest_epoch_, higher_epoch);
  for (const auto& [number, write] : writes_) {
    Finish(write.id, UnknownOutcome(absl::StatusCode::kUnavailable, write.acks,
                                    "the leader had to take a new epoch"));
  }
  writes_.clear();
  numbers_.clear();
  reads_.FailAll(absl::UnavailableError("the leader had to take a new epoch during the read"));
  for (auto& [peer, follower] : followers_) follower.attached = false;
  ClaimEpoch();
}

void Leader::Adopt(std::string key, const Version& version, std::string record) {
  // From a write of an earlier epoch that this start had not heard of.
  ++adopted_;
  if (PlantedBug(Bug::kKeepAdopted)) return;
  if (version.number() >= next_number_) {
    // Numbers never go back: the sequence goes on above it, and followers cross the gap by
    // catch-up.
    next_number_ = version.number() + 1;
    window_.Reset(next_number_);
  }
  if (version.epoch() > epoch_) return Abdicate(version.epoch());
  Append(std::move(key), std::move(record));
}

}  // namespace quorate
