// Bijection: a shuffle of the numbers 0..n-1 that needs no table, chosen by a key.
//
// Popular ranks are scattered over the keys by it. Unlike hashing, which maps some ranks to the
// same key and leaves others without a rank, it keeps every probability as it is. A Feistel network
// permutes the next power of two, and is applied again while its result is n or more (cycle
// walking, Black and Rogaway 2002): less than two applications on average.
//
//   const Bijection scatter(1000, seed);
//   scatter.Map(0);   // where the most popular rank lies
//
// Values: thread-safe. Not for secrets.
#ifndef QUORATE_LOADGEN_BIJECTION_H_
#define QUORATE_LOADGEN_BIJECTION_H_

#include <array>
#include <cstdint>

namespace quorate::loadgen {

class Bijection {
 public:
  // CHECK-fails unless 0 < size <= 2^63.
  Bijection(uint64_t size, uint64_t key);

  // A number in 0..size-1, another one for each `number` in 0..size-1.
  uint64_t Map(uint64_t number) const;

  uint64_t size() const { return size_; }

 private:
  static constexpr int kRoundsMax = 12;

  uint64_t Permute(uint64_t number) const;

  uint64_t size_;
  int low_bits_;
  uint64_t low_mask_;
  uint64_t high_mask_;
  int rounds_;
  std::array<uint64_t, kRoundsMax> round_keys_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_BIJECTION_H_
