// WindowRecorder: how the operations of a run are spread over its time, from which `loadgen
// compare` sees whether they were slow, failed or stale in bursts.
//
//   WindowRecorder windows;
//   windows.At(operation.planned.due)->read_response.Record(ended - operation.planned.due);
//   for (const Window& window : windows.windows()) ...
//
// A run has at most kWindowsMax windows, whatever its length: they begin as seconds, and when there
// would be more, neighbours become one and all are twice as long. With 3.4 KB for each histogram
// that makes 1.8 MB at most.
//
// Not thread-safe: belongs to the runner's thread. Nothing blocks or fails.
#ifndef QUORATE_LOADGEN_WINDOW_RECORDER_H_
#define QUORATE_LOADGEN_WINDOW_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "loadgen/workload.h"

namespace quorate::loadgen {

inline constexpr size_t kWindowsMax = 256;

// Counts durations in 16 buckets to each power of two from 1,024 ns to 68.7 s. Shorter ones are in
// the first bucket, longer ones in the last.
class CoarseHistogram {
 public:
  void Record(Nanos nanos);
  void Add(const CoarseHistogram& other);

  // The least duration of each bucket that holds something, but 0 for the first, and how many there
  // are in it; ascending.
  std::vector<std::pair<Nanos, uint64_t>> NonEmptyBuckets() const;

 private:
  std::vector<uint64_t> counts_;  // empty: nothing was recorded
};

// Of the measured operations that were due within it, as far as they have ended.
struct Window {
  uint64_t failed = 0;   // the unknown ones not among them
  uint64_t unknown = 0;  // may have been written
  // Response times of the successful ones.
  CoarseHistogram read_response;
  CoarseHistogram write_response;
  // Reads whose staleness was judged, and how (StalenessRecorder).
  uint64_t judged = 0;
  uint64_t stale = 0;
  uint64_t loosely_stale = 0;
  uint64_t inversions = 0;

  void Add(const Window& other);
};

class WindowRecorder {
 public:
  // The window of what was due then, in time since the run's start. The first call makes the first
  // window, which has what was due earlier, too. Valid until the next call.
  Window* At(Nanos due);

  // One after the other, without gaps, from start() on; each is width() long.
  const std::vector<Window>& windows() const { return windows_; }
  Nanos start() const { return start_; }
  Nanos width() const { return width_; }

 private:
  void Halve();

  std::vector<Window> windows_;
  Nanos start_ = 0;
  Nanos width_ = kNanosPerSecond;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_WINDOW_RECORDER_H_
