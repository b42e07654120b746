#include "loadgen/workload.h"

#include "absl/numeric/int128.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace quorate::loadgen {
namespace {

// What is drawn for an operation; each has random numbers of its own, so that, for example, another
// share of writes leaves keys and targets as they were.
enum class Draw : uint64_t { kKind = 1, kKey, kTarget };

// The finaliser of SplitMix64: a bijection whose output bits all depend on all input bits.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

uint64_t Random(uint64_t seed, uint64_t index, Draw draw) {
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15u;
  return Mix(Mix(Mix(seed + kGolden) + index) + kGolden * static_cast<uint64_t>(draw));
}

// Uniform in 0..bound-1, up to a bias of bound / 2^64.
size_t Below(uint64_t random, size_t bound) {
  return static_cast<size_t>(absl::Uint128High64(absl::uint128(random) * bound));
}

}  // namespace

Nanos Workload::DueAt(uint64_t index) const {
  const absl::int128 nanos = absl::int128(index) * kNanosPerSecond;
  return static_cast<Nanos>(nanos / options_.operations_per_second);
}

PlannedOperation Workload::At(uint64_t index) const {
  PlannedOperation operation;
  operation.index = index;
  operation.due = DueAt(index);
  const uint64_t kind = Random(options_.seed, index, Draw::kKind);
  // 53 bits are what a double holds, so that 0 means never and 1 always.
  operation.write = static_cast<double>(kind >> 11) * 0x1p-53 < options_.writes_per_operation;
  operation.key = Below(Random(options_.seed, index, Draw::kKey), options_.keys);
  if (!(operation.write && options_.writes_to_first_target)) {
    operation.target = Below(Random(options_.seed, index, Draw::kTarget), options_.targets);
  }
  return operation;
}

std::string Workload::KeyName(size_t key) const {
  return absl::StrCat("load-", absl::Hex(options_.seed), "-", key);
}

std::string Workload::ValueOf(const PlannedOperation& operation) const {
  std::string value = absl::StrCat(KeyName(operation.key), ":", operation.index, ":");
  if (value.size() < options_.value_bytes) value.resize(options_.value_bytes, '.');
  return value;
}

bool Workload::ValueBelongsTo(size_t key, absl::string_view value) const {
  return absl::StartsWith(value, absl::StrCat(KeyName(key), ":"));
}

}  // namespace quorate::loadgen
