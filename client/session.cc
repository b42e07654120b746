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

  // A call on `key` begins: sets the session's token for it, unless there is one already.
  // RESOURCE_EXHAUSTED where the key is one too many; otherwise End must follow.
  absl::Status Begin(const std::string& key, std::string* token) {
    MutexLock lock(&mu_);
    auto it = keys_.find(key);
    if (it == keys_.end()) {
      // Keys of calls under way count, since each may be seen.
      if (keys_.size() >= max_keys_) {
        return absl::ResourceExhaustedError(absl::StrCat("this session has seen ", max_keys_,
                                                         " keys, its limit: begin another one"));
      }
      it = keys_.try_emplace(key).first;
    }
    ++it->second.under_way;
    if (token->empty()) *token = it->second.token;
    return absl::OkStatus();
  }

  // The call that had the token `sent` has ended: with `token`, unless it failed or there is
  // nothing to see again, as of a key that was never written.
  void End(const std::string& key, absl::string_view sent, const Order& order, std::string token) {
    MutexLock lock(&mu_);
    const auto it = keys_.find(key);
    CHECK(it != keys_.end() && it->second.under_way > 0) << "a call has ended twice";
    Key& seen = it->second;
    --seen.under_way;
    // Where another reply came first, this one need not know of it.
    const bool meanwhile = !seen.token.empty() && seen.token != sent;
    if (!token.empty() && !(meanwhile && order < seen.order)) {
      seen.token = std::move(token);
      seen.order = order;
    }
    if (seen.token.empty() && seen.under_way == 0) keys_.erase(it);
  }

 private:
  struct Key {
    std::string token;  // empty: nothing was seen yet
    Order order;
    int under_way = 0;  // calls
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
  const absl::Status begun = seen_->Begin(request.key, &request.session);
  if (!begun.ok()) {
    Error error{begun, ErrorDetails()};
    // An earlier call, perhaps of another session, may have written.
    error.details.may_have_applied = IsRepeat(request);
    if (done) done(std::move(error));
    return 0;
  }
  auto note = [seen = seen_, key = request.key, sent = request.session,
               done = std::move(done)](Outcome<Reply> outcome) {
    if (outcome.ok()) {
      seen->End(key, sent, outcome->order, outcome->session);
    } else {
      seen->End(key, sent, Order(), "");
    }
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
