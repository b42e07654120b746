#include "tests/nemesis/load.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "glog/logging.h"

#include "client/connection_options.h"
#include "client/grpc_connection.h"
#include "node/poll_loop.h"
#include "tests/sim/workload.h"

namespace quorate::nemesis {
namespace {

using sim::ScheduledOperation;

constexpr size_t kConnections = 3;
// Names for what comes after healing.
constexpr int kFinalClient = 1000000;
constexpr int kFinalInFlight = 16;
constexpr int kFinalWrites = 10;
constexpr absl::Duration kFinalTimeout = absl::Seconds(10);
// Far more than the longest time that a schedule gives a call.
constexpr absl::Duration kEndBudget = absl::Minutes(2);

Client NewClient(const std::vector<std::string>& addresses) {
  ConnectionOptions options;
  options.targets = addresses;
  const auto connection = Connect(options);
  CHECK(connection.ok()) << connection.status();
  return Client(*connection);
}

bool IsWrite(OperationKind kind) {
  return kind == OperationKind::kSet || kind == OperationKind::kDelete;
}

// "" where the reply says that what was asked for was done.
std::string Shortfall(int got, int required, int asked, const std::string& durability,
                      Durability wanted) {
  if (required != asked || got < asked) {
    return absl::StrCat("asked for ", asked, ", was answered with ", got, " of ", required);
  }
  if (durability != DurabilityName(wanted)) {
    return absl::StrCat("was answered at durability ", durability);
  }
  return "";
}

}  // namespace

std::string KeyText(int key) { return sim::Workload::KeyName(key); }

std::string ValueText(int client, int number, size_t bytes) {
  std::string text = absl::StrCat("c", client, "/", number, "/", bytes, "/");
  text.resize(std::max(text.size(), bytes), '.');
  return text;
}

uint64_t ValueName(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  int client = 0;
  int number = 0;
  uint64_t bytes = 0;
  if (parts.size() != 4 || parts[0].empty() || parts[0][0] != 'c' ||
      !absl::SimpleAtoi(parts[0].substr(1), &client) || !absl::SimpleAtoi(parts[1], &number) ||
      !absl::SimpleAtoi(parts[2], &bytes) || text != ValueText(client, number, bytes)) {
    return 0;
  }
  return (static_cast<uint64_t>(client) + 1) << 32 | static_cast<uint32_t>(number);
}

Load::Load(const sim::Schedule& schedule, Durability durability,
           const std::vector<std::string>& addresses)
    : schedule_(schedule), durability_(durability), recorder_(check::RecorderOptions{}) {
  for (size_t i = 0; i < kConnections; ++i) clients_.push_back(NewClient(addresses));
}

Load::~Load() { Finish(); }

check::Nanos Load::Now() const { return absl::ToInt64Nanoseconds(MonotonicNow() - begin_); }

void Load::Start(MonotonicTime begin) {
  begin_ = begin;
  thread_ = std::thread([this] { Run(); });
}

std::optional<ScheduledOperation> Load::Next() {
  while (!free_.empty()) {
    ClientState& state = states_[free_.front()];
    free_.pop_front();
    if (state.busy || state.waiting.empty()) continue;
    ScheduledOperation operation = std::move(state.waiting.front());
    state.waiting.pop_front();
    return operation;
  }
  const absl::Duration now = MonotonicNow() - begin_;
  while (next_ < schedule_.operations.size() && schedule_.operations[next_].at <= now) {
    const ScheduledOperation& operation = schedule_.operations[next_++];
    ClientState& state = states_[operation.client];
    if (!state.busy && state.waiting.empty()) return operation;
    state.waiting.push_back(operation);
  }
  return std::nullopt;
}

absl::Duration Load::NextDue() const {
  absl::Duration due = MonotonicNow() - begin_ + absl::Seconds(1);
  if (next_ < schedule_.operations.size()) due = std::min(due, schedule_.operations[next_].at);
  if (!cancels_.empty()) due = std::min(due, cancels_.begin()->first);
  return due;
}

std::vector<std::pair<int, CallId>> Load::TakeCancels() {
  const absl::Duration now = MonotonicNow() - begin_;
  std::vector<std::pair<int, CallId>> due;
  while (!cancels_.empty() && cancels_.begin()->first <= now) {
    due.push_back(cancels_.begin()->second);
    cancels_.erase(cancels_.begin());
  }
  return due;
}

void Load::Run() {
  while (true) {
    std::optional<ScheduledOperation> operation;
    std::vector<std::pair<int, CallId>> cancels;
    {
      MutexLock lock(&mu_);
      while (!stopped_) {
        cancels = TakeCancels();
        operation = Next();
        if (operation.has_value() || !cancels.empty()) break;
        const absl::Duration wait = NextDue() - (MonotonicNow() - begin_);
        if (wait > absl::ZeroDuration()) changed_.WaitFor(&mu_, wait);
      }
      if (stopped_) return;
    }
    for (const auto& [client, call] : cancels) ClientOf(client).Cancel(call);
    if (operation.has_value()) Issue(*operation, /*final_phase=*/false);
  }
}

size_t Load::Begin(const ScheduledOperation& operation, bool final_phase) {
  const size_t place = result_.asked.size();
  Asked asked;
  asked.kind = operation.kind;
  asked.linearizable = operation.linearizable;
  asked.final_phase = final_phase;
  const sim::ScheduleSetting& setting = schedule_.setting;
  // The leader answers a linearizable read once W follow it.
  asked.quorum = operation.kind == OperationKind::kLocalRead ? 1
                 : IsWrite(operation.kind)                   ? operation.w.value_or(setting.w)
                 : operation.linearizable                    ? setting.w
                                                             : operation.r.value_or(setting.r);
  result_.asked.push_back(asked);
  result_.clients.push_back(operation.client);
  result_.names.push_back(operation.Name());
  check::Began began;
  began.key = static_cast<uint32_t>(operation.key);
  began.session = static_cast<uint32_t>(place);
  began.kind = !IsWrite(operation.kind)                   ? check::Kind::kRead
               : operation.kind == OperationKind::kDelete ? check::Kind::kDelete
                                                          : check::Kind::kWrite;
  if (operation.kind == OperationKind::kSet) {
    began.value = ValueName(ValueText(operation.client, operation.number, 0));
  }
  began.start = Now();
  states_[operation.client].busy = true;
  ++in_flight_;
  return recorder_.Begin(began);
}

Tokens Load::TokensFor(const ScheduledOperation& operation) {
  const auto& seen = states_[operation.client].seen;
  const auto of_key = seen.find(operation.key);
  Tokens tokens;
  if (of_key == seen.end()) return tokens;
  // A read has no context to hand back, and a local read has no session.
  const bool local = operation.kind == OperationKind::kLocalRead;
  if (operation.with_context && IsWrite(operation.kind)) tokens.context = of_key->second.context;
  if (operation.with_session && !local) tokens.session = of_key->second.session;
  return tokens;
}

void Load::Issue(const ScheduledOperation& operation, bool final_phase) {
  size_t slot = 0;
  size_t place = 0;
  Tokens tokens;
  {
    MutexLock lock(&mu_);
    slot = Begin(operation, final_phase);
    place = result_.asked.size() - 1;
    tokens = result_.asked[place].handed = TokensFor(operation);
  }
  Client& client = ClientOf(operation.client);
  CallId call = 0;
  if (IsWrite(operation.kind)) {
    WriteOptions options;
    options.w = operation.w;
    options.context = tokens.context;
    options.session = tokens.session;
    options.timeout = operation.timeout;
    auto done = [this, operation, place, slot](const Outcome<WriteReply>& outcome) {
      OnWrite(operation, place, slot, outcome);
    };
    if (operation.kind == OperationKind::kDelete) {
      call = client.Delete(KeyText(operation.key), options, done);
    } else {
      call = client.Set(KeyText(operation.key),
                        ValueText(operation.client, operation.number, operation.value_bytes),
                        options, done);
    }
  } else {
    ReadOptions options;
    options.r = operation.r;
    options.linearizable = operation.linearizable;
    options.session = tokens.session;
    options.timeout = operation.timeout;
    auto done = [this, operation, place, slot](const Outcome<ReadReply>& outcome) {
      OnRead(operation, place, slot, outcome);
    };
    call = operation.kind == OperationKind::kLocalRead
               ? client.LocalRead(KeyText(operation.key), options, done)
               : client.Get(KeyText(operation.key), options, done);
  }
  if (!operation.cancel_after.has_value()) return;
  MutexLock lock(&mu_);
  cancels_.emplace(MonotonicNow() - begin_ + *operation.cancel_after,
                   std::make_pair(operation.client, call));
}

void Load::OnRead(const ScheduledOperation& operation, size_t place, size_t slot,
                  const Outcome<ReadReply>& outcome) {
  check::Ended ended;
  ended.end = Now();
  if (!outcome.ok()) {
    ended.outcome = check::Outcome::kFailed;
    return OnOutcome(operation, place, slot, ended, outcome, /*answers=*/0);
  }
  ended.found = outcome->value.has_value();
  if (ended.found) ended.value = ValueName(*outcome->value);
  OnOutcome(operation, place, slot, ended, outcome, outcome->answers);
}

void Load::OnWrite(const ScheduledOperation& operation, size_t place, size_t slot,
                   const Outcome<WriteReply>& outcome) {
  check::Ended ended;
  ended.end = Now();
  if (!outcome.ok()) {
    ended.outcome =
        outcome.details().may_have_applied ? check::Outcome::kUnknown : check::Outcome::kFailed;
  }
  OnOutcome(operation, place, slot, ended, outcome, outcome.ok() ? outcome->acks : 0);
}

template <typename Reply>
void Load::OnOutcome(const ScheduledOperation& operation, size_t place, size_t slot,
                     check::Ended ended, const Outcome<Reply>& outcome, int answers) {
  MutexLock lock(&mu_);
  const Asked& asked = result_.asked[place];
  Tokens tokens;
  std::string wrong;
  if (outcome.ok()) {
    ended.order = outcome->order;
    tokens = {outcome->context, outcome->session};
    wrong = Shortfall(answers, outcome->required, asked.quorum, outcome->durability, durability_);
    // Without it, what comes next would be outside of the session, and nobody would judge it. Of a
    // key that was never written there is nothing to see again.
    const bool written = Order() < outcome->order;
    if (wrong.empty() && written && (tokens.context.empty() || tokens.session.empty())) {
      wrong = "was answered without a token";
    }
  } else if (asked.final_phase) {
    result_.failed_at_the_end.push_back(absl::StrCat(IsWrite(operation.kind) ? "write" : "read",
                                                     " of key ", operation.key, ": ",
                                                     outcome.status().ToString()));
  }
  End(operation, place, slot, ended, tokens, wrong);
}

void Load::End(const ScheduledOperation& operation, size_t place, size_t slot,
               const check::Ended& ended, const Tokens& tokens, const std::string& wrong) {
  recorder_.End(slot, ended);
  if (!wrong.empty()) result_.bad_replies.push_back(BadReply{result_.names[place], wrong});
  result_.asked[place].told = tokens;
  ClientState& state = states_[operation.client];
  Tokens& seen = state.seen[operation.key];
  if (!tokens.context.empty()) seen.context = tokens.context;
  // What an operation outside the session tells may be less than the session has seen.
  const bool inside = operation.with_session || seen.session.empty();
  if (inside && !tokens.session.empty()) seen.session = tokens.session;
  state.busy = false;
  if (!state.waiting.empty()) free_.push_back(operation.client);
  --in_flight_;
  changed_.SignalAll();
}

void Load::AwaitInFlight(int most) {
  MutexLock lock(&mu_);
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(kEndBudget);
  while (in_flight_ > most) {
    const bool in_time = changed_.WaitUntil(&mu_, deadline);
    // The client library has promised to end every call by its time.
    CHECK(in_time || in_flight_ <= most) << in_flight_ << " calls do not end";
  }
}

void Load::Finish() {
  {
    MutexLock lock(&mu_);
    stopped_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
  AwaitInFlight(0);
}

void Load::IssueFinal(ScheduledOperation operation) {
  operation.timeout = kFinalTimeout;
  AwaitInFlight(kFinalInFlight - 1);
  Issue(operation, /*final_phase=*/true);
}

void Load::ReadAndWriteEverything() {
  const sim::ScheduleSetting& setting = schedule_.setting;
  const bool plain = setting.write_mode == WriteMode::kPlain;
  const auto all = [&](int quorum) { return plain ? std::optional<int>(quorum) : std::nullopt; };
  ScheduledOperation operation;
  operation.client = kFinalClient;
  for (operation.key = 0; operation.key < setting.keys; ++operation.key) {
    operation.kind = OperationKind::kGet;
    operation.number = 2 * operation.key;
    operation.r = all(setting.n);
    operation.linearizable = false;
    IssueFinal(operation);
    ++operation.number;
    operation.r = std::nullopt;
    operation.linearizable = plain && setting.leader != 0;
    IssueFinal(operation);
  }
  AwaitInFlight(0);
  const int writes = std::min(kFinalWrites, setting.keys);
  for (const bool write : {true, false}) {
    operation = ScheduledOperation();
    operation.client = kFinalClient + 1;
    for (operation.key = 0; operation.key < writes; ++operation.key) {
      operation.number = 2 * operation.key + (write ? 0 : 1);
      operation.kind = write ? OperationKind::kSet : OperationKind::kGet;
      operation.w = write ? all(setting.n) : std::nullopt;
      operation.r = write ? std::nullopt : all(1);
      IssueFinal(operation);
    }
    AwaitInFlight(0);
  }
}

LoadResult Load::Take() {
  Finish();
  MutexLock lock(&mu_);
  LoadResult result = std::move(result_);
  check::Recorder* const recorder = &recorder_;
  result.history = check::FinishRecording({&recorder, 1});
  // For those who look at the file; the verdict goes by the promises themselves.
  result.history.ranked_by_clocks =
      schedule_.setting.leader == 0 && schedule_.setting.write_mode == WriteMode::kPlain;
  result.not_issued = schedule_.operations.size() - next_;
  for (const auto& [client, state] : states_) result.not_issued += state.waiting.size();
  uint32_t keys = static_cast<uint32_t>(schedule_.setting.keys);
  for (const check::Operation& one : result.history.operations) keys = std::max(keys, one.key + 1);
  for (uint32_t key = 0; key < keys; ++key) {
    result.history.keys.push_back(KeyText(static_cast<int>(key)));
  }
  return result;
}

}  // namespace quorate::nemesis
