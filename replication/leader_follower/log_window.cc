#include "replication/leader_follower/log_window.h"

#include <algorithm>
#include <utility>

#include "glog/logging.h"

namespace quorate {

void LogWindow::Reset(uint64_t next) {
  first_ = next;
  start_offset_ = 0;
  entries_.clear();
}

void LogWindow::Append(uint64_t number, std::string key, std::string record) {
  CHECK_EQ(number, last() + 1);
  const size_t start = entries_.empty() ? start_offset_ : entries_.back().end_offset;
  const size_t end = start + key.size() + record.size();
  entries_.push_back(Entry{std::move(key), std::move(record), end});
  while (entries_.size() > 1 && end - start_offset_ > max_bytes_) {
    start_offset_ = entries_.front().end_offset;
    entries_.pop_front();
    ++first_;
  }
}

size_t LogWindow::OffsetBefore(uint64_t number) const {
  if (number <= first_) return start_offset_;
  const uint64_t index = std::min<uint64_t>(number - first_, entries_.size());
  return index == 0 ? start_offset_ : entries_[index - 1].end_offset;
}

size_t LogWindow::Bytes(uint64_t from, uint64_t to) const {
  return to <= from ? 0 : OffsetBefore(to) - OffsetBefore(from);
}

uint64_t LogWindow::Copy(uint64_t from, size_t max_bytes, peer::v1::Replicate* out) const {
  CHECK_GE(from, first_);
  uint64_t number = from;
  for (; number <= last(); ++number) {
    if (number > from && Bytes(from, number + 1) > max_bytes) break;
    const Entry& entry = entries_[number - first_];
    peer::v1::LogEntry* copy = out->add_entries();
    copy->set_number(number);
    copy->set_key(entry.key);
    copy->set_record(entry.record);
  }
  return number;
}

}  // namespace quorate
