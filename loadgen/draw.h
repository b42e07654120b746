// Random numbers as a pure function of a seed, of the number of what is drawn for, and of what it
// is drawn for, so that a run can be repeated and each choice has numbers of its own.
//
//   Below(Random(seed, index, Draw::kKey), keys)
//
// Pure functions: thread-safe.
#ifndef QUORATE_LOADGEN_DRAW_H_
#define QUORATE_LOADGEN_DRAW_H_

#include <cstddef>
#include <cstdint>

#include "absl/numeric/int128.h"

namespace quorate::loadgen {

// What is drawn for an operation. Another share of writes, for example, leaves keys and targets as
// they were.
enum class Draw : uint64_t { kKind = 1, kKey, kTarget, kSpacing };

// The finaliser of SplitMix64: a bijection whose output bits all depend on all input bits.
inline uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

inline uint64_t Random(uint64_t seed, uint64_t index, Draw draw) {
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15u;
  return Mix(Mix(Mix(seed + kGolden) + index) + kGolden * static_cast<uint64_t>(draw));
}

// Uniform in 0..bound-1, up to a bias of bound / 2^64. REQUIRES: bound > 0.
inline size_t Below(uint64_t random, size_t bound) {
  return static_cast<size_t>(absl::Uint128High64(absl::uint128(random) * bound));
}

// Uniform in [0, 1). 53 bits are what a double holds.
inline double Fraction(uint64_t random) { return static_cast<double>(random >> 11) * 0x1p-53; }

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_DRAW_H_
