#include "node/stream_request_reader.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "proto/kv.pb.h"

namespace quorate {
namespace {

// All items, as the reader gives them: an operation's id, or the cancelled id below zero.
std::vector<int64_t> Read(const std::string& bytes) {
  std::vector<int64_t> items;
  StreamRequestReader reader(bytes);
  StreamItem item;
  while (reader.Next(&item)) {
    EXPECT_NE(item.operation.has_value(), item.cancel.has_value());
    if (item.cancel.has_value()) {
      items.push_back(-static_cast<int64_t>(*item.cancel));
      continue;
    }
    v1::StreamOperation operation;
    EXPECT_TRUE(operation.ParseFromString(std::string(*item.operation)));
    items.push_back(static_cast<int64_t>(operation.id()));
  }
  return items;
}

bool WellFormed(const std::string& bytes) { return StreamRequestReader(bytes).WellFormed(); }

TEST(StreamRequestReaderTest, GivesWhatProtobufHasWritten) {
  v1::StreamRequest request;
  EXPECT_EQ(Read(request.SerializeAsString()), std::vector<int64_t>());
  for (const uint64_t id : {1ull, 300ull, 1ull << 40}) {
    v1::StreamOperation* operation = request.add_operations();
    operation->set_id(id);
    operation->mutable_set()->set_key("k");
    operation->mutable_set()->set_data(std::string(1000, '\xff'));
  }
  request.add_cancel(5);
  request.add_cancel(1ull << 50);
  const std::string bytes = request.SerializeAsString();
  EXPECT_TRUE(WellFormed(bytes));
  EXPECT_EQ(Read(bytes), (std::vector<int64_t>{1, 300, 1ll << 40, -5, -(1ll << 50)}));
}

TEST(StreamRequestReaderTest, TakesIdsThatAreNotPackedAndPassesOverUnknownFields) {
  const std::string unpacked("\x10\x07\x10\x08", 4);
  EXPECT_TRUE(WellFormed(unpacked));
  EXPECT_EQ(Read(unpacked), (std::vector<int64_t>{-7, -8}));
  // Field 15 in each of the four wire types, then an id.
  const std::string unknown =
      absl::StrCat("\x78\x01", "\x79", "12345678", "\x7a\x02", "ab", "\x7d", "1234", "\x10\x09");
  EXPECT_TRUE(WellFormed(unknown));
  EXPECT_EQ(Read(unknown), (std::vector<int64_t>{-9}));
}

TEST(StreamRequestReaderTest, NoticesDamage) {
  v1::StreamRequest request;
  request.add_operations()->mutable_get()->set_key("some key");
  request.add_cancel(1ull << 40);
  const std::string whole = request.SerializeAsString();
  const size_t first_field = 2 + request.operations(0).ByteSizeLong();
  for (size_t size = 0; size <= whole.size(); ++size) {
    const bool at_an_end = size == 0 || size == first_field || size == whole.size();
    EXPECT_EQ(WellFormed(whole.substr(0, size)), at_an_end) << size;
  }
  EXPECT_FALSE(WellFormed("\xff\xff\xff"));
  EXPECT_FALSE(WellFormed(std::string(20, '\xff')));
  EXPECT_FALSE(WellFormed(std::string("\x00\x01", 2)));      // field 0
  EXPECT_FALSE(WellFormed("\x13\x14"));                      // a group
  EXPECT_FALSE(WellFormed(std::string("\x12\x01\x80", 3)));  // half an id, packed
  EXPECT_FALSE(WellFormed("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
}

}  // namespace
}  // namespace quorate
