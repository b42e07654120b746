#include "loadgen/check/resolve.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"

namespace quorate::check {
namespace {

// What a read of nothing and a delete have in common, and what nothing can have written.
constexpr uint64_t kAbsent = 0;
constexpr uint64_t kUnreadable = std::numeric_limits<uint64_t>::max();

// A write or read as a (version, content) pair sees it.
uint64_t ContentOf(const Operation& operation) {
  if (operation.kind == Kind::kDelete) return kAbsent;
  if (operation.kind == Kind::kWrite) return operation.value;
  if (operation.found == 0) return kAbsent;
  return operation.value == 0 ? kUnreadable : operation.value;
}

bool Counts(const Operation& operation) {
  return operation.ok() || (operation.is_write() && operation.outcome == Outcome::kUnknown);
}

// Value -> the write of a key that wrote it; kUnclear where several did.
class WritesByValue {
 public:
  explicit WritesByValue(absl::Span<const Operation> operations) {
    size_t writes = 0;
    for (const Operation& operation : operations) writes += operation.is_write() ? 1 : 0;
    by_value_.reserve(writes);
    for (size_t i = 0; i < operations.size(); ++i) {
      const Operation& operation = operations[i];
      if (operation.kind != Kind::kWrite || !Counts(operation)) continue;
      const auto [place, added] = by_value_.emplace(operation.value, static_cast<uint32_t>(i));
      if (!added) place->second = kUnclear;
    }
  }

  // kNobody where nobody wrote it.
  uint32_t Find(uint64_t value) const {
    const auto found = by_value_.find(value);
    return found == by_value_.end() ? kNobody : found->second;
  }

 private:
  absl::flat_hash_map<uint64_t, uint32_t> by_value_;
};

// Parts that both ways of resolving share.
class Resolver {
 public:
  explicit Resolver(const KeyOperations& key) : key_(key), read_(key.operations.size(), 0) {
    resolved_.source.assign(key.operations.size(), kLeftOut);
  }

 protected:
  const Operation& At(size_t i) const { return key_.operations[i]; }
  size_t size() const { return key_.operations.size(); }

  void Found(size_t read, uint32_t write) {
    resolved_.source[read] = write;
    if (write == kUnclear) ++resolved_.unclear;
    if (write < size()) read_[write] = 1;
  }

  void Anomaly(ConflictKind kind, size_t a, uint32_t b = kNobody) {
    Conflict conflict;
    conflict.kind = kind;
    conflict.key = key_.key;
    if (b < size()) conflict.operations.push_back(key_.first + std::min<size_t>(a, b));
    conflict.operations.push_back(key_.first + (b < size() ? std::max<size_t>(a, b) : a));
    resolved_.anomalies.push_back(std::move(conflict));
  }

  // A read of what no write that counts wrote: names the failed write that did, if there is one.
  void Phantom(size_t read) {
    resolved_.source[read] = kNobody;
    if (!failed_known_) {
      failed_known_ = true;
      for (size_t i = 0; i < size(); ++i) {
        if (At(i).kind == Kind::kWrite && !Counts(At(i))) failed_.emplace(At(i).value, i);
      }
    }
    const auto failed = At(read).found != 0 ? failed_.find(At(read).value) : failed_.end();
    Anomaly(ConflictKind::kPhantomRead, read, failed == failed_.end() ? kNobody : failed->second);
  }

  // Writes of unknown outcome count where somebody read them.
  void CountOperations() {
    for (size_t i = 0; i < size(); ++i) {
      if (At(i).is_read()) {
        resolved_.reads += resolved_.source[i] != kLeftOut ? 1 : 0;
      } else if (At(i).ok() || (read_[i] != 0 && At(i).outcome == Outcome::kUnknown)) {
        resolved_.source[i] = static_cast<uint32_t>(i);
        ++resolved_.writes;
      }
    }
  }

  const KeyOperations& key_;
  Resolved resolved_;
  std::vector<uint8_t> read_;  // of writes: somebody read it

 private:
  bool failed_known_ = false;
  absl::flat_hash_map<uint64_t, uint32_t> failed_;  // by value; filled when first asked
};

class OrderResolver : public Resolver {
 public:
  OrderResolver(const KeyOperations& key, bool order_is_total) : Resolver(key) {
    resolved_.version.assign(size(), kNoVersion);
    CollectWrites();
    if (order_is_total) FindSharedVersions(versions_);
    for (size_t i = 0; i < size(); ++i) {
      if (At(i).is_read() && At(i).ok() && At(i).order_known != 0) ResolveVersion(i);
    }
    // Later, since the reads above teach the order of writes.
    for (size_t i = 0; i < size(); ++i) {
      if (At(i).is_read() && At(i).ok() && At(i).order_known == 0) ResolveContent(i);
    }
    std::sort(learnt_.begin(), learnt_.end());
    if (order_is_total) FindSharedVersions(learnt_);
    CountOperations();
    FillVersions();
  }

  Resolved Take() { return std::move(resolved_); }

 private:
  struct Entry {
    uint64_t version;
    uint64_t content;
    uint32_t write;

    friend bool operator<(const Entry& a, const Entry& b) {
      return std::tie(a.version, a.content, a.write) < std::tie(b.version, b.content, b.write);
    }
  };

  void CollectWrites() {
    for (size_t i = 0; i < size(); ++i) {
      if (!At(i).is_write() || !Counts(At(i))) continue;
      const uint32_t write = static_cast<uint32_t>(i);
      if (At(i).order_known != 0) {
        versions_.push_back(Entry{At(i).order, ContentOf(At(i)), write});
        resolved_.version[i] = At(i).order;
      } else if (At(i).kind == Kind::kDelete) {
        only_delete_ = deletes_++ == 0 ? write : kUnclear;
      }
    }
    if (!std::is_sorted(versions_.begin(), versions_.end())) {
      std::sort(versions_.begin(), versions_.end());
    }
  }

  void FindSharedVersions(const std::vector<Entry>& sorted) {
    for (size_t i = 1; i < sorted.size(); ++i) {
      if (sorted[i].version != sorted[i - 1].version) continue;
      Anomaly(ConflictKind::kSharedVersion, sorted[i - 1].write, sorted[i].write);
    }
  }

  // The first entry that is not below (version, content). Where versions are numbered without gaps
  // it is where it should be.
  std::vector<Entry>::const_iterator Seek(uint64_t version, uint64_t content) const {
    const uint64_t guess = version - versions_.front().version;
    if (version >= versions_.front().version && guess < versions_.size() &&
        versions_[guess].version == version && versions_[guess].content == content) {
      return versions_.begin() + static_cast<ptrdiff_t>(guess);
    }
    return std::lower_bound(versions_.begin(), versions_.end(), Entry{version, content, 0});
  }

  void ResolveVersion(size_t i) {
    const uint64_t version = At(i).order;
    const uint64_t content = ContentOf(At(i));
    if (version == 0 && content == kAbsent) return Found(i, kInitial);
    if (!versions_.empty()) {
      const auto place = Seek(version, content);
      const bool there = place != versions_.end() && place->version == version;
      if (there && place->content == content) return Found(i, place->write);
      const bool before = place != versions_.begin() && std::prev(place)->version == version;
      if (there || before) {
        resolved_.source[i] = kNobody;
        return Anomaly(ConflictKind::kWrongValue, i, (there ? place : std::prev(place))->write);
      }
    }
    Learn(i, version, content);
  }

  // No write says that it has the version; one that says nothing may have written the content.
  void Learn(size_t i, uint64_t version, uint64_t content) {
    const uint32_t write = content == kAbsent ? FindDelete() : Values().Find(content);
    if (write == kUnclear) {
      Found(i, kUnclear);
      resolved_.version[i] = version;
      return;
    }
    if (write == kNobody) return Phantom(i);
    if (resolved_.version[write] == kNoVersion) {
      resolved_.version[write] = version;
      learnt_.push_back(Entry{version, content, write});
    }
    if (resolved_.version[write] == version) return Found(i, write);
    resolved_.source[i] = kNobody;
    Anomaly(ConflictKind::kTwoVersions, i, write);
  }

  void ResolveContent(size_t i) {
    const uint64_t content = ContentOf(At(i));
    if (content != kAbsent) {
      const uint32_t write = Values().Find(content);
      return write == kNobody ? Phantom(i) : Found(i, write);
    }
    const bool deleted =
        deletes_ > 0 || std::any_of(versions_.begin(), versions_.end(),
                                    [](const Entry& entry) { return entry.content == kAbsent; });
    Found(i, deleted ? kUnclear : kInitial);
  }

  void FillVersions() {
    for (size_t i = 0; i < size(); ++i) {
      const uint32_t source = resolved_.source[i];
      if (source == kInitial) {
        resolved_.version[i] = 0;
      } else if (source == kLeftOut || source == kNobody) {
        resolved_.version[i] = kNoVersion;
      } else if (source != kUnclear) {
        resolved_.version[i] = resolved_.version[source];
        if (resolved_.version[i] == kNoVersion) ++resolved_.unclear;
      }
    }
  }

  uint32_t FindDelete() const { return deletes_ == 0 ? kNobody : only_delete_; }

  const WritesByValue& Values() {
    if (values_ == nullptr) values_ = std::make_unique<WritesByValue>(key_.operations);
    return *values_;
  }

  std::vector<Entry> versions_;  // of the writes that say theirs, sorted
  std::vector<Entry> learnt_;    // of the others, from reads
  size_t deletes_ = 0;           // that do not say their version
  uint32_t only_delete_ = kNobody;
  std::unique_ptr<WritesByValue> values_;  // made when first asked
};

class ValueResolver : public Resolver {
 public:
  explicit ValueResolver(const KeyOperations& key) : Resolver(key), values_(key.operations) {
    for (size_t i = 0; i < size(); ++i) {
      if (At(i).kind != Kind::kDelete || !Counts(At(i))) continue;
      const uint32_t write = static_cast<uint32_t>(i);
      if (At(i).order_known == 0) {
        only_delete_ = unordered_deletes_++ == 0 ? write : kUnclear;
      } else if (!deletes_.emplace(At(i).order, write).second) {
        deletes_[At(i).order] = kUnclear;
      }
    }
    for (size_t i = 0; i < size(); ++i) {
      if (At(i).is_read() && At(i).ok()) Resolve(i);
    }
    CountOperations();
  }

  Resolved Take() { return std::move(resolved_); }

 private:
  void Resolve(size_t i) {
    const uint64_t content = ContentOf(At(i));
    const uint32_t write = content == kAbsent ? FindAbsence(At(i)) : values_.Find(content);
    if (write == kNobody) return Phantom(i);
    Found(i, write);
  }

  uint32_t FindAbsence(const Operation& read) const {
    if (deletes_.empty() && unordered_deletes_ == 0) return kInitial;
    if (read.order_known == 0) return kUnclear;
    if (read.order == 0) return kInitial;
    const auto found = deletes_.find(read.order);
    if (found != deletes_.end()) return found->second;
    return unordered_deletes_ == 0 ? kNobody : only_delete_;
  }

  WritesByValue values_;
  absl::flat_hash_map<uint64_t, uint32_t> deletes_;  // by order
  size_t unordered_deletes_ = 0;
  uint32_t only_delete_ = kNobody;
};

}  // namespace

Resolved ResolveByOrder(const KeyOperations& key, bool order_is_total) {
  return OrderResolver(key, order_is_total).Take();
}

Resolved ResolveByValue(const KeyOperations& key) { return ValueResolver(key).Take(); }

std::vector<size_t> WitnessOf(const KeyOperations& key, const Resolved& resolved,
                              const std::vector<uint32_t>& operations) {
  std::vector<size_t> places;
  for (const uint32_t operation : operations) {
    places.push_back(key.first + operation);
    const uint32_t source = resolved.source[operation];
    if (source < key.operations.size()) places.push_back(key.first + source);
  }
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

void AddFutureReads(const KeyOperations& key, const Resolved& resolved, CheckResult* result) {
  for (uint32_t i = 0; i < key.operations.size(); ++i) {
    const uint32_t source = resolved.source[i];
    if (source == i || source >= key.operations.size()) continue;
    const Operation& read = key.operations[i];
    const Operation& write = key.operations[source];
    if (read.end >= write.start) continue;
    result->Add(Conflict{ConflictKind::kFutureRead, key.key, Between(read.end, write.start),
                         WitnessOf(key, resolved, {i})});
  }
}

}  // namespace quorate::check
