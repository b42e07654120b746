// FakeNode: a gRPC server in the test's process that answers as the test says, for the tests of
// what calls nodes.
#ifndef QUORATE_CLIENT_FAKE_NODE_H_
#define QUORATE_CLIENT_FAKE_NODE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "grpcpp/server.h"

#include "proto/kv.grpc.pb.h"
#include "support/mutex.h"

namespace quorate {

// Thread-safe, except Start and Stop.
class FakeNode final : public v1::KeyValue::Service {
 public:
  // The result of an operation, without its id; nullopt: none, ever.
  using Answer = std::function<std::optional<v1::StreamResult>(const v1::StreamOperation&)>;

  // Listens on a port of its own, and answers each read with its name and each write with version 1
  // until AnswerWith says otherwise.
  explicit FakeNode(const std::string& name);
  ~FakeNode() override;

  // Ends the server: it cannot be reached until Start, at the same address.
  void Stop();
  void Start();
  const std::string& address() const { return address_; }

  void AnswerWith(Answer answer) ABSL_LOCKS_EXCLUDED(mu_);
  // What Status answers: this node, with `peers`, in a cluster that `leader` leads.
  void Describe(const std::string& leader, const std::vector<FakeNode*>& peers)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Which cluster Status names; none at first.
  void BelongTo(const std::string& cluster) ABSL_LOCKS_EXCLUDED(mu_);
  // From now on nothing is answered, Status included, as by a process that is stopped; until Thaw
  // or Stop. What has come meanwhile is never answered.
  void Freeze() ABSL_LOCKS_EXCLUDED(mu_);
  void Thaw() ABSL_LOCKS_EXCLUDED(mu_);
  // From now on streams that come are not taken, until TakeStreams or Stop.
  void HoldStreams() ABSL_LOCKS_EXCLUDED(mu_);
  void TakeStreams() ABSL_LOCKS_EXCLUDED(mu_);
  // From now on streams end as soon as they come, as at a server that does not know them.
  void RefuseStreams() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends all streams, whatever is in flight.
  void BreakStreams() ABSL_LOCKS_EXCLUDED(mu_);

  // Operations, messages and ids to cancel that have come.
  std::vector<v1::StreamOperation> operations() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t messages() const ABSL_LOCKS_EXCLUDED(mu_);
  // Blocks until so many have come. False after ten seconds.
  bool AwaitOperations(size_t count) ABSL_LOCKS_EXCLUDED(mu_);
  bool AwaitCancelled(size_t count) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using ServerStream = grpc::ServerReaderWriter<v1::StreamResponse, v1::StreamRequest>;

  grpc::Status Stream(grpc::ServerContext* context, ServerStream* stream) override;
  grpc::Status Status(grpc::ServerContext* context, const v1::StatusRequest* request,
                      v1::StatusResponse* response) override;
  v1::StreamResponse Serve(const v1::StreamRequest& request) ABSL_LOCKS_EXCLUDED(mu_);
  template <typename Condition>
  bool Await(Condition condition) ABSL_LOCKS_EXCLUDED(mu_);

  const std::string name_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;

  mutable Mutex mu_;
  CondVar changed_;
  bool refuses_ ABSL_GUARDED_BY(mu_) = false;
  bool holds_ ABSL_GUARDED_BY(mu_) = false;
  bool frozen_ ABSL_GUARDED_BY(mu_) = false;
  Answer answer_ ABSL_GUARDED_BY(mu_);
  std::string cluster_ ABSL_GUARDED_BY(mu_);
  v1::StatusResponse status_ ABSL_GUARDED_BY(mu_);
  std::set<grpc::ServerContext*> streams_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::StreamOperation> operations_ ABSL_GUARDED_BY(mu_);
  size_t messages_ ABSL_GUARDED_BY(mu_) = 0;
  size_t cancelled_ ABSL_GUARDED_BY(mu_) = 0;
};

// Answers for FakeNode.
v1::StreamResult FoundText(const std::string& value);
v1::StreamResult FailedWith(int code, bool may_have_applied, const std::string& leader = "");

}  // namespace quorate

#endif  // QUORATE_CLIENT_FAKE_NODE_H_
