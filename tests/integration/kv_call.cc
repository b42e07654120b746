// Calls one method of quorate.v1.KeyValue and prints how it went, for tests in Python.
//
//   kv_call 127.0.0.1:9080 Set 'key: "k" text: "v"'
//
// Requests are in Protobuf's text format, and are sent even where a text in them is no UTF-8.
// Prints one JSON object: {"code", "message", "response", "details"}. Exit status 0 whatever the
// code is.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "nlohmann/json.hpp"

#include "proto/kv.grpc.pb.h"

namespace quorate {
namespace {

using nlohmann::json;

// Names as in the .proto file; 64-bit integers are strings.
json ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return nullptr;
  return json::parse(text, nullptr, false);
}

json DetailsOf(const grpc::Status& status) {
  v1::RpcStatus rpc_status;
  v1::ErrorDetails details;
  if (!rpc_status.ParseFromString(status.error_details()) || rpc_status.details_size() != 1 ||
      !rpc_status.details(0).UnpackTo(&details)) {
    return nullptr;
  }
  return ToJson(details);
}

template <typename Request, typename Response, typename Method>
int Call(v1::KeyValue::Stub* stub, Method method, const std::string& text) {
  Request request;
  if (!google::protobuf::TextFormat::ParseFromString(text, &request)) {
    std::fprintf(stderr, "kv_call: not a request: %s\n", text.c_str());
    return 2;
  }
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  Response response;
  const grpc::Status status = (stub->*method)(&context, request, &response);
  const json outcome = {{"code", static_cast<int>(status.error_code())},
                        {"message", status.error_message()},
                        {"response", ToJson(response)},
                        {"details", DetailsOf(status)}};
  std::puts(outcome.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
  return 0;
}

int Main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: kv_call HOST:PORT METHOD REQUEST\n", stderr);
    return 2;
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(8 << 20);
  const auto stub = v1::KeyValue::NewStub(
      grpc::CreateCustomChannel(argv[1], grpc::InsecureChannelCredentials(), arguments));
  const std::string method = argv[2];
  const std::string text = argv[3];
  using Stub = v1::KeyValue::Stub;
  if (method == "Get") return Call<v1::GetRequest, v1::GetResponse>(stub.get(), &Stub::Get, text);
  if (method == "Set") return Call<v1::SetRequest, v1::WriteResponse>(stub.get(), &Stub::Set, text);
  if (method == "Delete") {
    return Call<v1::DeleteRequest, v1::WriteResponse>(stub.get(), &Stub::Delete, text);
  }
  if (method == "LocalRead") {
    return Call<v1::LocalReadRequest, v1::GetResponse>(stub.get(), &Stub::LocalRead, text);
  }
  if (method == "Status") {
    return Call<v1::StatusRequest, v1::StatusResponse>(stub.get(), &Stub::Status, text);
  }
  std::fprintf(stderr, "kv_call: no method %s\n", method.c_str());
  return 2;
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) { return quorate::Main(argc, argv); }
