// IdleSpin: for how long a thread that has nothing to do looks for events before it sleeps.
//
// Going to sleep and being woken costs both sides some 10 microseconds, and several times that on a
// virtual machine whose processor halts. Where answers tend to come sooner than a longest time,
// looking for them is cheaper and faster; where they do not, it would be a waste. So the time grows
// with each event that came soon but found the thread asleep, and shrinks with each that came late:
// the adaptive polling of KVM's halted processors (Linux, Documentation/virt/kvm/halt-polling.rst).
//
// Not thread-safe.
#ifndef QUORATE_NODE_IDLE_SPIN_H_
#define QUORATE_NODE_IDLE_SPIN_H_

#include <algorithm>

#include "absl/time/time.h"

namespace quorate {

class IdleSpin {
 public:
  // Not worth less, and more would be a burden on everybody else.
  static constexpr absl::Duration kLeast = absl::Microseconds(10);
  static constexpr absl::Duration kMost = absl::Microseconds(200);

  // `longest`: at least kLeast; or zero, to sleep at once.
  explicit IdleSpin(absl::Duration longest) : longest_(longest) {}

  // How long to look before sleeping. Zero at first.
  absl::Duration limit() const { return limit_; }

  // The thread has waited, looking and asleep, for so long until it had something to do.
  void OnWaited(absl::Duration waited) {
    if (waited <= limit_) return;
    if (waited <= longest_) {
      limit_ = std::clamp(2 * limit_, kLeast, longest_);
    } else {
      limit_ /= 2;
      if (limit_ < kLeast) limit_ = absl::ZeroDuration();
    }
  }

 private:
  const absl::Duration longest_;
  absl::Duration limit_;
};

}  // namespace quorate

#endif  // QUORATE_NODE_IDLE_SPIN_H_
