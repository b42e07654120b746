#include "replication/named_writes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"

#include "replication/storage/version.h"

namespace quorate {
namespace {

NamedWrite Named(const std::string& key, bool tombstone, const std::string& value) {
  NamedWrite write;
  write.key = key;
  write.tombstone = tombstone;
  write.value_hash = ContentHash(value);
  return write;
}

size_t BytesOf(const std::optional<Version>& version) {
  return version.has_value() ? version->vector().size() * sizeof(Dot) : 0;
}

}  // namespace

absl::Status NamedWrite::CheckRepeats(const Operation& operation) const {
  const bool same = key == operation.key &&
                    tombstone == (operation.kind == OperationKind::kDelete) &&
                    value_hash == ContentHash(operation.value);
  if (same) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "another write has had this request id: give each write one of its own, and only its "
      "repeats the same");
}

const NamedWrite* NamedWrites::Find(absl::string_view request) const {
  const auto it = by_request_.find(request);
  return it == by_request_.end() ? nullptr : it->second;
}

size_t NamedWrites::Entry::bytes() const {
  const OperationResult& result = write.result;
  const size_t version = result.record.has_value() ? BytesOf(result.record->version) : 0;
  return sizeof(Entry) + request.size() + write.key.size() + version + BytesOf(result.seen) +
         BytesOf(result.session);
}

void NamedWrites::Add(const Operation& operation, const OperationResult& result) {
  if (Find(operation.request) != nullptr) return;
  const bool tombstone = operation.kind == OperationKind::kDelete;
  Entry& added = oldest_first_.emplace_back(
      Entry{operation.request, Named(operation.key, tombstone, operation.value)});
  added.write.result = result;
  by_request_.emplace(added.request, &added.write);
  bytes_ += added.bytes();
  while (oldest_first_.size() > limits_.names || bytes_ > limits_.bytes) {
    by_request_.erase(oldest_first_.front().request);
    bytes_ -= oldest_first_.front().bytes();
    oldest_first_.pop_front();
  }
}

const Sibling* FindNamed(const Record& record, absl::string_view request) {
  const auto it =
      std::find_if(record.siblings.begin(), record.siblings.end(),
                   [request](const Sibling& sibling) { return sibling.request == request; });
  return it == record.siblings.end() ? nullptr : &*it;
}

NamedWrite FoundWrite(const std::string& key, const Record& record, const Sibling& sibling) {
  NamedWrite write = Named(key, sibling.tombstone, sibling.value);
  OperationResult& result = write.result;
  result.order = OrderOf(record.version, sibling);
  if (record.version.sequenced()) {
    result.record = Record{record.version, {}};
    return write;
  }
  result.node = sibling.dot.actor.node;
  if (!record.conflicting()) {
    // All else that the version covers, the write has replaced.
    result.record = Record{record.version, {}};
    return write;
  }
  // How much more the record's version covers says nothing of this write.
  Version own;
  own.Add(sibling.dot);
  // Its writer has not seen the values beside it: a next write must not replace them.
  if (record.OthersCoveredBy(own, sibling.dot)) result.seen = Version();
  result.record = Record{std::move(own), {}};
  return write;
}

OperationResult NothingToRepeat() {
  OperationResult result;
  result.status = absl::UnavailableError(
      "no replica that was asked knows a try of this write; it may still be under way to one");
  result.may_have_applied = true;
  return result;
}

}  // namespace quorate
