// Named writes: a client may name a write (Operation::request), so that a repeat of it, after a try
// whose outcome it does not know, never writes twice. Whoever gives the first try its version is
// the only one who ever does; a repeat only finishes what it finds, and where it finds nothing the
// outcome stays unknown, since the first try may still be under way (doc/semantics.md 13).
//
// A name stands beside its value in the record, so it goes wherever the record goes, until another
// write replaces it. The node that gave the version also remembers the name itself, for a while, in
// memory.
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_NAMED_WRITES_H_
#define QUORATE_REPLICATION_NAMED_WRITES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "replication/operation.h"
#include "replication/storage/record.h"

namespace quorate {

// A write that was given its version.
struct NamedWrite {
  std::string key;
  bool tombstone = false;
  uint64_t value_hash = 0;
  // What its client is told, but for acknowledgements.
  OperationResult result;

  // INVALID_ARGUMENT where `operation` has the name of this write and asks for another one.
  absl::Status CheckRepeats(const Operation& operation) const;
};

class NamedWrites {
 public:
  struct Limits {
    size_t names = 65536;
    size_t bytes = size_t{64} << 20;  // keys can be long, and versions can
  };

  NamedWrites() : NamedWrites(Limits()) {}
  explicit NamedWrites(const Limits& limits) : limits_(limits) {}

  // Null where `request` is not remembered. Valid until the next Add.
  const NamedWrite* Find(absl::string_view request) const;

  // `operation` has a name, and has been given its version, which `result` tells. Beyond a limit
  // the oldest names are forgotten.
  void Add(const Operation& operation, const OperationResult& result);

  size_t size() const { return oldest_first_.size(); }

 private:
  struct Entry {
    std::string request;
    NamedWrite write;

    size_t bytes() const;  // of memory, about
  };

  const Limits limits_;
  size_t bytes_ = 0;
  std::deque<Entry> oldest_first_;
  absl::btree_map<absl::string_view, const NamedWrite*> by_request_;  // into oldest_first_
};

// The value in `record` whose write has the name `request`; null where there is none.
const Sibling* FindNamed(const Record& record, absl::string_view request);

// What is told of a write that was found by its name in a record.
NamedWrite FoundWrite(const std::string& key, const Record& record, const Sibling& sibling);

// Where a repeat finds nothing.
OperationResult NothingToRepeat();

}  // namespace quorate

#endif  // QUORATE_REPLICATION_NAMED_WRITES_H_
