// OperationTable: the operations of a stream that have not ended, found by id, and ordered by when
// they were added, which is the order of their deadlines. Everything takes constant time.
//
//   OperationTable::Entry& entry = table.Add();
//   ... entry.id travels with the operation ...
//   if (OperationTable::Entry* found = table.Find(id)) table.Remove(found);
//
// Not thread-safe.
#ifndef QUORATE_LOADGEN_OPERATION_TABLE_H_
#define QUORATE_LOADGEN_OPERATION_TABLE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate::loadgen {

class OperationTable {
 public:
  struct Entry {
    uint64_t id = 0;  // unique for the table's life, never 0; 0 where the entry is free
    uint64_t tag = 0;
    bool write = false;
    std::chrono::steady_clock::time_point deadline;
    uint64_t message = 0;  // the number of the message that carries it
    int position = 0;      // in that message

   private:
    friend class OperationTable;
    uint32_t previous = 0;
    uint32_t next = 0;
  };

  OperationTable() : entries_(1) {}

  size_t size() const { return size_; }

  // A new entry with an id, the last in order. References to entries hold until the next Add.
  // REQUIRES: fewer than 2^21 entries.
  Entry& Add();

  // Null where there is no such entry any more.
  Entry* Find(uint64_t id);

  void Remove(Entry* entry);

  // The oldest one, null where there is none; then the one after.
  Entry* First() { return At(entries_[0].next); }
  const Entry* First() const {
    const uint32_t index = entries_[0].next;
    return index == 0 ? nullptr : &entries_[index];
  }
  Entry* After(const Entry& entry) { return At(entry.next); }

 private:
  static constexpr int kIndexBits = 21;
  static constexpr uint64_t kIndexMask = (uint64_t{1} << kIndexBits) - 1;

  Entry* At(uint32_t index) { return index == 0 ? nullptr : &entries_[index]; }

  // Entry 0 is both ends of a ring of those in use. Free ones are chained by `next`.
  std::vector<Entry> entries_;
  uint32_t first_free_ = 0;
  uint64_t last_serial_ = 0;
  size_t size_ = 0;
};

inline OperationTable::Entry& OperationTable::Add() {
  uint32_t index = first_free_;
  if (index == 0) {
    index = static_cast<uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    first_free_ = entries_[index].next;
  }
  Entry& entry = entries_[index];
  Entry& ends = entries_[0];
  entry.id = ++last_serial_ << kIndexBits | index;
  entry.previous = ends.previous;
  entry.next = 0;
  entries_[ends.previous].next = index;
  ends.previous = index;
  ++size_;
  return entry;
}

inline OperationTable::Entry* OperationTable::Find(uint64_t id) {
  const uint64_t index = id & kIndexMask;
  if (index == 0 || index >= entries_.size() || entries_[index].id != id) return nullptr;
  return &entries_[index];
}

inline void OperationTable::Remove(Entry* entry) {
  const auto index = static_cast<uint32_t>(entry->id & kIndexMask);
  entries_[entry->previous].next = entry->next;
  entries_[entry->next].previous = entry->previous;
  entry->id = 0;
  entry->next = first_free_;
  first_free_ = index;
  --size_;
}

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_OPERATION_TABLE_H_
