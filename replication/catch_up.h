// CatchUp: the one mechanism by which a replica gets what it lacks, whatever the reason.
//
// A pull compares this store with a peer's, page by page in key order: the puller lists keys and
// versions of a range, the peer answers with the records of that range that the puller lacks.
// The peer remembers nothing of a pull but what the strategy does at its first page, so a pull
// survives lost messages and lost sessions and goes on where it was, for as long as neither side
// has started anew: with much data it takes hours. Pages hold at most 1,000 records or 1 MiB.
//
// Pulls are paced, so that they leave room for clients: by a budget of bytes a second, small for
// those that nobody waits for. It counts what is sent, or what is read to compare if that is more.
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_CATCH_UP_H_
#define QUORATE_REPLICATION_CATCH_UP_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/container/btree_map.h"

#include "proto/peer.pb.h"
#include "replication/strategy.h"

namespace quorate {

class CatchUp {
 public:
  enum class Pace {
    kUrgent,      // something is known to be missing
    kBackground,  // to be sure
  };

  // Both must outlive this. `strategy` is told of pages and completed pulls. `wake` asks for a call
  // of OnTimer after a while, instead of what it was asked for before.
  CatchUp(StrategyContext* context, std::function<void(absl::Duration)> wake)
      : context_(context), wake_(std::move(wake)) {}
  void SetStrategy(Strategy* strategy) { strategy_ = strategy; }

  // Starts a pull from a connected peer, or goes on with one that was interrupted; one that is
  // under way goes on instead, at the greater of both paces.
  void Pull(NodeId peer, Pace pace = Pace::kUrgent);
  // Starts from the first page even if a pull is under way, or was interrupted.
  void Restart(NodeId peer);
  // The session with the peer is lost.
  void Interrupt(NodeId peer);
  // Nothing of a pull from the peer counts any more.
  void Stop(NodeId peer);
  bool Pulling(NodeId peer) const { return pulls_.find(peer) != pulls_.end(); }
  // Whether Pull would go on with a pull that was interrupted: it has what the peer held when that
  // began, and what has come to be due since then needs another one.
  bool Resumes(NodeId peer) const;
  // Whether a pull at that pace gets on, from any peer: one whose page had to be asked for again
  // may have met a peer that cannot answer.
  bool GetsOn(Pace pace) const;

  void OnMessage(NodeId from, const peer::v1::Message& message);

  // Asks again for pages that have not come, more and more patiently.
  void Tick();
  // Goes on with the pulls that have waited long enough.
  void OnTimer();

  // Records received and records sent, since the start.
  uint64_t records_pulled() const { return records_pulled_; }
  uint64_t records_served() const { return records_served_; }
  // Of the pages that pulls are made of, in both roles: lists of versions and records alike.
  uint64_t bytes_sent() const { return bytes_sent_; }
  uint64_t bytes_received() const { return bytes_received_; }

 private:
  struct PullState {
    Incarnation incarnation = 0;  // of the peer
    uint64_t page = 0;
    bool first = true;
    bool source_syncing = false;
    std::string after_key;  // everything up to here has been compared
    Pace pace = Pace::kUrgent;
    size_t page_bytes = 0;  // what the page has cost so far
    bool resting = false;   // until `rest_ends`, for the budget's sake; else a page is awaited
    MonotonicTime rest_ends;
    MonotonicTime asked;
    uint64_t asked_mark = 0;   // StrategyContext::RequestMark
    bool asked_again = false;  // for this page, and not yet answered
    // Doubles with every time the page has to be asked for again although its answer may be under
    // way.
    absl::Duration patience;
  };

  // How long a page is waited for before it is asked for again the first time.
  absl::Duration FirstPatience() const;
  // Asks for the next page, once the budget allows for the `bytes` of the last one.
  void Rest(NodeId peer, size_t bytes, PullState* pull);
  void NextPage(NodeId peer, PullState* pull);
  void AskPage(NodeId peer, PullState* pull);
  void OnCompare(NodeId from, const peer::v1::Compare& compare);
  void OnReply(NodeId from, const peer::v1::CompareReply& reply);
  // Returns the message's bytes.
  size_t Send(NodeId peer, const peer::v1::Message& message);

  StrategyContext* const context_;
  const std::function<void(absl::Duration)> wake_;
  Strategy* strategy_ = nullptr;
  uint64_t last_page_ = 0;
  absl::btree_map<NodeId, PullState> pulls_;
  absl::btree_map<NodeId, PullState> interrupted_;
  uint64_t records_pulled_ = 0;
  uint64_t records_served_ = 0;
  uint64_t bytes_sent_ = 0;
  uint64_t bytes_received_ = 0;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_CATCH_UP_H_
