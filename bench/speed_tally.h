// What the closed loops of speed_load share: which key is next, and what is counted.
#ifndef QUORATE_BENCH_SPEED_TALLY_H_
#define QUORATE_BENCH_SPEED_TALLY_H_

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "absl/time/time.h"

#include "node/poll_loop.h"

namespace quorate {

struct SpeedLoad {
  std::string target;   // host:port
  std::string call;     // echo, get, set, set_wait
  int connections = 1;  // of one stream each, for streams
  int in_flight = 1;    // operations a connection; unary: over all connections
  int batch = 0;        // streams: operations a message; 0: all that may start
  uint64_t keys = 50;
  bool fill = false;  // each key once instead of random ones
  size_t value_bytes = 100;
  uint32_t w = 1;
  uint32_t r = 1;
  absl::Duration warm_up;
  absl::Duration duration;
};

// Operations count when their answers come between Begin and End. Not thread-safe.
class SpeedTally {
 public:
  explicit SpeedTally(const SpeedLoad& load) : keys_(load.keys), fill_(load.fill) {}

  void Begin() {
    operations_ = errors_ = 0;
    begun_ = MonotonicNow();
  }
  void End() {
    over_ = true;
    seconds_ = absl::ToDoubleSeconds(MonotonicNow() - begun_);
  }

  // Nothing where no operation may be started any more.
  std::optional<uint64_t> NextKey() {
    if (over_) return std::nullopt;
    if (!fill_) return random_() % keys_;
    if (filled_ == keys_) return std::nullopt;
    return filled_++;
  }

  void Succeeded() {
    if (!over_) ++operations_;
  }
  void Failed(const std::string& error) {
    if (over_) return;
    ++errors_;
    if (first_error_.empty()) first_error_ = error;
  }

  int64_t operations() const { return operations_; }
  int64_t errors() const { return errors_; }
  const std::string& first_error() const { return first_error_; }
  double seconds() const { return seconds_; }

 private:
  const uint64_t keys_;
  const bool fill_;
  std::mt19937_64 random_{std::random_device()()};
  uint64_t filled_ = 0;
  bool over_ = false;
  MonotonicTime begun_;
  double seconds_ = 0;
  int64_t operations_ = 0;
  int64_t errors_ = 0;
  std::string first_error_;
};

}  // namespace quorate

#endif  // QUORATE_BENCH_SPEED_TALLY_H_
