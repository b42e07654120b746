// What phased_load counts, interval by interval.
#ifndef QUORATE_BENCH_PHASED_TALLY_H_
#define QUORATE_BENCH_PHASED_TALLY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "replication/env.h"

namespace quorate {

struct PhasedOperation {
  MonotonicTime due;  // when it should have begun: latency counts from here
  uint32_t key = 0;
  uint16_t phase = 0;
  bool set = false;
};

// The outcome of an answer that is not what was asked for; others are gRPC's codes.
inline constexpr int kWrongAnswer = -1;

// Counts durations in buckets that grow by 2 %.
class CoarseHistogram {
 public:
  void Record(absl::Duration latency);
  void Clear() { counts_.fill(0); }
  // The upper bound of each bucket that is not empty, in microseconds -> how many.
  std::map<std::string, uint32_t> Buckets() const;

 private:
  std::array<uint32_t, 1024> counts_{};
};

// Not thread-safe.
class PhasedTally {
 public:
  explicit PhasedTally(MonotonicTime now) : begun_at_(now) {}

  void Begun() { ++begun_; }
  void Sent() { ++sent_; }
  // Begun, and ended at once: the client already holds all that it may for this connection.
  void HeldBack() { ++held_back_; }
  // Due, but not begun: the load program was too slow.
  void Missed(uint64_t operations) { missed_ += operations; }
  void Ended(const PhasedOperation& operation, int code, const std::string& message,
             MonotonicTime now);

  // One line of JSON with the counts since the last one. Clears them. Operations that ended well
  // count as `gets` and `sets` where they were due in `phase`, else as `earlier`.
  std::string TakeInterval(size_t phase, int64_t in_flight, MonotonicTime now);

 private:
  MonotonicTime begun_at_;
  uint64_t begun_ = 0;
  uint64_t sent_ = 0;
  uint64_t held_back_ = 0;
  uint64_t missed_ = 0;
  std::map<uint16_t, std::array<uint64_t, 2>> succeeded_;  // by phase; gets, sets
  std::map<int, uint64_t> errors_;
  std::map<int, std::string> first_errors_;  // by code
  std::array<CoarseHistogram, 2> latency_;
};

}  // namespace quorate

#endif  // QUORATE_BENCH_PHASED_TALLY_H_
