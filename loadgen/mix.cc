#include "loadgen/mix.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "loadgen/random_stream.h"

namespace quorate::loadgen {
namespace {

constexpr OperationMix kMixes[] = {
    {"a", "session store: as many updates as reads", 0.5, 0.5, 0, 0, "zipf:0.99"},
    {"b", "tags on photos: mostly reads", 0.95, 0.05, 0, 0, "zipf:0.99"},
    {"c", "cache of profiles: reads only", 1, 0, 0, 0, "zipf:0.99"},
    {"d", "status updates: reads of what is newest", 0.95, 0, 0.05, 0, "latest:0.99"},
    {"f", "records of users: read, then written", 0.5, 0, 0, 0.5, "zipf:0.99"},
};

}  // namespace

absl::StatusOr<OperationMix> FindMix(absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  const absl::string_view letter = absl::StripPrefix(lower, "ycsb-");
  for (const OperationMix& mix : kMixes) {
    if (letter == mix.name) return mix;
  }
  if (letter == "e") {
    return absl::InvalidArgumentError("mix 'e' scans ranges of keys, which no server here offers");
  }
  return absl::InvalidArgumentError(absl::StrCat("mix '", name, "': not one of a, b, c, d, f"));
}

double WriteShare(const OperationMix& mix) {
  return (mix.update + mix.insert + mix.read_modify_write) / (1 + mix.read_modify_write);
}

MixedOperation KindOf(const OperationMix& mix, uint64_t seed, uint64_t index) {
  const double draw = StreamOf(seed, index, StreamPurpose::kMix).NextUnit();
  // Each limit is a sum, so that a share of 0 never comes up and the last takes what rounding
  // leaves.
  if (draw < mix.read) return MixedOperation::kRead;
  if (draw < mix.read + mix.update) return MixedOperation::kUpdate;
  if (draw < mix.read + mix.update + mix.insert) return MixedOperation::kInsert;
  return mix.read_modify_write > 0 ? MixedOperation::kReadModifyWrite : MixedOperation::kRead;
}

}  // namespace quorate::loadgen
