#include "client/call_engine.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

#include "client/codec.h"
#include "client/connection_name.h"

namespace quorate {
namespace {

// A node gives up a little before the call's deadline, so that its answer, which knows more than a
// deadline does, arrives in time.
constexpr absl::Duration kReplyMargin = absl::Milliseconds(20);

// gRPC gives calls back at once when they are cancelled. Should it ever not, the end of a
// connection waits no longer.
constexpr absl::Duration kEndPatience = absl::Seconds(5);

// When a node is to answer a try that begins at `now`: whole milliseconds later, as it is told.
SteadyTime AnswerTime(SteadyTime now, SteadyTime deadline) {
  const absl::Duration remaining = absl::FromChrono(deadline - now);
  const absl::Duration wanted = remaining - std::min(remaining / 10, kReplyMargin);
  return After(now, absl::Floor(wanted, absl::Milliseconds(1)));
}

Error Refused(absl::Status status) { return Error{std::move(status), ErrorDetails()}; }

Error Unknown(absl::Status status, bool may_have_applied) {
  Error error{std::move(status), ErrorDetails()};
  error.details.may_have_applied = may_have_applied;
  return error;
}

std::string* RequestId(v1::StreamOperation* operation) {
  return operation->has_set() ? operation->mutable_set()->mutable_request_id()
                              : operation->mutable_delete_()->mutable_request_id();
}

bool IsRepeat(const v1::StreamOperation& operation) {
  return operation.set().repeat() || operation.delete_().repeat();
}

void SetRepeat(v1::StreamOperation* operation) {
  if (operation->has_set()) {
    operation->mutable_set()->set_repeat(true);
  } else {
    operation->mutable_delete_()->set_repeat(true);
  }
}

// What to call at the end of a call, where the caller may not want to know of it.
template <typename T>
std::function<void(Outcome<T>)> OrIgnore(std::function<void(Outcome<T>)> done) {
  if (done) return done;
  return [](const Outcome<T>&) {};
}

absl::Status Closed() { return absl::CancelledError("the connection was closed"); }

}  // namespace

CallEngine::CallEngine(const ConnectionOptions& options)
    : options_(options),
      name_(NewConnectionName()),
      pool_(options, &loop_, this),
      budget_(options.retry) {
  // Before any call can be.
  loop_.Post([this] { pool_.Start([this] { OnOriented(); }); });
}

CallEngine::~CallEngine() = default;

bool CallEngine::Run() { return loop_.Run(this); }

void CallEngine::End() {
  loop_.Post([this] { EndAll(); });
}

void CallEngine::EndAll() {
  ended_ = true;
  std::vector<Call*> calls;
  for (const auto& [id, call] : calls_) calls.push_back(call.get());
  for (Call* call : calls) {
    const bool sent = Abandon(call);
    Fail(call, Unknown(Closed(), call->write && sent));
  }
  std::vector<CallId> status_calls;
  for (const auto& [id, asked] : status_calls_) status_calls.push_back(id);
  for (const CallId id : status_calls) FinishStatus(id, Refused(Closed()));
  pool_.Shutdown();
  loop_.End(kEndPatience);
}

// ---- Admission, on any thread ----

absl::Status CallEngine::Admit(size_t bytes) {
  if (bytes > kMaxOperationBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the request has ", bytes, " bytes; the limit is ", kMaxOperationBytes));
  }
  // Counted first, so that calls at the same time cannot go beyond the limit together.
  const size_t calls = calls_in_flight_.fetch_add(1) + 1;
  const size_t all_bytes = bytes_in_flight_.fetch_add(bytes) + bytes;
  if (calls <= options_.max_calls && all_bytes <= options_.max_bytes) return absl::OkStatus();
  Release(bytes);
  return absl::ResourceExhaustedError(
      absl::StrCat("this connection has ", options_.max_calls, " calls or ", options_.max_bytes,
                   " bytes in flight, its limits; this call was not sent"));
}

void CallEngine::Release(size_t bytes) {
  calls_in_flight_.fetch_sub(1);
  bytes_in_flight_.fetch_sub(bytes);
}

CallId CallEngine::Submit(std::unique_ptr<Call> call, absl::Duration timeout) {
  call->in_doubt = IsRepeat(call->operation);
  call->bytes = call->operation.ByteSizeLong();
  const absl::Status admitted = Admit(call->bytes);
  if (!admitted.ok()) {
    // This try was not sent, but the one that it repeats may have happened.
    if (call->write) {
      call->write_done(Unknown(admitted, call->in_doubt));
    } else {
      call->read_done(Refused(admitted));
    }
    return 0;
  }
  call->deadline = After(std::chrono::steady_clock::now(), timeout);
  const CallId id = last_call_.fetch_add(1) + 1;
  call->id = id;
  if (call->write) Name(call.get());
  loop_.Post([this, call = std::move(call)]() mutable { Begin(std::move(call)); });
  return id;
}

void CallEngine::Name(Call* call) const {
  std::string* const name = RequestId(&call->operation);
  // A repeat without its name is refused by the node: no name of ours would be the first try's.
  if (name->empty() && options_.retry.name_writes && !call->in_doubt) {
    *name = name_;
    name->append(reinterpret_cast<const char*>(&call->id), sizeof(call->id));
  }
  call->named = !name->empty();
}

CallId CallEngine::Read(ReadRequest request, ReadCallback done) {
  auto call = std::make_unique<Call>();
  const absl::Duration timeout = request.timeout;
  call->operation = Encode(std::move(request));
  call->read_done = OrIgnore(std::move(done));
  return Submit(std::move(call), timeout);
}

CallId CallEngine::Write(WriteRequest request, WriteCallback done) {
  auto call = std::make_unique<Call>();
  const absl::Duration timeout = request.timeout;
  call->write = true;
  call->operation = Encode(std::move(request));
  call->write_done = OrIgnore(std::move(done));
  return Submit(std::move(call), timeout);
}

CallId CallEngine::Status(StatusRequest request, StatusCallback done) {
  done = OrIgnore(std::move(done));
  const absl::Status admitted = Admit(0);
  if (!admitted.ok()) {
    done(Refused(admitted));
    return 0;
  }
  const CallId id = last_call_.fetch_add(1) + 1;
  StatusAsked asked;
  asked.address = std::move(request.address);
  asked.done = std::move(done);
  asked.deadline = After(std::chrono::steady_clock::now(), request.timeout);
  loop_.Post([this, id, asked = std::move(asked)]() mutable {
    asked.node = pool_.directory().size();
    status_calls_.emplace(id, std::move(asked));
    TryStatus(id);
  });
  return id;
}

void CallEngine::Cancel(CallId id) {
  loop_.Post([this, id] { CancelNow(id); });
}

// ---- Reads and writes, on the engine's thread ----

void CallEngine::Begin(std::unique_ptr<Call> begun) {
  Call* const call = begun.get();
  calls_.emplace(call->id, std::move(begun));
  if (ended_) return Fail(call, Refused(Closed()));
  call->node = pool_.directory().size();
  budget_.OnCall();
  Try(call);
}

void CallEngine::Try(Call* call) {
  const SteadyTime now = loop_.now();
  if (now >= call->deadline) {
    const char* const written = call->in_doubt ? "" : "; nothing was written";
    return Fail(call, Refused(absl::DeadlineExceededError(
                          absl::StrCat("the time was over before the call was sent", written))));
  }
  if (!pool_.oriented()) {
    call->timer = loop_.StartTimer(call->deadline, [this, id = call->id] { OnTimer(id); });
    return held_.push_back(call->id);
  }
  ++call->attempts;
  call->answer_by = AnswerTime(now, call->deadline);
  call->node = pool_.directory().Pick(call->write, call->node, now);
  if (call->node == pool_.directory().size()) {
    return OnFailure(call, Refused(pool_.directory().NobodyToAsk()), /*reached=*/false);
  }
  call->attempt = ++last_attempt_;
  attempts_.emplace(call->attempt, call);
  Wait(call);
  v1::StreamOperation operation =
      call->attempts < options_.retry.max_attempts ? call->operation : std::move(call->operation);
  if (call->in_doubt) SetRepeat(&operation);
  operation.set_id(call->attempt);
  const absl::Status sent = pool_.stream(call->node).Send(std::move(operation), call->answer_by);
  if (!sent.ok()) {
    pool_.Failed(call->node);
    Abandon(call);
    OnFailure(call, Refused(sent), /*reached=*/false);
  }
}

void CallEngine::OnOriented() {
  for (const CallId id : std::exchange(held_, {})) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) continue;
    loop_.StopTimer(found->second->timer);
    Try(found->second.get());
  }
}

void CallEngine::Wait(Call* call) {
  const absl::Duration patience =
      options_.attempt_timeout * std::exp2(std::min(call->silences, 30));
  call->timer = loop_.StartTimer(std::min(call->deadline, After(loop_.now(), patience)),
                                 [this, id = call->id] { OnTimer(id); });
}

void CallEngine::Detach(Call* call) {
  loop_.StopTimer(call->timer);
  attempts_.erase(call->attempt);
  call->attempt = 0;
}

bool CallEngine::Abandon(Call* call) {
  bool sent = false;
  if (call->attempt != 0) {
    NodeStream& stream = pool_.stream(call->node);
    sent = stream.Sent(call->attempt);
    stream.Cancel(call->attempt);
  }
  Detach(call);
  return sent;
}

void CallEngine::OnTimer(CallId id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  Call* const call = found->second.get();
  if (call->attempt == 0) return Try(call);
  if (loop_.now() < call->deadline) return OnSilence(call);
  const bool sent = Abandon(call);
  pool_.RefreshSoon();
  std::string message =
      absl::StrCat(pool_.directory().address(call->node), " did not answer in time");
  if (call->write) {
    absl::StrAppend(&message, sent || call->in_doubt ? "; the write may still take effect"
                                                     : "; nothing was written");
  }
  Fail(call, Unknown(absl::DeadlineExceededError(message), call->write && sent));
}

// The node has been silent for as long as a try may take. That is worth a question to another one;
// but it ends no call, since the answer may be under way.
void CallEngine::OnSilence(Call* call) {
  ++call->silences;
  pool_.Failed(call->node);
  pool_.RefreshSoon();
  const bool sent = pool_.stream(call->node).Sent(call->attempt);
  // The outcome of a write that has left is known to its node alone.
  const bool asks_another = !(call->write && sent) &&
                            call->attempts < options_.retry.max_attempts &&
                            pool_.directory().HasAnother(call->node, call->write, loop_.now()) &&
                            (!sent || budget_.TryRetry());
  if (!asks_another) return Wait(call);
  Abandon(call);
  Try(call);
}

void CallEngine::OnFailure(Call* call, Error error, bool reached) {
  if (!error.details.leader.empty()) pool_.directory().LearnLeader(error.details.leader);
  const SteadyTime next = After(loop_.now(), Backoff(options_.retry, call->attempts, random_));
  // A try that begins when an answer should be under way has no time for one, and what it would end
  // with knows less than this error does.
  const bool in_time = next < call->answer_by;
  call->in_doubt = call->in_doubt || error.details.may_have_applied;
  const bool again = SafeToRetry(error, call->write, call->named) &&
                     call->attempts < options_.retry.max_attempts && in_time &&
                     (!reached || budget_.TryRetry());
  if (!again) return Fail(call, std::move(error));
  pool_.RefreshSoon();
  call->timer = loop_.StartTimer(next, [this, id = call->id] { OnTimer(id); });
}

void CallEngine::Finish(Call* finished, v1::StreamResult* result, Error error) {
  const auto found = calls_.find(finished->id);
  CHECK(found != calls_.end()) << "a call has ended twice";
  const std::unique_ptr<Call> call = std::move(found->second);
  calls_.erase(found);
  Release(call->bytes);
  error.details.may_have_applied = error.details.may_have_applied || call->in_doubt;
  if (result == nullptr && call->attempts > 1) {
    error.status = absl::Status(
        error.status.code(), absl::StrCat(error.status.message(), " (try ", call->attempts, ")"));
  }
  if (call->write) {
    call->write_done(result == nullptr ? Outcome<WriteReply>(std::move(error))
                                       : DecodeWrite(result));
  } else {
    call->read_done(result == nullptr ? Outcome<ReadReply>(std::move(error)) : DecodeRead(result));
  }
}

void CallEngine::OnResult(v1::StreamResult* result) {
  const auto found = attempts_.find(result->id());
  if (found == attempts_.end()) return;
  Call* const call = found->second;
  pool_.directory().Answered(call->node);
  Detach(call);
  if (!result->has_error()) return Finish(call, result, Error());
  Error error = DecodeError(result->error());
  if (!call->write) error.details.may_have_applied = false;
  OnFailure(call, std::move(error), /*reached=*/true);
}

void CallEngine::OnLost(uint64_t attempt, bool sent, const absl::Status& why) {
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return;
  Call* const call = found->second;
  pool_.Failed(call->node);
  Detach(call);
  OnFailure(call, Unknown(why, call->write && sent), sent);
}

void CallEngine::CancelNow(CallId id) {
  if (status_calls_.contains(id)) {
    return FinishStatus(id, Refused(absl::CancelledError("the caller has cancelled the call")));
  }
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  Call* const call = found->second.get();
  const bool sent = Abandon(call);
  Fail(call,
       Unknown(absl::CancelledError("the caller has cancelled the call"), call->write && sent));
}

// ---- Status ----

void CallEngine::TryStatus(CallId id) {
  const auto found = status_calls_.find(id);
  if (found == status_calls_.end()) return;
  if (ended_) return FinishStatus(id, Refused(Closed()));
  StatusAsked& asked = found->second;
  const absl::Duration left = absl::FromChrono(asked.deadline - loop_.now());
  if (left <= absl::ZeroDuration()) {
    return FinishStatus(id, Refused(absl::DeadlineExceededError("no node answered in time")));
  }
  ++asked.attempts;
  auto done = [this, id](const grpc::Status& status, const v1::StatusResponse& response) {
    OnStatus(id, status, response);
  };
  if (!asked.address.empty()) {
    asked.under_way = pool_.AskStatus(asked.address, left, std::move(done));
    return;
  }
  asked.node = pool_.directory().Pick(/*write=*/false, asked.node, loop_.now());
  if (asked.node == pool_.directory().size()) {
    return FinishStatus(id, Refused(pool_.directory().NobodyToAsk()));
  }
  asked.hurried = left < options_.attempt_timeout;
  asked.under_way =
      pool_.AskStatus(asked.node, std::min(left, options_.attempt_timeout), std::move(done));
}

void CallEngine::OnStatus(CallId id, const grpc::Status& status,
                          const v1::StatusResponse& response) {
  const auto found = status_calls_.find(id);
  if (found == status_calls_.end()) return;
  StatusAsked& asked = found->second;
  asked.under_way = nullptr;
  if (status.ok()) return FinishStatus(id, Decode(response));
  // A caller in a hurry says nothing of the node.
  const bool impatient = asked.hurried && status.error_code() == grpc::DEADLINE_EXCEEDED;
  if (asked.address.empty() && !impatient) pool_.Failed(asked.node);
  const SteadyTime next = After(loop_.now(), Backoff(options_.retry, asked.attempts, random_));
  if (asked.address.empty() && asked.attempts < options_.retry.max_attempts &&
      next < asked.deadline) {
    loop_.StartTimer(next, [this, id] { TryStatus(id); });
    return;
  }
  FinishStatus(id, Refused(absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                                        status.error_message())));
}

void CallEngine::FinishStatus(CallId id, Outcome<NodeStatus> outcome) {
  const auto found = status_calls_.find(id);
  CHECK(found != status_calls_.end()) << "a status call has ended twice";
  StatusAsked asked = std::move(found->second);
  status_calls_.erase(found);
  if (asked.under_way != nullptr) pool_.Cancel(asked.under_way);
  Release(0);
  asked.done(std::move(outcome));
}

}  // namespace quorate
