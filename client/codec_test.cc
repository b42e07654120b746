#include "client/codec.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

TEST(CodecTest, ReadReplyHasAllThatTheNodeSaid) {
  v1::StreamResult result;
  v1::GetResponse* read = result.mutable_read();
  read->set_found(true);
  read->set_data("\xff");
  read->set_version(5);
  read->mutable_order()->set_major(1);
  read->mutable_order()->set_minor(2);
  read->mutable_order()->set_tie(3);
  read->set_context("token");
  read->set_conflict(true);
  read->add_siblings()->set_text("one");
  read->add_siblings()->set_deleted(true);
  read->set_node("4");
  read->set_answers(2);
  read->set_required(1);
  read->set_disagreed(true);
  read->set_durability(v1::SYNCED);
  const Outcome<ReadReply> reply = DecodeRead(&result);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->value, "\xff");
  EXPECT_EQ(reply->version, 5u);
  EXPECT_EQ(reply->order, (Order{1, 2, 3}));
  EXPECT_EQ(reply->context, "token");
  EXPECT_TRUE(reply->conflict);
  ASSERT_EQ(reply->siblings.size(), 2u);
  EXPECT_EQ(reply->siblings[0].value, "one");
  EXPECT_TRUE(reply->siblings[1].deleted);
  EXPECT_EQ(reply->node, "4");
  EXPECT_EQ(reply->answers, 2);
  EXPECT_EQ(reply->required, 1);
  EXPECT_TRUE(reply->disagreed);
  EXPECT_EQ(reply->durability, "synced");
}

TEST(CodecTest, AbsentKeyHasNoValue) {
  v1::StreamResult result;
  result.mutable_read()->set_version(6);
  const Outcome<ReadReply> reply = DecodeRead(&result);
  ASSERT_TRUE(reply.ok());
  EXPECT_FALSE(reply->value.has_value());
  EXPECT_EQ(reply->version, 6u);
  EXPECT_EQ(reply->durability, "") << "the node did not say";
}

TEST(CodecTest, WriteReply) {
  v1::StreamResult result;
  result.mutable_write()->set_version(5);
  result.mutable_write()->set_context("token");
  result.mutable_write()->set_node("4");
  result.mutable_write()->set_acks(3);
  result.mutable_write()->set_required(2);
  result.mutable_write()->set_replaced_siblings(1);
  result.mutable_write()->set_durability(v1::MEMORY);
  const Outcome<WriteReply> reply = DecodeWrite(&result);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->version, 5u);
  EXPECT_EQ(reply->context, "token");
  EXPECT_EQ(reply->node, "4");
  EXPECT_EQ(reply->acks, 3);
  EXPECT_EQ(reply->required, 2);
  EXPECT_EQ(reply->replaced_siblings, 1);
  EXPECT_EQ(reply->durability, "memory");
  result.mutable_write()->set_durability(v1::OS);
  EXPECT_EQ(DecodeWrite(&result)->durability, "os");
}

TEST(CodecTest, ErrorsKeepCodeAndDetails) {
  v1::StreamResult result;
  result.mutable_error()->set_code(14);
  result.mutable_error()->set_message("1 of 3");
  result.mutable_error()->mutable_details()->set_may_have_applied(true);
  result.mutable_error()->mutable_details()->set_acks(1);
  result.mutable_error()->mutable_details()->set_required(3);
  result.mutable_error()->mutable_details()->set_leader("2");
  const Outcome<WriteReply> reply = DecodeWrite(&result);
  EXPECT_EQ(reply.status(), absl::UnavailableError("1 of 3"));
  EXPECT_TRUE(reply.details().may_have_applied);
  EXPECT_EQ(reply.details().acks, 1);
  EXPECT_EQ(reply.details().required, 3);
  EXPECT_EQ(reply.details().leader, "2");
}

TEST(CodecTest, NonsenseIsAnError) {
  v1::StreamResult nothing;
  EXPECT_EQ(DecodeRead(&nothing).status().code(), absl::StatusCode::kInternal);
  EXPECT_FALSE(DecodeRead(&nothing).details().may_have_applied);
  EXPECT_TRUE(DecodeWrite(&nothing).details().may_have_applied);
  for (const int code : {0, 99, -1}) {
    v1::StreamResult odd;
    odd.mutable_error()->set_code(code);
    EXPECT_EQ(DecodeRead(&odd).status().code(), absl::StatusCode::kUnknown) << code;
  }
}

TEST(CodecTest, QuorumsBelowOneAreSentToBeRefused) {
  ReadRequest read;
  read.key = "k";
  EXPECT_FALSE(Encode(read).get().has_r());
  read.r = -5;
  EXPECT_TRUE(Encode(read).get().has_r());
  EXPECT_EQ(Encode(read).get().r(), 0u);
}

}  // namespace
}  // namespace quorate
