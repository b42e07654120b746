// FakeKvApi: a KvApi for the tests of what stands above it. It records the operations that it is
// given and ends them with results that the test chooses, at once or when the test says so.
#ifndef QUORATE_NODE_FAKE_KV_API_H_
#define QUORATE_NODE_FAKE_KV_API_H_

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "node/kv_api.h"
#include "support/mutex.h"

namespace quorate {

// A result that nothing came of.
inline OperationResult Failed(absl::Status status) {
  OperationResult result;
  result.status = std::move(status);
  return result;
}

// Thread-safe.
class FakeKvApi : public KvApi {
 public:
  using Answer = std::function<OperationResult(const Operation&)>;

  // Operations end at once with what `answer` makes of them; without one they stay open.
  void AnswerWith(Answer answer) {
    MutexLock lock(&mu_);
    answer_ = std::move(answer);
  }

  void SetStatus(v1::StatusResponse status) {
    MutexLock lock(&mu_);
    status_ = std::move(status);
  }

  // Blocks until `count` operations have been started, or cancelled. False after ten seconds.
  bool AwaitStarted(size_t count) {
    return Await([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return started_.size() >= count; });
  }
  bool AwaitCancelled(size_t count) {
    return Await([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return cancelled_.size() >= count; });
  }

  std::vector<Operation> started() const {
    MutexLock lock(&mu_);
    return started_;
  }
  size_t open_operations() const {
    MutexLock lock(&mu_);
    return open_.size();
  }

  // Ends the operation that was started as the `index`-th, from 0, on the calling thread.
  void Finish(size_t index, OperationResult result) {
    Callback callback;
    {
      MutexLock lock(&mu_);
      const auto found = open_.find(index + 1);
      if (found == open_.end()) return;
      callback = std::move(found->second);
      open_.erase(found);
    }
    callback(std::move(result));
  }

  OperationId Start(Operation operation, Callback callback) override {
    Answer answer;
    OperationId id = 0;
    {
      MutexLock lock(&mu_);
      started_.push_back(operation);
      id = started_.size();
      answer = answer_;
      if (!answer) open_.emplace(id, callback);
      changed_.SignalAll();
    }
    if (answer) callback(answer(operation));
    return id;
  }

  void Cancel(OperationId id) override {
    MutexLock lock(&mu_);
    cancelled_.push_back(id);
    changed_.SignalAll();
  }

  v1::StatusResponse Status() const override {
    MutexLock lock(&mu_);
    return status_;
  }

  std::string NodeName(NodeId id) const override { return absl::StrCat("node-", id); }
  Durability durability() const override { return Durability::kSynced; }

 private:
  template <typename Condition>
  bool Await(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    MutexLock lock(&mu_);
    while (!condition()) {
      if (!changed_.WaitUntil(&mu_, until)) return condition();
    }
    return true;
  }

  mutable Mutex mu_;
  CondVar changed_;
  Answer answer_ ABSL_GUARDED_BY(mu_);
  v1::StatusResponse status_ ABSL_GUARDED_BY(mu_);
  std::vector<Operation> started_ ABSL_GUARDED_BY(mu_);
  std::vector<OperationId> cancelled_ ABSL_GUARDED_BY(mu_);
  std::map<OperationId, Callback> open_ ABSL_GUARDED_BY(mu_);
};

}  // namespace quorate

#endif  // QUORATE_NODE_FAKE_KV_API_H_
