// CheckResult: what a checker found out about one property of a history, and its evidence.
//
//   CheckResult result("linearizable in the order of versions");
//   result.Add({ConflictKind::kStaleRead, key, severity, {write, read}});
//   if (result.verdict() == Verdict::kViolated) ... result.Examples() ...
//
// Memory is bounded: a few examples of each kind are kept, and the severity of each conflict.
//
// Not thread-safe.
#ifndef QUORATE_LOADGEN_CHECK_CHECK_RESULT_H_
#define QUORATE_LOADGEN_CHECK_CHECK_RESULT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/check/history.h"

namespace quorate::check {

enum class Verdict {
  kHolds,     // nothing in the history contradicts the property
  kViolated,  // the conflicts prove it
  kUnknown,   // no conflict found, but some of the history could not be judged
};

enum class ConflictKind {
  kStaleRead,          // a read returned less than a write that was acknowledged before it began
  kInversion,          // a read returned less than a read that ended before it began
  kWriteOrder,         // a write got a smaller version than what ended before it began
  kFutureRead,         // a read ended before the write began whose value it returned
  kPhantomRead,        // a read returned what nobody wrote, or a write that failed
  kWrongValue,         // a read returned a version with another value than was written
  kSharedVersion,      // two writes got the same version
  kTwoVersions,        // one write was read under two versions
  kZones,              // of two values, each was there before the other
  kReadYourWrites,     // a session's read returned less than its own earlier write
  kMonotonicReads,     // a session's read returned less than its own earlier read
  kMonotonicWrites,    // a session's write got no greater version than its own earlier write
  kWritesFollowReads,  // a session's write got no greater version than what it had read
};
inline constexpr size_t kConflictKinds = 13;

// As reports write them: "stale read" and a sentence that says what it means.
const char* ConflictName(ConflictKind kind);
const char* ConflictMeaning(ConflictKind kind);
const char* VerdictName(Verdict verdict);

struct Conflict {
  ConflictKind kind = ConflictKind::kStaleRead;
  uint32_t key = 0;
  // By how much the clock must have erred to excuse it: were every operation longer by half of
  // this at each end, the pair would be in order. kNever where no clock excuses it.
  Nanos severity = kNever;
  // Places in the history: the conflicting operations and the writes whose values they show, by
  // start, each once.
  std::vector<size_t> operations;
};

class CheckResult {
 public:
  // How many examples of each kind are kept: the worst ones.
  static constexpr size_t kExamplesMax = 5;

  explicit CheckResult(std::string property) : property_(std::move(property)) {}

  const std::string& property() const { return property_; }
  Verdict verdict() const;

  void Add(Conflict conflict);
  // A part of the history could not be judged; `why` comes from a small set of sentences.
  void CannotTell(const std::string& why) { ++unknown_[why]; }
  void CountKey(size_t reads, size_t writes);

  uint64_t conflicts() const { return severities_.size(); }
  uint64_t Count(ConflictKind kind) const { return counts_[static_cast<size_t>(kind)]; }
  // The worst of each kind, kinds in the order of the enumeration, the worst first. Among equals
  // the one that was added first stands first.
  std::vector<Conflict> Examples() const;
  // One for each conflict, in the order of adding.
  const std::vector<Nanos>& severities() const { return severities_; }
  // Why something could not be judged, and for how many keys.
  const std::map<std::string, uint64_t>& unknown() const { return unknown_; }

  uint64_t keys() const { return keys_; }
  uint64_t keys_in_conflict() const { return keys_in_conflict_; }
  uint64_t reads() const { return reads_; }
  uint64_t writes() const { return writes_; }

 private:
  std::string property_;
  std::array<uint64_t, kConflictKinds> counts_ = {};
  std::array<std::vector<Conflict>, kConflictKinds> examples_;
  std::vector<Nanos> severities_;
  std::map<std::string, uint64_t> unknown_;
  uint64_t keys_ = 0;
  uint64_t keys_in_conflict_ = 0;
  uint64_t conflicts_at_last_key_ = 0;
  uint64_t reads_ = 0;
  uint64_t writes_ = 0;
};

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_CHECK_RESULT_H_
