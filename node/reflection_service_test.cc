#include "node/reflection_service.h"

#include <set>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"

#include "proto/kv.pb.h"

namespace quorate {
namespace {

using ::grpc::reflection::v1alpha::ServerReflectionRequest;
using ::grpc::reflection::v1alpha::ServerReflectionResponse;

constexpr int kInvalidArgument = 3;
constexpr int kNotFound = 5;

ServerReflectionResponse Ask(const ServerReflectionRequest& request) {
  v1::GetRequest linked;  // or the linker may leave its descriptors out
  (void)linked;
  return Reflect(request, {"a.B", "c.D"});
}

// The names of the files in the answer.
std::set<std::string> Files(const ServerReflectionResponse& response) {
  std::set<std::string> names;
  for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    EXPECT_TRUE(file.ParseFromString(bytes));
    EXPECT_TRUE(names.insert(file.name()).second) << file.name() << " came twice";
  }
  return names;
}

TEST(ReflectTest, ListsTheServicesOfTheServer) {
  ServerReflectionRequest request;
  request.set_host("h");
  request.set_list_services("");
  const ServerReflectionResponse response = Ask(request);
  EXPECT_EQ(response.valid_host(), "h");
  EXPECT_EQ(response.original_request().host(), "h");
  ASSERT_EQ(response.list_services_response().service_size(), 2);
  EXPECT_EQ(response.list_services_response().service(0).name(), "a.B");
}

TEST(ReflectTest, FindsFilesWithAllTheyImport) {
  const std::set<std::string> expected = {"proto/kv.proto", "google/protobuf/any.proto"};
  ServerReflectionRequest request;
  request.set_file_containing_symbol("quorate.v1.KeyValue");
  EXPECT_EQ(Files(Ask(request)), expected);
  request.set_file_containing_symbol("quorate.v1.KeyValue.Get");
  EXPECT_EQ(Files(Ask(request)), expected);
  request.set_file_by_filename("proto/kv.proto");
  EXPECT_EQ(Files(Ask(request)), expected);
}

TEST(ReflectTest, SaysWhatItDoesNotKnow) {
  ServerReflectionRequest request;
  request.set_file_containing_symbol("no.Such");
  EXPECT_EQ(Ask(request).error_response().error_code(), kNotFound);
  request.set_file_by_filename("no/such.proto");
  EXPECT_EQ(Ask(request).error_response().error_code(), kNotFound);
  request.set_all_extension_numbers_of_type("no.Such");
  EXPECT_EQ(Ask(request).error_response().error_code(), kNotFound);
  request.mutable_file_containing_extension()->set_containing_type("no.Such");
  EXPECT_EQ(Ask(request).error_response().error_code(), kNotFound);
  request.clear_message_request();
  EXPECT_EQ(Ask(request).error_response().error_code(), kInvalidArgument);
}

TEST(ReflectTest, Extensions) {
  ServerReflectionRequest request;
  request.set_all_extension_numbers_of_type("quorate.v1.GetRequest");
  const ServerReflectionResponse response = Ask(request);
  EXPECT_EQ(response.all_extension_numbers_response().base_type_name(), "quorate.v1.GetRequest");
  EXPECT_EQ(response.all_extension_numbers_response().extension_number_size(), 0);
}

}  // namespace
}  // namespace quorate
