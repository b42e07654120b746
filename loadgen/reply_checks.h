// ReplyChecks: what is wrong with the values that reads return: stale, absent, of another key.
//
// Not thread-safe: belongs to the runner's thread.
#ifndef QUORATE_LOADGEN_REPLY_CHECKS_H_
#define QUORATE_LOADGEN_REPLY_CHECKS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "loadgen/observer.h"
#include "loadgen/staleness.h"

namespace quorate::loadgen {

struct CheckCounts {
  uint64_t absent = 0;  // found no value
  uint64_t wrong = 0;   // found a value that belongs to another key
  uint64_t stale = 0;   // see StalenessTracker
};

class ReplyChecks : public Observer {
 public:
  // Keys are numbered 0..keys-1. `values` must outlive the checks.
  ReplyChecks(size_t keys, const ValueMaker* values) : staleness_(keys), values_(values) {}

  // Of all reads, and of those that are measured.
  const CheckCounts& all() const { return all_; }
  const CheckCounts& measured() const { return measured_; }

  void OnReadSent(const SentOperation& operation) override;
  void OnReadEnded(const SentOperation& operation, Nanos ended, const Reply& reply) override;
  void OnWriteEnded(const SentOperation& operation, Nanos ended, const Reply& reply) override;

 private:
  StalenessTracker staleness_;
  const ValueMaker* const values_;
  std::vector<Order> floors_;  // by session: what the read in flight must not fall below
  CheckCounts all_;
  CheckCounts measured_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_REPLY_CHECKS_H_
