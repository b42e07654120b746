// Strand: runs posted work one piece at a time, on the threads that post it.
//
//   strand.Post([this] { replica->Submit(id, operation); });
//
// Whoever posts to an idle strand runs the work on its own thread, so that a request without
// company needs no change of thread. Such a captured thread does one bounded drain; what has
// gathered meanwhile it leaves to the node's poll thread. A drain collects effects (messages,
// results, timers), which are performed after it, outside the lock but before the next drain: they
// keep the order of the drains.
//
// Work that goes on with something comes before work that begins something, or a node that is
// offered more than it can do would answer its peers late, and they would take it for lost.
#ifndef QUORATE_NODE_STRAND_H_
#define QUORATE_NODE_STRAND_H_

#include <array>
#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"

#include "support/mutex.h"

namespace quorate {

// What runs on a strand. All but WakePoller are called by one thread at a time, without any lock
// held, and see what earlier calls wrote.
class StrandHost {
 public:
  virtual ~StrandHost() = default;

  // Whether this drain has done enough.
  virtual bool DrainFull() const = 0;
  // Whether time has gone on since this drain began, which for what runs in it stands still: work
  // that has come meanwhile must not be taken for older than that.
  virtual bool DrainIsOld() = 0;
  // Ends a drain: it must perform nothing, only collect.
  virtual void EndDrain() = 0;
  // Performs what the drain has collected. May post to the strand.
  virtual void PerformEffects() = 0;
  // Makes the poll thread call Run soon. Called on any thread, by several at once.
  virtual void WakePoller() = 0;
};

// Thread-safe.
class Strand {
 public:
  using Work = absl::AnyInvocable<void()>;

  // Each kind runs in the order of posting. A drain begins with a few pieces of new work, then
  // ongoing work comes first; each kind gets on in every drain, however much the other one fills.
  enum class Kind {
    kOngoing,  // others wait for it: messages of peers, timers, syncs
    kNew,      // clients' operations, and what must not overtake them
  };

  // `host` must outlive the strand.
  explicit Strand(StrandHost* host) : host_(host) {}

  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

  // Queues `work`, and runs one drain if the strand is idle. Does not wait for other threads. The
  // queue is not bounded here: who posts must bound what it has posted.
  void Post(Kind kind, Work work) ABSL_LOCKS_EXCLUDED(mu_);

  // Queues `work` without running it: for the poll thread, which calls Run before it sleeps.
  void Enqueue(Kind kind, Work work) ABSL_LOCKS_EXCLUDED(mu_);

  // Runs one drain unless another thread is running one. Returns whether the caller should call
  // again; where another thread runs, that one wakes the poller if anything is left.
  bool Run() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  static constexpr int kKinds = 2;

  // One drain by the thread that owns the strand. Returns whether work is left.
  bool DrainOnce() ABSL_LOCKS_EXCLUDED(mu_);
  // Moves what is queued to taken_.
  void Take() ABSL_LOCKS_EXCLUDED(mu_);
  // The first of that kind in taken_, which has one.
  void RunNext(Kind kind);
  bool Has(Kind kind) const { return !taken_[static_cast<size_t>(kind)].empty(); }
  bool TakenAll() const { return !Has(Kind::kOngoing) && !Has(Kind::kNew); }
  bool QueuesEmpty() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return queues_[0].empty() && queues_[1].empty();
  }

  StrandHost* const host_;

  // Of the thread that owns the strand, by kind.
  std::array<std::deque<Work>, kKinds> taken_;

  Mutex mu_;
  bool owned_ ABSL_GUARDED_BY(mu_) = false;
  std::array<std::vector<Work>, kKinds> queues_ ABSL_GUARDED_BY(mu_);
};

}  // namespace quorate

#endif  // QUORATE_NODE_STRAND_H_
