#include "loadgen/check/check_result.h"

#include <algorithm>

namespace quorate::check {
namespace {

struct Words {
  const char* name;
  const char* meaning;
};

// In the order of the enumeration.
constexpr std::array<Words, kConflictKinds> kWords = {{
    {"stale read", "a read returned less than a write that was acknowledged before it began"},
    {"inversion", "a read returned less than another read had returned before it began"},
    {"write order", "a write got a smaller version than what had ended before it began"},
    {"future read", "a read ended before the write began whose value it returned"},
    {"phantom read", "a read returned what no write wrote that can have had an effect"},
    {"wrong value", "a read returned a version with another value than was written"},
    {"shared version", "two writes of one key got the same version"},
    {"two versions", "one write was read under a version that is not its own"},
    {"crossed values", "each of two values was there before the other"},
    {"read your writes", "a session read less than it had written itself"},
    {"monotonic reads", "a session read less than it had read before"},
    {"monotonic writes", "a session's write got no greater version than its earlier write"},
    {"writes follow reads", "a session's write got no greater version than it had read"},
}};

}  // namespace

const char* ConflictName(ConflictKind kind) { return kWords[static_cast<size_t>(kind)].name; }

const char* ConflictMeaning(ConflictKind kind) { return kWords[static_cast<size_t>(kind)].meaning; }

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHolds:
      return "holds";
    case Verdict::kViolated:
      return "violated";
    case Verdict::kUnknown:
      return "unknown";
  }
  return "unknown";
}

Verdict CheckResult::verdict() const {
  if (conflicts() > 0) return Verdict::kViolated;
  return unknown_.empty() ? Verdict::kHolds : Verdict::kUnknown;
}

void CheckResult::Add(Conflict conflict) {
  const size_t kind = static_cast<size_t>(conflict.kind);
  ++counts_[kind];
  severities_.push_back(conflict.severity);
  std::vector<Conflict>& kept = examples_[kind];
  if (kept.size() == kExamplesMax && kept.back().severity >= conflict.severity) return;
  const auto place = std::find_if(kept.begin(), kept.end(), [&conflict](const Conflict& other) {
    return other.severity < conflict.severity;
  });
  kept.insert(place, std::move(conflict));
  if (kept.size() > kExamplesMax) kept.pop_back();
}

void CheckResult::CountKey(size_t reads, size_t writes) {
  ++keys_;
  reads_ += reads;
  writes_ += writes;
  if (conflicts() > conflicts_at_last_key_) ++keys_in_conflict_;
  conflicts_at_last_key_ = conflicts();
}

std::vector<Conflict> CheckResult::Examples() const {
  std::vector<Conflict> all;
  for (const std::vector<Conflict>& kept : examples_) {
    all.insert(all.end(), kept.begin(), kept.end());
  }
  return all;
}

}  // namespace quorate::check
