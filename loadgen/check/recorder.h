// Recorder: notes operations while a load runs, and makes a History of them afterwards.
//
//   Recorder recorder(RecorderOptions{});
//   const Recorder::Slot slot = recorder.Begin({key, session, Kind::kWrite, value, now});
//   ... the answer comes ...
//   recorder.End(slot, answer);
//   History history = FinishRecording({&recorder});
//
// Memory is bounded: beyond `operations_max` nothing more is recorded, and the history is cut at
// the start of the first operation that found no room. Every write that began before the cut is in
// it, even one that ended later; reads that ended at the cut or later are left out, since they may
// show writes that are not recorded. So the checkers' verdicts on a cut history are sound.
//
// An order of the servers is three numbers (client/messages.h), a record holds one. They are kept
// apart until the recording is finished; then each key's distinct orders are numbered from 1 in
// their order. The empty order, which means that a key was never written, is 0.
//
// Writes that others made are known only by what reads have shown of them: nobody can say when they
// took effect, nor whether they were acknowledged, so they are of unknown outcome and began before
// all else. But what a key held at first is taken for acknowledged where the recording bears it
// out: where of all that was said of the key nothing is less.
//
// Not thread-safe: one for each thread, all of them on the same clock.
#ifndef QUORATE_LOADGEN_CHECK_RECORDER_H_
#define QUORATE_LOADGEN_CHECK_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/types/span.h"

#include "client/messages.h"
#include "loadgen/check/history.h"

namespace quorate::check {

struct RecorderOptions {
  // Bounds memory: 72 bytes an operation while recording, allocated as they come, and for a moment
  // 120 when the recording is finished.
  size_t operations_max = 4'000'000;
};

// What is known when an operation is sent.
struct Began {
  uint32_t key = 0;
  uint32_t session = 0;
  Kind kind = Kind::kRead;
  uint64_t value = 0;  // writes: names the value, as in Operation
  Nanos start = 0;     // read the clock before the request leaves
};

// What is known when it is over.
struct Ended {
  Outcome outcome = Outcome::kOk;
  uint16_t node = kNoNode;
  bool found = false;          // reads: there was a value
  uint64_t value = 0;          // reads: the one found
  std::optional<Order> order;  // of the version written or read, where the answer says it
  Nanos end = 0;               // read the clock after the answer is there
};

// A write that is not of this recording, as a read has shown it.
struct ForeignWrite {
  uint32_t key = 0;
  Kind kind = Kind::kWrite;    // or a delete, where a read found nothing in the place of a value
  uint64_t value = 0;          // as in Operation
  std::optional<Order> order;  // as in Ended
  Nanos seen_at = 0;           // when the read ended
};

class Recorder {
 public:
  using Slot = size_t;
  static constexpr Slot kNotRecorded = static_cast<Slot>(-1);

  explicit Recorder(const RecorderOptions& options) : operations_max_(options.operations_max) {}

  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // To be called once for each such write, when something first shows it. Beyond the bound the
  // history ends there.
  void Note(const ForeignWrite& write);

  // Kept until End(); what has no end counts as an unknown outcome. kNotRecorded beyond the bound.
  Slot Begin(const Began& began);

  // REQUIRES: `slot` comes from Begin(); at most one call a slot. Nothing happens for kNotRecorded.
  void End(Slot slot, const Ended& ended);

  // The start of the first operation that found no room; nullopt while there is room.
  std::optional<Nanos> cut_at() const { return cut_at_; }
  size_t size() const { return size_; }

 private:
  friend History FinishRecording(absl::Span<Recorder* const> recorders);

  struct Entry {
    Operation operation;
    Order order;
  };
  // Chunks never move, so that no operation waits for a copy of all before it.
  static constexpr size_t kChunk = size_t{1} << 15;

  Entry& At(Slot slot) { return chunks_[slot / kChunk][slot % kChunk]; }
  Slot Allocate();
  // Appends all entries to `entries`, and forgets them.
  void MoveTo(std::vector<Entry>* entries);
  // Numbers the orders of each key; `entries` are sorted by key.
  static void NumberOrders(std::vector<Entry>* entries);

  const size_t operations_max_;
  std::vector<std::unique_ptr<Entry[]>> chunks_;
  size_t size_ = 0;
  std::optional<Nanos> cut_at_;
};

// The history of what `recorders` noted, sorted by key, without names; cut at the earliest of their
// cuts. The recorders are empty afterwards. The caller adds names, a description, and whether the
// order is total.
History FinishRecording(absl::Span<Recorder* const> recorders);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_RECORDER_H_
