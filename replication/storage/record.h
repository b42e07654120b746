// Record: what a replica holds under one key. A version and the values that no other write has
// replaced: one where writes are sequenced, one or more (siblings) where they are dotted. A deleted
// key keeps a record whose sibling is a tombstone.
//
// Records form a join semilattice: Merge is commutative, associative and idempotent, so a replica
// may apply records late, twice and in any order (doc/semantics.md 30, 34).
//
// Values: thread-compatible.
#ifndef QUORATE_REPLICATION_STORAGE_RECORD_H_
#define QUORATE_REPLICATION_STORAGE_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "replication/storage/version.h"

namespace quorate {

// The longest name that a client may give a write, in bytes.
inline constexpr size_t kMaxRequestIdBytes = 64;

struct Sibling {
  Dot dot;             // dotted only
  uint64_t clock = 0;  // dotted only: hybrid logical clock, microseconds
  bool tombstone = false;
  std::string value;
  std::string request = {};  // the name that its client gave the write; empty: none
};

struct Record {
  Version version;
  std::vector<Sibling> siblings;

  // A record of a leader's sequence: exactly one value.
  static Record Sequenced(uint64_t epoch, uint64_t number, bool tombstone, std::string value);

  // INVALID_ARGUMENT where `bytes` is no record, or one that contradicts itself.
  static absl::StatusOr<Record> Decode(absl::string_view bytes);
  // The version of what Encode has returned, without a look at the values. INVALID_ARGUMENT where
  // `bytes` does not begin with a valid one.
  static absl::StatusOr<Version> DecodeVersion(absl::string_view bytes);
  std::string Encode() const;

  // Takes in what `other` knows. Returns whether this record changed.
  bool Merge(const Record& other);

  // Dotted: applies a write that its author made after having seen `context`. Siblings that
  // `context` covers are replaced; the others stay beside the new one. `write.dot` must be new.
  // Returns how many siblings were replaced.
  int Put(const Version& context, Sibling write);

  // The sibling that counts where only one may: by (clock, node, value hash), a delete before a
  // value at an equal clock (doc/semantics.md 36). Null for a record without siblings.
  const Sibling* Winner() const;

  // Dotted: whether `context` covers a sibling other than the one of `dot`.
  bool OthersCoveredBy(const Version& context, const Dot& dot) const;

  // Bytes of all values.
  size_t ValueBytes() const;

  bool conflicting() const { return siblings.size() > 1; }
};

// Of a value or a message, however long: XXH3. The same on every machine and build.
uint64_t ContentHash(absl::string_view bytes);

// Of a name, for what is kept: FNV-1a. The same on every machine and build, unlike absl::Hash. With
// the hash of what comes before as `basis`, the hash of both.
inline constexpr uint64_t kStableHashBasis = 14695981039346656037u;
uint64_t StableHash(absl::string_view bytes, uint64_t basis = kStableHashBasis);

}  // namespace quorate

#endif  // QUORATE_REPLICATION_STORAGE_RECORD_H_
