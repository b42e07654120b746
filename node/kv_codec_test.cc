#include "node/kv_codec.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

using ::testing::HasSubstr;

// Knows the names of nodes 1 to 9 and nothing else.
class NamesOnly : public KvApi {
 public:
  OperationId Start(Operation, Callback) override { return 0; }
  void Cancel(OperationId) override {}
  v1::StatusResponse Status() const override { return {}; }
  std::string NodeName(NodeId id) const override { return "node" + std::to_string(id); }
  Durability durability() const override { return Durability::kMemory; }
};

template <typename Request>
void ExpectInvalid(const Request& request, const std::string& what) {
  const absl::StatusOr<Operation> operation = ToOperation(request);
  ASSERT_EQ(operation.status().code(), absl::StatusCode::kInvalidArgument)
      << request.ShortDebugString();
  EXPECT_THAT(std::string(operation.status().message()), HasSubstr(what));
}

template <typename Request>
void ExpectKeyIsChecked(Request request) {
  request.clear_key();
  request.clear_key_bytes();
  ExpectInvalid(request, "key is missing");
  request.set_key("a");
  request.set_key_bytes("b");
  ExpectInvalid(request, "not both");
  request.clear_key();
  const absl::StatusOr<Operation> operation = ToOperation(request);
  ASSERT_TRUE(operation.ok()) << operation.status();
  EXPECT_EQ(operation->key, "b");
}

TEST(ToOperationTest, EveryRequestNeedsExactlyOneKey) {
  v1::SetRequest set;
  set.set_text("v");
  ExpectKeyIsChecked(set);
  ExpectKeyIsChecked(v1::GetRequest());
  ExpectKeyIsChecked(v1::LocalReadRequest());
  ExpectKeyIsChecked(v1::DeleteRequest());
}

TEST(ToOperationTest, LinearizableGet) {
  v1::GetRequest request;
  request.set_key("k");
  EXPECT_FALSE(ToOperation(request)->linearizable);
  request.set_linearizable(true);
  EXPECT_TRUE(ToOperation(request)->linearizable);
}

TEST(ToOperationTest, Get) {
  v1::GetRequest request;
  request.set_key("k");
  absl::StatusOr<Operation> operation = ToOperation(request);
  ASSERT_TRUE(operation.ok());
  EXPECT_EQ(operation->kind, OperationKind::kGet);
  EXPECT_FALSE(operation->r.has_value());
  request.set_r(3);
  EXPECT_EQ(ToOperation(request)->r, 3);
  request.set_session("session");
  EXPECT_EQ(ToOperation(request)->session, "session");
  request.set_r(0);
  ExpectInvalid(request, "r is 0");
  request.set_r(0xffffffff);
  ExpectInvalid(request, "r is 4294967295");
}

TEST(ToOperationTest, LocalRead) {
  v1::LocalReadRequest request;
  request.set_key("k");
  EXPECT_EQ(ToOperation(request)->kind, OperationKind::kLocalRead);
}

TEST(ToOperationTest, SetNeedsAValueWhichMayBeEmpty) {
  v1::SetRequest request;
  request.set_key("k");
  ExpectInvalid(request, "value is missing");
  request.set_text("");
  absl::StatusOr<Operation> operation = ToOperation(request);
  ASSERT_TRUE(operation.ok());
  EXPECT_EQ(operation->kind, OperationKind::kSet);
  EXPECT_EQ(operation->value, "");
  request.set_data(std::string("\0\xff", 2));
  request.set_context("seen");
  request.set_w(2);
  operation = ToOperation(request);
  ASSERT_TRUE(operation.ok());
  EXPECT_EQ(operation->value, std::string("\0\xff", 2));
  EXPECT_EQ(operation->context, "seen");
  EXPECT_EQ(operation->session, "");
  EXPECT_EQ(operation->w, 2);
  request.set_session("session");
  request.set_request_id("request");
  request.set_repeat(true);
  EXPECT_EQ(ToOperation(request)->session, "session");
  EXPECT_EQ(ToOperation(request)->request, "request");
  EXPECT_TRUE(ToOperation(request)->repeat);
  request.set_w(0);
  ExpectInvalid(request, "w is 0");
}

TEST(ToOperationTest, Delete) {
  v1::DeleteRequest request;
  request.set_key("k");
  request.set_w(5);
  request.set_context("seen");
  request.set_session("session");
  const absl::StatusOr<Operation> operation = ToOperation(request);
  ASSERT_TRUE(operation.ok());
  EXPECT_EQ(operation->kind, OperationKind::kDelete);
  EXPECT_EQ(operation->session, "session");
  EXPECT_EQ(operation->w, 5);
  EXPECT_EQ(operation->context, "seen");
  request.set_w(0);
  ExpectInvalid(request, "w is 0");
}

OperationResult ReadOf(Record record) {
  OperationResult result;
  result.node = 1;
  result.answers = 3;
  result.required = 2;
  result.disagreed = true;
  result.order = OrderOf(record);
  result.record = std::move(record);
  return result;
}

TEST(ToGetResponseTest, AbsentKey) {
  OperationResult result;
  result.node = 1;
  result.answers = result.required = 1;
  const v1::GetResponse response = ToGetResponse("k", false, result, NamesOnly());
  EXPECT_FALSE(response.found());
  EXPECT_EQ(response.version(), 0u);
  EXPECT_EQ(response.value_case(), v1::GetResponse::VALUE_NOT_SET);
  EXPECT_EQ(response.node(), "node1");
}

TEST(ToGetResponseTest, TextAndData) {
  v1::GetResponse response =
      ToGetResponse("k", false, ReadOf(Record::Sequenced(2, 7, false, "v")), NamesOnly());
  EXPECT_TRUE(response.found());
  EXPECT_EQ(response.text(), "v");
  EXPECT_EQ(response.version(), 7u);
  EXPECT_EQ(response.order().major(), 2u);
  EXPECT_EQ(response.order().minor(), 7u);
  EXPECT_EQ(response.answers(), 3u);
  EXPECT_EQ(response.required(), 2u);
  EXPECT_TRUE(response.disagreed());
  EXPECT_FALSE(response.conflict());
  const absl::StatusOr<Version> context = ParseContextToken("k", response.context());
  ASSERT_TRUE(context.ok());
  EXPECT_EQ(*context, Version::Sequenced(2, 7));

  response = ToGetResponse("k", false, ReadOf(Record::Sequenced(2, 8, false, "\xff")), NamesOnly());
  EXPECT_EQ(response.value_case(), v1::GetResponse::kData);
  EXPECT_EQ(response.data(), "\xff");
}

TEST(ToGetResponseTest, TombstoneIsAbsentButHasAVersionAndAContext) {
  const v1::GetResponse response =
      ToGetResponse("k", false, ReadOf(Record::Sequenced(1, 9, true, "")), NamesOnly());
  EXPECT_FALSE(response.found());
  EXPECT_EQ(response.value_case(), v1::GetResponse::VALUE_NOT_SET);
  EXPECT_EQ(response.version(), 9u);
  EXPECT_FALSE(response.context().empty());
}

// Two writes that did not see each other; the delete is the older one.
Record Conflict() {
  Record record;
  Sibling tombstone;
  tombstone.dot = Dot{Actor{1, 5}, 1};
  tombstone.clock = 10;
  tombstone.tombstone = true;
  record.Put(Version(), tombstone);
  Sibling value;
  value.dot = Dot{Actor{2, 6}, 1};
  value.clock = 20;
  value.value = "newer";
  record.Put(Version(), value);
  return record;
}

TEST(ToGetResponseTest, SiblingsOnlyWhereAsked) {
  v1::GetResponse response = ToGetResponse("k", false, ReadOf(Conflict()), NamesOnly());
  EXPECT_TRUE(response.conflict());
  EXPECT_EQ(response.text(), "newer");
  EXPECT_EQ(response.siblings_size(), 0);

  response = ToGetResponse("k", true, ReadOf(Conflict()), NamesOnly());
  ASSERT_EQ(response.siblings_size(), 2);
  int deleted = 0;
  for (const v1::Value& sibling : response.siblings()) {
    if (sibling.deleted()) {
      ++deleted;
      EXPECT_EQ(sibling.value_case(), v1::Value::VALUE_NOT_SET);
      EXPECT_EQ(sibling.order().major(), 10u);
    } else {
      EXPECT_EQ(sibling.text(), "newer");
      EXPECT_EQ(sibling.order().major(), 20u);
    }
  }
  EXPECT_EQ(deleted, 1);
}

TEST(ToWriteResponseTest, SaysWhatWasDone) {
  OperationResult result;
  result.node = 4;
  result.answers = 3;
  result.required = 3;
  result.replaced_siblings = 2;
  result.record.emplace();
  result.record->version = Version::Sequenced(3, 11);
  result.order = WriteOrder{3, 11, 0};
  const v1::WriteResponse response = ToWriteResponse("k", result, NamesOnly());
  EXPECT_EQ(response.version(), 11u);
  EXPECT_EQ(response.order().minor(), 11u);
  EXPECT_EQ(response.node(), "node4");
  EXPECT_EQ(response.acks(), 3u);
  EXPECT_EQ(response.required(), 3u);
  EXPECT_EQ(response.replaced_siblings(), 2u);
  EXPECT_EQ(*ParseContextToken("k", response.context()), Version::Sequenced(3, 11));
  EXPECT_EQ(response.session(), "");
}

TEST(ToWriteResponseTest, ASessionHasSeenMoreThanTheContextSays) {
  const Version context = Conflict().version;
  Version version = context;
  version.Add(Dot{Actor{3, 7}, 1});
  OperationResult result;
  result.record = Record{version, {}};
  result.seen = context;
  v1::WriteResponse response = ToWriteResponse("k", result, NamesOnly());
  EXPECT_EQ(*ParseContextToken("k", response.context()), context);
  EXPECT_EQ(*ParseContextToken("k", response.session()), version);
  result.session = version;
  result.session->Add(Dot{Actor{4, 8}, 2});
  response = ToWriteResponse("k", result, NamesOnly());
  EXPECT_EQ(*ParseContextToken("k", response.session()), *result.session);
}

TEST(EncodeErrorDetailsTest, CarriesTheOutcome) {
  OperationResult result;
  result.status = absl::DeadlineExceededError("2 of 3");
  result.may_have_applied = true;
  result.answers = 2;
  result.required = 3;
  result.leader = 1;
  v1::RpcStatus status;
  ASSERT_TRUE(status.ParseFromString(EncodeErrorDetails(result, NamesOnly())));
  EXPECT_EQ(status.code(), 4);
  EXPECT_EQ(status.message(), "2 of 3");
  ASSERT_EQ(status.details_size(), 1);
  v1::ErrorDetails details;
  ASSERT_TRUE(status.details(0).UnpackTo(&details));
  EXPECT_TRUE(details.may_have_applied());
  EXPECT_EQ(details.acks(), 2u);
  EXPECT_EQ(details.required(), 3u);
  EXPECT_EQ(details.leader(), "node1");
}

TEST(PrintableMessageTest, EscapesWhatIsNoText) {
  EXPECT_EQ(PrintableMessage("käse"), "käse");
  EXPECT_EQ(PrintableMessage("a\xff"), "a\\xff");
}

template <typename Message>
bool IsEncoded(const Message&, const std::string& bytes) {
  google::protobuf::io::ArrayInputStream in(bytes.data(), static_cast<int>(bytes.size()), 3);
  return IsEncodedRepeat(*Message::descriptor(), &in);
}

TEST(IsEncodedRepeatTest, AgreesWithParsedRequests) {
  for (const bool repeat : {false, true}) {
    v1::SetRequest set;
    set.set_key("k");
    set.set_text("a value");
    set.set_w(2);
    set.set_repeat(repeat);
    v1::DeleteRequest deletion;
    deletion.set_session("session");
    deletion.set_repeat(repeat);
    v1::StreamOperation sets;
    sets.set_id(300);
    *sets.mutable_set() = set;
    v1::StreamOperation deletes;
    *deletes.mutable_delete_() = deletion;
    EXPECT_EQ(IsEncoded(set, set.SerializeAsString()), repeat);
    EXPECT_EQ(IsEncoded(deletion, deletion.SerializeAsString()), repeat);
    EXPECT_EQ(IsEncoded(sets, sets.SerializeAsString()), repeat);
    EXPECT_EQ(IsEncoded(deletes, deletes.SerializeAsString()), repeat);
    EXPECT_EQ(IsEncoded(set, set.SerializeAsString() + "\xff"), repeat) << "damaged behind it";
  }
}

TEST(IsEncodedRepeatTest, TakesNoOtherFieldForIt) {
  v1::GetRequest get;
  get.set_key("k");
  get.set_siblings(true);
  get.set_linearizable(true);
  EXPECT_FALSE(IsEncoded(get, get.SerializeAsString()));
  v1::SetRequest repeat;
  repeat.set_repeat(true);
  v1::SetRequest set;
  set.set_data(repeat.SerializeAsString());
  EXPECT_FALSE(IsEncoded(set, set.SerializeAsString()));
  for (const std::string bytes : {"", "\xff", "\x48", "\x0a\x7f", "\x22\x7f\x48\x01"}) {
    EXPECT_FALSE(IsEncoded(set, bytes));
  }
}

}  // namespace
}  // namespace quorate
