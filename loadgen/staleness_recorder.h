// StalenessRecorder: tells of every read, when its answer is there, how stale it was, and adds up
// what a run has shown.
//
// Times are of one monotonic clock and intervals are closed: a write obliges a read only where it
// was acknowledged before, and not at, the time at which the read was sent. With M = the greatest
// order among such writes of the key, and x = the order that the read returned:
//
//   stale      x < M (doc/semantics.md 85; writes that failed or are unknown oblige nobody, 86)
//   k          how many such writes are above x; 0: fresh
//   t          from the first acknowledgement of a write above x to the sending of the read: for so
//              long what was returned had surely been outdated. It is a lower bound; from the first
//              sending of such a write to the end of the read is an upper one
//   delta      from the acknowledgement of M's write to the sending of the read
//   inversion  not stale, but x is below what a read returned that had finished before this one was
//              sent: acknowledgements do not show it, and still no order of the operations fits
//   sessions   monotonic reads: x is below the greatest order that the session had read of the key;
//              read your writes: below the greatest that it had been acknowledged
//   loose      x is below what is acknowledged when the answer is there, so a write that ran beside
//              the read counts; what many programs call stale
//
//   const ReadToken token = recorder.OnReadSent(key, now, session);
//   ... recorder.OnWriteAcknowledged(...) as other operations end ...
//   const ReadVerdict verdict = recorder.OnReadAnswered(key, token, order, version, now, session);
//
// Of each key the latest writes are remembered. With more in flight beside one read, k and t become
// lower bounds, which is counted; whether it was stale is exact.
//
// Not thread-safe: belongs to one thread. Nothing blocks or fails.
#ifndef QUORATE_LOADGEN_STALENESS_RECORDER_H_
#define QUORATE_LOADGEN_STALENESS_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/messages.h"
#include "loadgen/latency_histogram.h"
#include "loadgen/staleness.h"
#include "loadgen/staleness_memory.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

struct StaleReadExample {
  size_t key = 0;
  uint64_t expected_version = 0;
  uint64_t actual_version = 0;  // 0: found nothing
  Nanos since_write = 0;        // delta
};

struct StalenessRecorderOptions {
  size_t keys = 1;  // numbered from 0
  // Limits.
  size_t writes_remembered_per_key = 64;  // less where there are so many keys that it would be much
  size_t session_pairs = size_t{1} << 16;
  size_t examples = 100;
  // Told of each stale read, and of each gap between neighbouring operations of different kind, as
  // far as they are measured; may be empty.
  std::function<void(const StaleReadExample&)> on_stale_read;
  std::function<void(Nanos)> on_read_write_interval;
};

inline constexpr uint32_t kNoSession = ~uint32_t{0};

// What the recorder knew when a read was sent.
struct ReadToken {
  bool measured = true;
  Nanos sent = 0;
  bool obliged = false;  // a write of the key had been acknowledged
  AcknowledgedWrite floor;
  Order returned_before;
  SessionMemory::Seen session;
};

struct ReadVerdict {
  bool stale = false;
  bool loosely_stale = false;
  uint64_t k = 0;
  Nanos t = 0;               // 0 where the read is not stale, as the next one
  Nanos t_upper = 0;         // of no use where `bounds_only`
  bool bounds_only = false;  // k and t are lower bounds
  bool inversion = false;
  bool breaks_monotonic_reads = false;
  bool breaks_read_your_writes = false;
};

// Reads by delta: five classes to each factor of ten from 1 us to 100 s, one below, one above.
struct DeltaBucket {
  static constexpr int kCount = 42;

  Nanos from = 0;
  Nanos to = 0;  // exclusive; the greatest Nanos for the last one
  uint64_t reads = 0;
  uint64_t stale = 0;
  Interval Share() const { return WilsonInterval(stale, reads); }
};

struct StalenessFigures {
  uint64_t reads = 0;  // answered, whatever they found
  uint64_t absent = 0;
  uint64_t stale = 0;
  uint64_t loosely_stale = 0;
  Interval StaleShare() const { return WilsonInterval(stale, reads); }
  Interval LooselyStaleShare() const { return WilsonInterval(loosely_stale, reads); }

  std::vector<uint64_t> k;   // k[i]: reads that were i writes behind; more than fit are the last
  LatencyHistogram t;        // of the stale reads
  LatencyHistogram t_upper;  // of those whose upper bound is known
  uint64_t bounds_only = 0;  // stale reads whose k and t are lower bounds

  std::vector<DeltaBucket> by_delta;  // all classes, ascending

  uint64_t inversions = 0;
  uint64_t monotonic_read_violations = 0;
  uint64_t read_your_writes_violations = 0;

  std::vector<StaleReadExample> examples;  // the first ones

  // From the sending of an operation to that of the next one of the same key.
  LatencyHistogram write_read;  // a read after a write
  LatencyHistogram read_write;
  LatencyHistogram write_write;
  LatencyHistogram read_read;
};

class StalenessRecorder {
 public:
  explicit StalenessRecorder(StalenessRecorderOptions options);

  // REQUIRES for all calls: key < options.keys. Calls should come in the order of `now`; where they
  // do not, something may be missed, but nothing is made up. Only what is `measured` is counted.

  // Of any outcome; for the gaps only.
  void OnWriteSent(size_t key, Nanos now, bool measured = true);

  // The write was answered OK. `order` is {0, version, 0} where no more is known.
  void OnWriteAcknowledged(size_t key, const Order& order, uint64_t version, Nanos sent, Nanos now,
                           uint32_t session);

  // Call it just before the read is sent. A read that fails needs no further call.
  ReadToken OnReadSent(size_t key, Nanos now, uint32_t session, bool measured = true);

  // The read was answered. `order` is nullopt where it found nothing, not even a tombstone's order.
  ReadVerdict OnReadAnswered(size_t key, const ReadToken& token, const std::optional<Order>& order,
                             uint64_t version, Nanos now, uint32_t session);

  const StalenessFigures& figures() const { return figures_; }

  // Pairs of session and key that had to be forgotten: violations of sessions may have been missed.
  uint64_t session_pairs_forgotten() const { return sessions_.forgotten(); }

 private:
  struct KeyState {
    AcknowledgedWrites writes;
    ReturnedOrders returned;
    bool any_sent = false;
    bool last_was_write = false;
    Nanos last_sent = 0;
  };

  KeyState& StateOf(size_t key);
  void CountGap(KeyState* state, bool write, Nanos now, bool measured);
  ReadVerdict Judge(const KeyState& state, const ReadToken& token, const Order& order, Nanos now,
                    uint32_t session) const;
  void Count(size_t key, const AcknowledgedWrite* expected, const ReadToken& token,
             const ReadVerdict& verdict, uint64_t version);

  const StalenessRecorderOptions options_;
  const size_t writes_limit_;
  std::vector<std::unique_ptr<KeyState>> keys_;  // null: not used so far
  SessionMemory sessions_;
  StalenessFigures figures_;
};

// One sentence for people on how the strict and the loose count differ in these figures.
std::string DescribeDifference(const StalenessFigures& figures);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_STALENESS_RECORDER_H_
