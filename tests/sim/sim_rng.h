// SimRng: the simulator's own random numbers, the same on every machine and with every library.
//
//   SimRng network = SimRng::Stream(seed, "network");
//   absl::Duration delay = network.Exponential(absl::Milliseconds(2));
//
// Each part of the simulated world draws from a stream of its own, so that leaving one out does not
// shift what the others draw. xoshiro256** of Blackman and Vigna, seeded by their splitmix64.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_SIM_RNG_H_
#define QUORATE_TESTS_SIM_SIM_RNG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "replication/storage/record.h"

namespace quorate::sim {

class SimRng {
 public:
  explicit SimRng(uint64_t seed) {
    for (uint64_t& word : state_) word = SplitMix(&seed);
  }

  // The generator of one part of the world.
  static SimRng Stream(uint64_t seed, absl::string_view part) {
    return SimRng(SplitMix(&seed) ^ StableHash(part));
  }

  // A generator of its own for `number` of this part; draws once from this one.
  SimRng Fork(uint64_t number) { return SimRng(Next() ^ (number * 0x9e3779b97f4a7c15u)); }

  uint64_t Next() {
    const uint64_t result = Rotate(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }

  // From 0 to count - 1; count > 0. The bias of the remainder is far below what matters here.
  uint64_t Below(uint64_t count) { return Next() % count; }

  // From low to high, both included.
  int Between(int low, int high) {
    return low + static_cast<int>(Below(static_cast<uint64_t>(high - low) + 1));
  }

  bool Chance(int percent) { return static_cast<int>(Below(100)) < percent; }
  bool ChancePerMille(int per_mille) { return static_cast<int>(Below(1000)) < per_mille; }

  // In steps of a microsecond, both ends included.
  absl::Duration Between(absl::Duration low, absl::Duration high) {
    const int64_t span = absl::ToInt64Microseconds(high - low);
    return low + absl::Microseconds(Below(static_cast<uint64_t>(span) + 1));
  }

  // Close to exponential, by integers alone: the number of leading zeros is geometric, and each of
  // them stands for a mean times ln 2.
  absl::Duration Exponential(absl::Duration mean) {
    int64_t halvings = 0;
    for (uint64_t bits = Next(); halvings < 40 && (bits >> 63) == 0; bits <<= 1) ++halvings;
    const int64_t thousandths = halvings * 1000 + static_cast<int64_t>(Below(1000));
    return absl::Microseconds(absl::ToInt64Microseconds(mean) * thousandths * 693 / 1000000);
  }

  template <typename T>
  const T& Pick(const std::vector<T>& choices) {
    return choices[Below(choices.size())];
  }

 private:
  static uint64_t Rotate(uint64_t word, int bits) { return (word << bits) | (word >> (64 - bits)); }

  static uint64_t SplitMix(uint64_t* state) {
    *state += 0x9e3779b97f4a7c15u;
    uint64_t word = *state;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    return word ^ (word >> 31);
  }

  std::array<uint64_t, 4> state_;
};

// MomentRng: randomness that depends on when, and to whom, something happens, and not on how much
// has been drawn before.
//
//   const absl::Duration delay = rng.At(queue.Now(), node).Exponential(mean);
//
// So a run with one event fewer goes on as before wherever that event had no effect. What happens
// to anyone at the same moment draws differently.
//
// Not thread-safe.
class MomentRng {
 public:
  explicit MomentRng(SimRng rng) : base_(rng.Next()) {}

  // A word, and a whole generator. `now` never goes back.
  uint64_t WordAt(absl::Duration now, uint64_t who) {
    if (now != moment_) {
      moment_ = now;
      drawn_ = 0;
    }
    uint64_t word = base_ ^ static_cast<uint64_t>(absl::ToInt64Nanoseconds(now));
    for (const uint64_t more : {who, ++drawn_}) {
      word = (word ^ (word >> 31)) * 0xbf58476d1ce4e5b9u + more;
    }
    word = (word ^ (word >> 30)) * 0x94d049bb133111ebu;
    return word ^ (word >> 31);
  }
  SimRng At(absl::Duration now, uint64_t who) { return SimRng(WordAt(now, who)); }

 private:
  const uint64_t base_;
  absl::Duration moment_;
  uint64_t drawn_ = 0;  // at this moment
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_SIM_RNG_H_
