// StreamRequestReader: goes through an encoded quorate.v1.StreamRequest one operation at a time.
//
// A parsed message takes up to a hundred times the memory of its bytes, where its operations are
// tiny; the bytes themselves have a limit. So a stream keeps the bytes, and parses each operation
// when it has room to start it.
//
//   StreamRequestReader reader(bytes);
//   if (!reader.WellFormed()) ...
//   StreamItem item;
//   while (reader.Next(&item)) ...
#ifndef QUORATE_NODE_STREAM_REQUEST_READER_H_
#define QUORATE_NODE_STREAM_REQUEST_READER_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace quorate {

// What a request asks for next: exactly one of the two is filled.
struct StreamItem {
  std::optional<absl::string_view> operation;  // an encoded StreamOperation
  std::optional<uint64_t> cancel;              // the id of an operation
};

// A value: thread-compatible.
class StreamRequestReader {
 public:
  StreamRequestReader() = default;
  // `message` must live as long as the reader and the items that it has given out.
  explicit StreamRequestReader(absl::string_view message) : rest_(message) {}

  // Whether the fields that follow can be told apart. It does not look into operations. Unknown
  // fields are no fault, except groups.
  bool WellFormed() const;

  // The next item, in the order of the message. False where there is none, or the message is
  // damaged.
  bool Next(StreamItem* item);

 private:
  absl::string_view rest_;
  absl::string_view packed_;  // ids to cancel
  bool damaged_ = false;
};

}  // namespace quorate

#endif  // QUORATE_NODE_STREAM_REQUEST_READER_H_
