#include "client/session.h"

#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"

#include "support/mutex.h"

namespace quorate {
namespace {

bool IsRepeat(const ReadRequest&) { return false; }
bool IsRepeat(const WriteRequest& request) { return request.repeat; }

}  // namespace

class Session::Seen {
 public:
  explicit Seen(size_t max_keys) : max_keys_(max_keys) {}

  // Sets the session's token for `key`, unless there is one already. RESOURCE_EXHAUSTED where the
  // key is one too many.
  absl::Status AddTo(const std::string& key, std::string* token) {
    MutexLock lock(&mu_);
    const auto it = keys_.find(key);
    if (it == keys_.end() && keys_.size() >= max_keys_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("this session has seen ", max_keys_, " keys, its limit: begin another one"));
    }
    if (it != keys_.end() && token->empty()) *token = it->second.token;
    return absl::OkStatus();
  }

  // A reply to a request that had the token `sent`.
  void Note(const std::string& key, absl::string_view sent, const Order& order, std::string token) {
    // Never written, so that there is nothing to see again.
    if (token.empty()) return;
    MutexLock lock(&mu_);
    const auto [it, added] = keys_.try_emplace(key);
    Key& seen = it->second;
    // Another reply came first, which this one need not know of.
    const bool meanwhile = !added && seen.token != sent;
    if (meanwhile && order < seen.order) return;
    seen.token = std::move(token);
    seen.order = order;
  }

 private:
  struct Key {
    std::string token;
    Order order;
  };

  const size_t max_keys_;
  Mutex mu_;
  absl::flat_hash_map<std::string, Key> keys_ ABSL_GUARDED_BY(mu_);
};

Session::Session(std::shared_ptr<Connection> connection, size_t max_keys)
    : connection_(std::move(connection)), seen_(std::make_shared<Seen>(max_keys)) {
  CHECK(connection_ != nullptr);
}

Session::~Session() = default;

template <typename Request, typename Reply>
CallId Session::Call(CallId (Connection::*call)(Request, std::function<void(Outcome<Reply>)>),
                     Request request, std::function<void(Outcome<Reply>)> done) {
  const absl::Status added = seen_->AddTo(request.key, &request.session);
  if (!added.ok()) {
    Error error{added, ErrorDetails()};
    // An earlier call, perhaps of another session, may have written.
    error.details.may_have_applied = IsRepeat(request);
    if (done) done(std::move(error));
    return 0;
  }
  auto note = [seen = seen_, key = request.key, sent = request.session,
               done = std::move(done)](Outcome<Reply> outcome) {
    if (outcome.ok()) seen->Note(key, sent, outcome->order, outcome->session);
    if (done) done(std::move(outcome));
  };
  return (connection_.get()->*call)(std::move(request), std::move(note));
}

CallId Session::Read(ReadRequest request, ReadCallback done) {
  if (request.local_only) return connection_->Read(std::move(request), std::move(done));
  return Call<ReadRequest, ReadReply>(&Connection::Read, std::move(request), std::move(done));
}

CallId Session::Write(WriteRequest request, WriteCallback done) {
  return Call<WriteRequest, WriteReply>(&Connection::Write, std::move(request), std::move(done));
}

CallId Session::Status(StatusRequest request, StatusCallback done) {
  return connection_->Status(std::move(request), std::move(done));
}

void Session::Cancel(CallId id) { connection_->Cancel(id); }

}  // namespace quorate
