#include "replication/catch_up.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "glog/logging.h"

#include "replication/storage/planted_bugs.h"

namespace quorate {
namespace {

constexpr ScanLimits kPage;  // the defaults: 1,000 records, 1 MiB

constexpr absl::Duration kMostPatience = absl::Seconds(30);

// A peer that lists more than a page holds is broken; the rest of its list is not read.
constexpr int kMaxListed = 1000;

std::optional<std::string> AfterOf(const std::string& after_key) {
  // No key is empty, so the empty string stands for the start of the key space.
  return after_key.empty() ? std::nullopt : std::optional<std::string>(after_key);
}

// The keys are those of `compare`.
absl::btree_map<absl::string_view, Version> Listed(const peer::v1::Compare& compare) {
  absl::btree_map<absl::string_view, Version> listed;
  for (int i = 0; i < compare.entries_size() && i < kMaxListed; ++i) {
    absl::StatusOr<Version> version = Version::FromProto(compare.entries(i).version());
    if (version.ok()) listed[compare.entries(i).key()] = *std::move(version);
  }
  return listed;
}

bool IsTombstone(const Record& record) {
  const Sibling* const winner = record.Winner();
  return winner != nullptr && winner->tombstone;
}

}  // namespace

void CatchUp::Pull(NodeId peer, Pace pace) {
  const auto it = pulls_.find(peer);
  if (Resumes(peer)) {
    PullState& pull = pulls_[peer] = std::move(interrupted_[peer]);
    interrupted_.erase(peer);
    pull.pace = pace;
    NextPage(peer, &pull);
  } else if (it == pulls_.end()) {
    Restart(peer);
    if (Pulling(peer)) pulls_[peer].pace = pace;
  } else if (pace == Pace::kUrgent && it->second.pace != pace) {
    it->second.pace = pace;
    if (it->second.resting) NextPage(peer, &it->second);
  }
}

void CatchUp::Restart(NodeId peer) {
  CHECK(strategy_ != nullptr);
  if (!context_->Connected(peer)) return;
  interrupted_.erase(peer);
  PullState& pull = pulls_[peer];
  pull = PullState();
  pull.incarnation = context_->PeerIncarnation(peer);
  NextPage(peer, &pull);
}

void CatchUp::Interrupt(NodeId peer) {
  const auto it = pulls_.find(peer);
  if (it == pulls_.end()) return;
  if (!it->second.first) interrupted_[peer] = std::move(it->second);
  pulls_.erase(it);
}

void CatchUp::Stop(NodeId peer) {
  pulls_.erase(peer);
  interrupted_.erase(peer);
}

bool CatchUp::Resumes(NodeId peer) const {
  const auto it = interrupted_.find(peer);
  return it != interrupted_.end() && context_->PeerIncarnation(peer) == it->second.incarnation;
}

bool CatchUp::GetsOn(Pace pace) const {
  return std::any_of(pulls_.begin(), pulls_.end(), [pace](const auto& pull) {
    return pull.second.pace == pace && !pull.second.asked_again;
  });
}

absl::Duration CatchUp::FirstPatience() const { return 4 * context_->config().resend_interval; }

void CatchUp::Rest(NodeId peer, size_t bytes, PullState* pull) {
  const ClusterConfig& config = context_->config();
  const size_t rate = pull->pace == Pace::kUrgent ? config.catch_up_bytes_per_second
                                                  : config.background_bytes_per_second;
  if (rate == 0) return NextPage(peer, pull);
  pull->resting = true;
  pull->rest_ends = context_->Now() + absl::Seconds(1) * bytes / rate;
  OnTimer();
}

void CatchUp::OnTimer() {
  const MonotonicTime now = context_->Now();
  MonotonicTime next = absl::InfiniteDuration();
  for (auto& [peer, pull] : pulls_) {
    if (!pull.resting) continue;
    if (pull.rest_ends <= now) {
      NextPage(peer, &pull);
    } else {
      next = std::min(next, pull.rest_ends);
    }
  }
  if (next != absl::InfiniteDuration()) wake_(next - now);
}

void CatchUp::NextPage(NodeId peer, PullState* pull) {
  pull->resting = false;
  pull->page = ++last_page_;
  pull->patience = FirstPatience();
  pull->asked_again = false;
  AskPage(peer, pull);
}

void CatchUp::AskPage(NodeId peer, PullState* pull) {
  absl::StatusOr<RecordPage> mine = context_->store().Scan(AfterOf(pull->after_key), kPage);
  if (!mine.ok()) return context_->FailStop(mine.status());
  pull->asked = context_->Now();
  pull->asked_mark = context_->RequestMark(peer);
  peer::v1::Message message;
  peer::v1::Compare* compare = message.mutable_compare();
  compare->set_page(pull->page);
  compare->set_first(pull->first);
  compare->set_after_key(pull->after_key);
  if (!mine->done) compare->set_through_key(mine->records.back().key);
  size_t scanned = 0;
  for (ScannedRecord& record : mine->records) {
    scanned += record.key.size() + record.encoded.size();
    peer::v1::KeyVersion* entry = compare->add_entries();
    entry->set_key(std::move(record.key));
    record.version.ToProto(entry->mutable_version());
  }
  // Both sides read their values even where only versions travel.
  pull->page_bytes = std::max(Send(peer, message), scanned);
}

size_t CatchUp::Send(NodeId peer, const peer::v1::Message& message) {
  const size_t bytes = message.ByteSizeLong();
  bytes_sent_ += bytes;
  context_->Send(peer, message);
  return bytes;
}

void CatchUp::OnMessage(NodeId from, const peer::v1::Message& message) {
  if (message.has_compare() || message.has_compare_reply()) {
    bytes_received_ += message.ByteSizeLong();
  }
  if (message.has_compare()) OnCompare(from, message.compare());
  if (message.has_compare_reply()) OnReply(from, message.compare_reply());
}

void CatchUp::OnCompare(NodeId from, const peer::v1::Compare& compare) {
  peer::v1::Message message;
  peer::v1::CompareReply* reply = message.mutable_compare_reply();
  reply->set_page(compare.page());
  reply->set_syncing(!strategy_->KnowsItsPast());
  // Before the scan: whatever is written later is not part of the comparison.
  if (compare.first()) strategy_->FillCompareStart(from, reply);
  absl::StatusOr<RecordPage> mine = context_->store().Scan(AfterOf(compare.after_key()), kPage);
  if (!mine.ok()) return context_->FailStop(mine.status());
  const absl::btree_map<absl::string_view, Version> listed = Listed(compare);
  const std::string& end = compare.through_key();
  const bool page_reaches_end =
      mine->done || (!end.empty() && !mine->records.empty() && mine->records.back().key >= end);
  reply->set_done(page_reaches_end && end.empty());
  reply->set_through_key(page_reaches_end ? end : mine->records.back().key);
  for (ScannedRecord& record : mine->records) {
    if (!end.empty() && record.key > end) break;
    const auto theirs = listed.find(record.key);
    if (theirs != listed.end() && theirs->second.Descends(record.version)) continue;
    peer::v1::LogEntry* entry = reply->add_records();
    entry->set_key(std::move(record.key));
    entry->set_record(std::move(record.encoded));
    ++records_served_;
  }
  Send(from, message);
}

void CatchUp::OnReply(NodeId from, const peer::v1::CompareReply& reply) {
  const auto it = pulls_.find(from);
  if (it == pulls_.end() || it->second.page != reply.page() || it->second.resting) return;
  PullState& pull = it->second;
  if (!reply.done() && reply.through_key() <= pull.after_key) return;  // no progress: a broken peer
  if (pull.first) strategy_->OnPullStarted(from, reply);
  pull.first = false;
  // A source counts as whole only if it was so for the whole comparison.
  pull.source_syncing = pull.source_syncing || reply.syncing();
  pull.asked_again = false;
  pull.after_key = reply.through_key();
  for (const peer::v1::LogEntry& entry : reply.records()) {
    absl::StatusOr<Record> record = Record::Decode(entry.record());
    if (!record.ok()) continue;
    if (PlantedBug(Bug::kDropTombstones) && IsTombstone(*record)) continue;
    ++records_pulled_;
    strategy_->OnPulledRecord(from, entry.key(), *record);
  }
  if (!reply.done() && !PlantedBug(Bug::kSkipPages))
    return Rest(from, pull.page_bytes + reply.ByteSizeLong(), &pull);
  const bool source_syncing = pull.source_syncing;
  pulls_.erase(it);
  strategy_->OnPullDone(from, source_syncing);
}

void CatchUp::Tick() {
  for (auto& [peer, pull] : pulls_) {
    const bool lost = context_->Answered(peer, pull.asked_mark);
    const absl::Duration patience = lost ? FirstPatience() : pull.patience;
    if (pull.resting || context_->Now() - pull.asked < patience) continue;
    // A slow path must not be asked faster than it answers. An answer to any of the requests for a
    // page will do, but for the first: the position that comes with it belongs to its own request.
    pull.asked_again = true;
    if (!lost) pull.patience = std::min(2 * pull.patience, kMostPatience);
    if (pull.first) pull.page = ++last_page_;
    AskPage(peer, &pull);
  }
}

}  // namespace quorate
