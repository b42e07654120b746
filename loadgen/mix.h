// The core workloads of YCSB (Cooper et al. 2010) as mixes of operations. E is not among them: it
// scans, and there is no such call.
//
//   const absl::StatusOr<OperationMix> mix = FindMix("b");
//   if (KindOf(*mix, seed, index) == MixedOperation::kUpdate) ...
//
// Pure functions: thread-safe, never block.
#ifndef QUORATE_LOADGEN_MIX_H_
#define QUORATE_LOADGEN_MIX_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace quorate::loadgen {

enum class MixedOperation {
  kRead,
  kUpdate,           // writes a key that exists
  kInsert,           // writes the next new key
  kReadModifyWrite,  // reads a key, then writes it
};

// The shares add up to 1.
struct OperationMix {
  absl::string_view name;
  absl::string_view use;  // what it stands for, in a few words
  double read = 0;
  double update = 0;
  double insert = 0;
  double read_modify_write = 0;
  absl::string_view distribution;  // of keys where nothing else is asked, for ParseKeyDistribution
};

// `name` is a letter of either case; `ycsb-` may stand before it. InvalidArgument, with the names
// there are, for all others.
absl::StatusOr<OperationMix> FindMix(absl::string_view name);

// The share of writes among all reads and writes; a read that a write follows is one of each.
double WriteShare(const OperationMix& mix);

// What operation `index` of a run with this seed does.
MixedOperation KindOf(const OperationMix& mix, uint64_t seed, uint64_t index);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_MIX_H_
