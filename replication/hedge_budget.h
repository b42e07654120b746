// HedgeBudget: how many hedges there may be: kPercent of the reads, and kBurst at once. Hedges
// without a bound would double the load just when replicas are slow because of it.
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_HEDGE_BUDGET_H_
#define QUORATE_REPLICATION_HEDGE_BUDGET_H_

#include <algorithm>

namespace quorate {

class HedgeBudget {
 public:
  static constexpr int kPercent = 5;
  static constexpr int kBurst = 10;

  // A read has begun that may come to want a hedge.
  void Earn() { hundredths_ = std::min(hundredths_ + kPercent, kFull); }

  // Takes one hedge; false where none is left.
  bool Spend() {
    if (hundredths_ < kHedge) return false;
    hundredths_ -= kHedge;
    return true;
  }

 private:
  static constexpr int kHedge = 100;
  static constexpr int kFull = kBurst * kHedge;

  int hundredths_ = kFull;  // of a hedge
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_HEDGE_BUDGET_H_
