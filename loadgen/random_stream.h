// RandomStream: seeded random numbers that are the same on every machine.
//
// The generator is SplitMix64 (Steele, Lea, Flood 2014). StreamOf gives each operation of a run
// a stream of its own, so that what is drawn for operation i is a pure function of the seed and i,
// however many numbers other operations have used.
//
//   RandomStream random = StreamOf(seed, index, StreamPurpose::kKey);
//   if (random.NextUnit() < 0.1) key = random.NextBelow(50);
//
// Values: thread-compatible. Nothing here fails.
#ifndef QUORATE_LOADGEN_RANDOM_STREAM_H_
#define QUORATE_LOADGEN_RANDOM_STREAM_H_

#include <cstdint>

#include "absl/numeric/int128.h"

namespace quorate::loadgen {

inline constexpr uint64_t kGoldenRatio64 = 0x9e3779b97f4a7c15u;

// A bijection whose output bits all depend on all input bits; 0 stays 0.
inline uint64_t MixBits(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class RandomStream {
 public:
  explicit RandomStream(uint64_t seed) : state_(seed) {}

  // Uniform over all 64-bit numbers.
  uint64_t Next() { return MixBits(state_ += kGoldenRatio64); }

  // Uniform in 0 <= x < 1, in steps of 2^-53, which is what a double holds.
  double NextUnit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

  // Uniform in 0..bound-1, up to a bias of bound / 2^64; 0 where `bound` is 0.
  uint64_t NextBelow(uint64_t bound) { return absl::Uint128High64(absl::uint128(Next()) * bound); }

 private:
  uint64_t state_;
};

// What is drawn for an operation. Each has numbers of its own, so that, for example, another mix of
// operations leaves the keys as they were.
enum class StreamPurpose : uint64_t { kKey = 1, kMix, kScatter, kKind, kTarget, kSpacing };

inline RandomStream StreamOf(uint64_t seed, uint64_t index, StreamPurpose purpose) {
  const uint64_t of_seed = MixBits(seed + kGoldenRatio64 * static_cast<uint64_t>(purpose));
  return RandomStream(MixBits(of_seed + kGoldenRatio64) ^ MixBits(index + kGoldenRatio64));
}

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RANDOM_STREAM_H_
