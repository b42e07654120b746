#include "loadgen/bijection.h"

#include "absl/numeric/bits.h"
#include "glog/logging.h"

#include "loadgen/random_stream.h"

namespace quorate::loadgen {
namespace {

// Four rounds shuffle large numbers well. Halves of a few bits need more, or else neighbours stay
// neighbours far too often: measured with the statistics of the test, 8 rounds are too few for 8
// numbers and 4 for 100.
constexpr int kBitsOfSmallSizes = 8;
constexpr int kRoundsOfLargeSizes = 6;

}  // namespace

Bijection::Bijection(uint64_t size, uint64_t key) : size_(size) {
  CHECK_GT(size, 0u);
  CHECK_LE(size, uint64_t{1} << 63);
  const int bits = absl::bit_width(size - 1);
  low_bits_ = (bits + 1) / 2;
  low_mask_ = (uint64_t{1} << low_bits_) - 1;
  high_mask_ = (uint64_t{1} << (bits - low_bits_)) - 1;
  rounds_ = bits <= kBitsOfSmallSizes ? kRoundsMax : kRoundsOfLargeSizes;
  RandomStream random(MixBits(key + kGoldenRatio64));
  for (int round = 0; round < rounds_; ++round) round_keys_[round] = random.Next();
}

// Each round changes one part by what it makes of the other, which can be undone whatever that is.
uint64_t Bijection::Permute(uint64_t number) const {
  uint64_t low = number & low_mask_;
  uint64_t high = number >> low_bits_;
  for (int round = 0; round < rounds_; round += 2) {
    low ^= MixBits(high + round_keys_[round]) & low_mask_;
    high ^= MixBits(low + round_keys_[round + 1]) & high_mask_;
  }
  return (high << low_bits_) | low;
}

// Ends, because the cycle of a permutation that `number` lies on leads back to it.
uint64_t Bijection::Map(uint64_t number) const {
  uint64_t mapped = Permute(number);
  while (mapped >= size_) mapped = Permute(mapped);
  return mapped;
}

}  // namespace quorate::loadgen
