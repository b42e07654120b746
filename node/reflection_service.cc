#include "node/reflection_service.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"

namespace quorate {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::DescriptorPool;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::FileDescriptor;
using ::grpc::reflection::v1alpha::FileDescriptorResponse;
using ::grpc::reflection::v1alpha::ServerReflectionRequest;
using ::grpc::reflection::v1alpha::ServerReflectionResponse;

// A bound against clients that only open streams.
constexpr int kMaxCalls = 64;

void AddFile(const FileDescriptor* file, std::set<const FileDescriptor*>* seen,
             FileDescriptorResponse* response) {
  if (!seen->insert(file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  response->add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file->dependency_count(); ++i) AddFile(file->dependency(i), seen, response);
}

void NotFound(const std::string& what, ServerReflectionResponse* response) {
  response->mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
  response->mutable_error_response()->set_error_message(what);
}

void AnswerFile(const FileDescriptor* file, const std::string& what,
                ServerReflectionResponse* response) {
  if (file == nullptr) return NotFound(absl::StrCat("not known: ", what), response);
  std::set<const FileDescriptor*> seen;
  AddFile(file, &seen, response->mutable_file_descriptor_response());
}

void AnswerExtensionNumbers(const std::string& type, ServerReflectionResponse* response) {
  const DescriptorPool* const pool = DescriptorPool::generated_pool();
  const Descriptor* const message = pool->FindMessageTypeByName(type);
  if (message == nullptr) return NotFound(absl::StrCat("not known: ", type), response);
  std::vector<const FieldDescriptor*> extensions;
  pool->FindAllExtensions(message, &extensions);
  auto* const answer = response->mutable_all_extension_numbers_response();
  answer->set_base_type_name(type);
  for (const FieldDescriptor* extension : extensions) {
    answer->add_extension_number(extension->number());
  }
}

const FileDescriptor* FileOfExtension(const std::string& type, int number) {
  const DescriptorPool* const pool = DescriptorPool::generated_pool();
  const Descriptor* const message = pool->FindMessageTypeByName(type);
  if (message == nullptr) return nullptr;
  const FieldDescriptor* const extension = pool->FindExtensionByNumber(message, number);
  return extension == nullptr ? nullptr : extension->file();
}

}  // namespace

ServerReflectionResponse Reflect(const ServerReflectionRequest& request,
                                 const std::vector<std::string>& services) {
  const DescriptorPool* const pool = DescriptorPool::generated_pool();
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      AnswerFile(pool->FindFileByName(request.file_by_filename()), request.file_by_filename(),
                 &response);
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      AnswerFile(pool->FindFileContainingSymbol(request.file_containing_symbol()),
                 request.file_containing_symbol(), &response);
      break;
    case ServerReflectionRequest::kFileContainingExtension: {
      const auto& extension = request.file_containing_extension();
      AnswerFile(FileOfExtension(extension.containing_type(), extension.extension_number()),
                 extension.containing_type(), &response);
      break;
    }
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      AnswerExtensionNumbers(request.all_extension_numbers_of_type(), &response);
      break;
    case ServerReflectionRequest::kListServices:
      for (const std::string& service : services) {
        response.mutable_list_services_response()->add_service()->set_name(service);
      }
      break;
    case ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      response.mutable_error_response()->set_error_code(grpc::StatusCode::INVALID_ARGUMENT);
      response.mutable_error_response()->set_error_message("the request asks for nothing");
      break;
  }
  return response;
}

// One client's stream: read, answer, read again. Owns itself.
class ReflectionService::Call {
 public:
  explicit Call(ReflectionService* owner) : owner_(owner), hold_(owner->loop_) {
    owner_->service_.RequestServerReflectionInfo(&context_, &stream_, owner_->loop_->queue(),
                                                 owner_->loop_->queue(), arrived_.tag());
  }

 private:
  void OnArrived(bool ok) {
    if (!ok) {  // the server goes down
      delete this;
      return;
    }
    new Call(owner_);
    if (++owner_->open_calls_ > kMaxCalls) {
      return End(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many streams"));
    }
    stream_.Read(&request_, read_.tag());
  }
  void OnRead(bool ok) {
    if (!ok) return End(grpc::Status::OK);
    stream_.Write(Reflect(request_, owner_->services_), written_.tag());
  }
  void OnWritten(bool ok) {
    if (!ok) return End(grpc::Status::CANCELLED);
    stream_.Read(&request_, read_.tag());
  }
  void End(const grpc::Status& status) { stream_.Finish(status, finished_.tag()); }
  void OnFinished(bool) {
    --owner_->open_calls_;
    delete this;
  }

  ReflectionService* const owner_;
  const PollLoop::Hold hold_;
  grpc::ServerContext context_;
  ServerReflectionRequest request_;
  grpc::ServerAsyncReaderWriter<ServerReflectionResponse, ServerReflectionRequest> stream_{
      &context_};
  EventTag<Call> arrived_{this, &Call::OnArrived};
  EventTag<Call> read_{this, &Call::OnRead};
  EventTag<Call> written_{this, &Call::OnWritten};
  EventTag<Call> finished_{this, &Call::OnFinished};
};

ReflectionService::ReflectionService(PollLoop* loop, std::vector<std::string> services)
    : loop_(loop), services_(std::move(services)) {}

ReflectionService::~ReflectionService() {
  CHECK_EQ(open_calls_, 0) << "calls outlive their service";
}

void ReflectionService::Start() { new Call(this); }

}  // namespace quorate
