// Version: the position of a record in its key's history.
//
// A version is one of two kinds, and one store only ever holds one kind:
//   * sequenced: (epoch, number), a place in a leader's single sequence; any two are ordered;
//   * dotted: a vector of counters, one entry a coordinator's incarnation; two may be concurrent.
// A default version is empty: it comes before every other, and stands for "never written".
//
//   Version a = Version::Sequenced(1, 7), b = Version::Sequenced(2, 3);
//   a.Compare(b);   // Order::kBefore: a newer epoch wins
//
// Dotted version vectors after Preguica, Baquero, Almeida, Fonte and Goncalves, "Dotted Version
// Vectors: Logical Clocks for Optimistic Replication" (2010). Rules: doc/semantics.md 27-34.
//
// Values: thread-compatible, like int.
#ifndef QUORATE_REPLICATION_STORAGE_VERSION_H_
#define QUORATE_REPLICATION_STORAGE_VERSION_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/peer.pb.h"

namespace quorate {

// Names a node within its cluster; never 0.
using NodeId = uint32_t;

// Names one life of a node's memory: unique among all the starts of that node that may have
// forgotten something.
using Incarnation = uint64_t;

enum class VersionOrder { kBefore, kAfter, kEqual, kConcurrent };

// Who gives out counters: a node during one incarnation.
struct Actor {
  NodeId node = 0;
  Incarnation incarnation = 0;

  friend bool operator==(const Actor& a, const Actor& b) {
    return a.node == b.node && a.incarnation == b.incarnation;
  }
  friend bool operator<(const Actor& a, const Actor& b) {
    return std::tie(a.node, a.incarnation) < std::tie(b.node, b.incarnation);
  }
};

// One write: the `counter`-th of `actor` for its key.
struct Dot {
  Actor actor;
  uint64_t counter = 0;

  friend bool operator==(const Dot& a, const Dot& b) {
    return a.actor == b.actor && a.counter == b.counter;
  }
  friend bool operator<(const Dot& a, const Dot& b) {
    return std::tie(a.actor, a.counter) < std::tie(b.actor, b.counter);
  }
};

class Version {
 public:
  // Entries a vector may hold; more is refused as damaged or hostile input.
  static constexpr size_t kMaxEntries = 4096;
  // Counters stay below this, so that Number() stays exact in a JSON number (2^53).
  static constexpr uint64_t kMaxCounter = uint64_t{1} << 40;
  static constexpr uint64_t kMaxNumber = uint64_t{1} << 53;
  static constexpr uint64_t kMaxEpoch = uint64_t{1} << 62;

  Version() = default;

  static Version Sequenced(uint64_t epoch, uint64_t number);

  // INVALID_ARGUMENT where `proto` mixes the kinds, is not sorted, or exceeds the limits above.
  static absl::StatusOr<Version> FromProto(const peer::v1::Version& proto);
  void ToProto(peer::v1::Version* proto) const;

  bool empty() const { return epoch_ == 0 && number_ == 0 && vector_.empty(); }
  bool sequenced() const { return epoch_ != 0 || number_ != 0; }

  // Sequenced only; 0 otherwise.
  uint64_t epoch() const { return epoch_; }
  uint64_t number() const { return number_; }

  // Dotted only: sorted by actor, one entry an actor; empty otherwise.
  const std::vector<Dot>& vector() const { return vector_; }

  // How this version relates to `other`. A sequenced and a dotted version are concurrent.
  VersionOrder Compare(const Version& other) const;

  // True where this version has seen all that `other` has (after or equal).
  bool Descends(const Version& other) const;

  // Dotted: true where the write `dot` is part of this history.
  bool Contains(const Dot& dot) const;

  // Dotted: the highest counter known of `actor`; 0 for none.
  uint64_t CounterOf(const Actor& actor) const;

  // Dotted: adds a write, or everything that `other` has seen.
  void Add(const Dot& dot);
  void Join(const Version& other);

  // The number that the REST API shows: the sequence number, or the sum of the counters. It grows
  // along causality; two concurrent dotted versions may share it.
  uint64_t Number() const;

  // For logs: "(3, 17)" or "{1@5:2, 4@9:1}".
  std::string DebugString() const;

  friend bool operator==(const Version& a, const Version& b) {
    return a.epoch_ == b.epoch_ && a.number_ == b.number_ && a.vector_ == b.vector_;
  }

 private:
  uint64_t epoch_ = 0;
  uint64_t number_ = 0;
  std::vector<Dot> vector_;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_STORAGE_VERSION_H_
