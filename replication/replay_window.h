// ReplayWindow: recognises repeats among numbers that arrive out of order, in constant memory.
//
// A number is accepted once. Numbers more than kWidth behind the highest one are refused unseen: to
// the protocol they are lost. After the anti-replay window of RFC 4303, section 3.4.3.
//
// Values: thread-compatible.
#ifndef QUORATE_REPLICATION_REPLAY_WINDOW_H_
#define QUORATE_REPLICATION_REPLAY_WINDOW_H_

#include <bitset>
#include <cstdint>

namespace quorate {

class ReplayWindow {
 public:
  static constexpr uint64_t kWidth = 1024;

  // Whether `number` (from 1) is new. It is known afterwards.
  bool Accept(uint64_t number) {
    if (number == 0 || number + kWidth <= highest_) return false;
    if (number > highest_) {
      Advance(number);
    } else if (seen_[number % kWidth]) {
      return false;
    }
    seen_[number % kWidth] = true;
    return true;
  }

  // The highest number accepted; 0 before the first.
  uint64_t highest() const { return highest_; }

 private:
  void Advance(uint64_t number) {
    if (number - highest_ >= kWidth) {
      seen_.reset();
    } else {
      for (uint64_t n = highest_ + 1; n < number; ++n) seen_[n % kWidth] = false;
    }
    highest_ = number;
  }

  uint64_t highest_ = 0;
  std::bitset<kWidth> seen_;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_REPLAY_WINDOW_H_
