#include "loadgen/runner.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"

namespace quorate::loadgen {
namespace {

constexpr size_t kFailureMessages = 8;

// Between two looks at what has come back.
constexpr int kMaxIssuedAtOnce = 256;

// A session of a closed loop waits so long after a failure, so that a server that is away is not
// asked as often as a processor can.
constexpr Nanos kRestAfterFailure = kNanosPerSecond / 100;

// The values of the workload itself.
class LabelledValues : public ValueMaker {
 public:
  explicit LabelledValues(const Workload* workload) : workload_(workload) {}

  void Make(const SentOperation& operation, std::string* value) override {
    workload_->AppendValue(operation.planned, value);
  }
  bool BelongsTo(size_t key, absl::string_view value) const override {
    return workload_->ValueBelongsTo(key, value);
  }

 private:
  const Workload* const workload_;
};

Nanos LengthOf(Phase phase, const RunnerOptions& options) {
  switch (phase) {
    case Phase::kRamp:
      return options.closed_loop > 0 ? 0 : options.ramp;
    case Phase::kWarmUp:
      return options.warm_up;
    case Phase::kMeasure:
      return options.measured;
    default:
      return 0;
  }
}

}  // namespace

Runner::Runner(const RunnerOptions& options, OperationSender* sender, std::function<Nanos()> clock,
               std::vector<Observer*> observers, ValueMaker* values)
    : options_(options),
      workload_(options.workload),
      sender_(sender),
      clock_(std::move(clock)),
      own_values_(values == nullptr ? std::make_unique<LabelledValues>(&workload_) : nullptr),
      values_(values == nullptr ? own_values_.get() : values),
      checks_(workload_.key_limit(), values_),
      observers_(std::move(observers)),
      schedule_(ScheduleOptions{}),
      frontier_(options.workload.keys, workload_.key_limit()),
      waiting_(options.workload.targets) {
  stats_.closed_loop = options.closed_loop;
  Begin(Phase::kLoad, 0);
}

Runner::~Runner() = default;

// ---- Phases ----

void Runner::Begin(Phase phase, Nanos now) {
  phase_ = phase;
  phase_start_ = now;
  settling_ = false;
  drop_waiting_at_ = kNever;
  resting_.clear();
  if (phase == Phase::kLoad) {
    phase_end_ = options_.load_keys ? kNever : now;
    if (options_.load_keys) stats_.phases.push_back(PhaseSpan{phase, now, now});
    return;
  }
  if (phase == Phase::kDone) return;
  phase_end_ = now + LengthOf(phase, options_);
  stats_.phases.push_back(PhaseSpan{phase, now, now});
  if (phase == Phase::kDrain) {
    // What waits has its time from when the schedule was over.
    drop_waiting_at_ = now + options_.drop_waiting_after;
    return;
  }
  if (phase == Phase::kMeasure) {
    stats_.window_start = now;
    stats_.window = options_.measured;
  }
  ScheduleOptions schedule;
  // Of its own for each phase, since gaps that repeat would repeat their bursts.
  schedule.seed = options_.workload.seed + static_cast<uint64_t>(phase);
  schedule.spacing = options_.spacing;
  schedule.operations_per_second = options_.operations_per_second;
  schedule.ramp = phase == Phase::kRamp ? options_.ramp : 0;
  schedule_ = Schedule(schedule);
}

// The next phase that has a length.
void Runner::BeginNext(Nanos now) {
  if (!stats_.phases.empty()) stats_.phases.back().end = now;
  if (phase_ == Phase::kMeasure) stats_.in_flight_at_end = in_flight_count_;
  Phase next = phase_;
  do {
    next = static_cast<Phase>(static_cast<int>(next) + 1);
  } while (next < Phase::kDrain && (stopped_ || LengthOf(next, options_) == 0));
  Begin(next, now);
}

void Runner::EndSchedule(Nanos now) {
  settling_ = true;
  drop_waiting_at_ = now + options_.drop_waiting_after;
}

bool Runner::Exhausted() const {
  return phase_ == Phase::kLoad && loaded_keys_ == options_.workload.keys;
}

void Runner::Advance() {
  const Nanos now = clock_();
  if (waiting_count_ > 0) {
    for (size_t target = 0; target < waiting_.size(); ++target) SendWaiting(target);
  }
  while (!Done()) {
    if (Issuing()) {
      const int issued = ClosedLoop() ? IssueClosed(now) : IssueOpen(now);
      if (issued == kMaxIssuedAtOnce) return;
      if (now < phase_end_ && !Exhausted()) return;
      EndSchedule(now);
    }
    // The measured phase ends with its schedule; what it has under way is the next one's.
    if (phase_ != Phase::kMeasure) {
      if (now >= drop_waiting_at_) DropWaiting();
      if (!Idle()) return;
    }
    BeginNext(now);
  }
}

Nanos Runner::NextWake() const {
  if (Done()) return kNever;
  if (!Issuing()) return waiting_count_ > 0 ? drop_waiting_at_ : kNever;
  if (!ClosedLoop()) {
    return std::min(phase_start_ + schedule_.due(), phase_end_);
  }
  if (CanIssueNow()) return 0;
  return resting_.empty() ? phase_end_ : std::min(resting_.front(), phase_end_);
}

void Runner::Stop() {
  if (stopped_ || phase_ >= Phase::kDrain) return;
  const Nanos now = clock_();
  stopped_ = true;
  phase_end_ = std::min(phase_end_, now);
  if (phase_ == Phase::kMeasure) {
    stats_.window = std::max<Nanos>(phase_end_ - phase_start_, 0);
  }
  if (phase_ == Phase::kLoad) EndSchedule(now);
}

bool Runner::InWindow(Nanos time) const {
  return stats_.window > 0 && time >= stats_.window_start &&
         time < stats_.window_start + stats_.window;
}

// ---- What is due ----

// The schedule ends before the phase does, so that nothing is due at the very end.
int Runner::IssueOpen(Nanos now) {
  int issued = 0;
  while (issued < kMaxIssuedAtOnce) {
    const Nanos due = phase_start_ + schedule_.due();
    if (due >= phase_end_ || due > now) break;
    schedule_.Advance();
    Issue(Next(due));
    ++issued;
  }
  return issued;
}

bool Runner::CanIssueNow() const {
  if (Exhausted()) return false;
  const size_t sessions = phase_ == Phase::kLoad ? options_.load_in_flight : options_.closed_loop;
  return in_flight_count_ + waiting_count_ + resting_.size() < sessions;
}

int Runner::IssueClosed(Nanos now) {
  while (!resting_.empty() && resting_.front() <= now) resting_.pop_front();
  int issued = 0;
  while (issued < kMaxIssuedAtOnce && now < phase_end_ && CanIssueNow()) {
    Issue(NextClosed(now));
    ++issued;
  }
  return issued;
}

PlannedOperation Runner::NextClosed(Nanos now) {
  if (phase_ != Phase::kLoad) return Next(now);
  PlannedOperation operation = workload_.WriteOf(loaded_keys_++, next_index_++);
  operation.due = now;
  return operation;
}

PlannedOperation Runner::Next(Nanos due) {
  PlannedOperation operation = workload_.At(next_index_++, due, frontier_.born());
  if (operation.step != Step::kInsert) return operation;
  if (frontier_.CanTake()) {
    operation.key = static_cast<size_t>(frontier_.Take());
  } else {
    operation.step = Step::kAlone;
    operation.key = static_cast<size_t>(frontier_.born() - 1);
  }
  return operation;
}

// What follows from how an operation has ended.
void Runner::GoOn(const SentOperation& operation, const Reply& reply, Nanos now) {
  const PlannedOperation& planned = operation.planned;
  if (planned.step == Step::kInsert) {
    if (reply.status.ok()) {
      frontier_.OnAcknowledged(planned.key);
    } else {
      frontier_.OnFailed(planned.key);
    }
  }
  if (planned.step == Step::kReadOfPair && reply.status.ok()) {
    Issue(workload_.WriteAfter(planned, now));
  }
}

bool Runner::Measured(const PlannedOperation& operation) const { return InWindow(operation.due); }

void Runner::Issue(const PlannedOperation& operation) {
  ++interval_.offered;
  if (Measured(operation)) ++stats_.scheduled;
  if (waiting_[operation.target].empty() && sender_->HasRoom(operation.target)) {
    Send(operation);
  } else {
    Enqueue(operation);
  }
}

void Runner::Enqueue(const PlannedOperation& operation) {
  const bool measured = Measured(operation);
  ++interval_.waited;
  if (measured) ++stats_.waited;
  // A closed loop has no more of them than sessions.
  if (!ClosedLoop() && waiting_count_ >= options_.max_waiting) {
    ++interval_.missed;
    if (measured) ++stats_.missed;
    GiveUp(operation);
    return;
  }
  waiting_[operation.target].push_back(operation);
  ++waiting_count_;
}

void Runner::SendWaiting(size_t target) {
  std::deque<PlannedOperation>& queue = waiting_[target];
  while (!queue.empty() && sender_->HasRoom(target)) {
    const PlannedOperation next = queue.front();
    queue.pop_front();
    --waiting_count_;
    Send(next);
  }
}

void Runner::DropWaiting() {
  for (auto& queue : waiting_) {
    // What waits in the drain is what was measured; what waits earlier was not.
    interval_.missed += queue.size();
    if (phase_ == Phase::kDrain && stats_.window > 0) stats_.missed += queue.size();
    for (const PlannedOperation& operation : queue) GiveUp(operation);
    queue.clear();
  }
  waiting_count_ = 0;
}

// It will never be sent.
void Runner::GiveUp(const PlannedOperation& operation) {
  if (operation.step == Step::kInsert) frontier_.OnFailed(operation.key);
}

uint32_t Runner::TakeSession() {
  if (free_sessions_.empty()) {
    free_sessions_.push_back(static_cast<uint32_t>(sessions_.size()));
    sessions_.emplace_back();
  }
  const uint32_t session = free_sessions_.back();
  free_sessions_.pop_back();
  return session;
}

void Runner::Send(const PlannedOperation& operation) {
  const uint32_t session = TakeSession();
  SentOperation& sent = sessions_[session];
  sent.planned = operation;
  sent.session = session;
  sent.measured = Measured(operation);
  sent.sent = clock_();
  ++in_flight_count_;
  ++interval_.sent;
  interval_.send_lag.Record(sent.sent - operation.due);
  if (sent.measured) stats_.send_lag.Record(sent.sent - operation.due);

  Request request;
  request.write = operation.write;
  request.local = options_.local_reads && !operation.write;
  request.target = operation.target;
  request.key_number = operation.key;
  key_.clear();
  workload_.AppendKeyName(operation.key, &key_);
  request.key = key_;
  if (operation.write) {
    value_.clear();
    values_->Make(sent, &value_);
    request.value = value_;
    for (Observer* observer : observers_) observer->OnWriteSent(sent, value_);
  } else {
    checks_.OnReadSent(sent);
    for (Observer* observer : observers_) observer->OnReadSent(sent);
  }
  sender_->Send(session, request);
}

// ---- What comes back ----

void Runner::OnReply(uint64_t tag, const Reply& reply) {
  const auto session = static_cast<uint32_t>(tag);
  const SentOperation operation = sessions_[session];
  const Nanos now = clock_();
  --in_flight_count_;
  if (InWindow(now)) {
    ++stats_.ended_in_window;
    if (reply.status.ok()) ++stats_.ok_in_window;
  }
  if (operation.planned.write) {
    checks_.OnWriteEnded(operation, now, reply);
    for (Observer* observer : observers_) observer->OnWriteEnded(operation, now, reply);
  } else {
    checks_.OnReadEnded(operation, now, reply);
    for (Observer* observer : observers_) observer->OnReadEnded(operation, now, reply);
  }
  Record(operation, now, reply);
  if (phase_ == Phase::kLoad) RecordLoad(reply);
  free_sessions_.push_back(session);
  if (ClosedLoop() && !reply.status.ok()) resting_.push_back(now + kRestAfterFailure);
  GoOn(operation, reply, now);
  if (waiting_count_ > 0) SendWaiting(operation.planned.target);
}

void Runner::Record(const SentOperation& operation, Nanos ended, const Reply& reply) {
  const PlannedOperation& planned = operation.planned;
  OperationStats* stats = planned.write ? &stats_.writes : &stats_.reads;
  ++interval_.ended;
  if (!reply.status.ok()) {
    ++(reply.may_have_applied ? interval_.unknown : interval_.failed);
    if (absl::IsDeadlineExceeded(reply.status)) ++interval_.timed_out;
    if (operation.measured) RecordFailure(stats, operation, ended, reply);
    return;
  }
  ++(planned.write ? interval_.writes_ok : interval_.reads_ok);
  interval_.response.Record(ended - planned.due);
  interval_.service.Record(ended - operation.sent);
  if (!operation.measured) return;
  ++stats->ok;
  stats->response.Record(ended - planned.due);
  stats->service.Record(ended - operation.sent);
  if (planned.step == Step::kWriteOfPair) {
    stats_.read_modify_writes.Record(ended - planned.pair_due);
  }
  if (!planned.write) {
    stats_.absent_reads = checks_.measured().absent;
    stats_.wrong_values = checks_.measured().wrong;
    stats_.stale_reads = checks_.measured().stale;
  }
}

void Runner::RecordFailure(OperationStats* stats, const SentOperation& operation, Nanos ended,
                           const Reply& reply) {
  ++(reply.may_have_applied ? stats->unknown : stats->failed);
  if (absl::IsDeadlineExceeded(reply.status)) ++stats->timed_out;
  LatencyPair* latency = reply.may_have_applied ? &stats->unknown_latency : &stats->failed_latency;
  latency->response.Record(ended - operation.planned.due);
  latency->service.Record(ended - operation.sent);
  CountMessage(reply.status.message());
}

void Runner::RecordLoad(const Reply& reply) {
  ++(reply.status.ok() ? stats_.loaded : stats_.load_failures);
  if (!reply.status.ok()) CountMessage(reply.status.message());
}

void Runner::CountMessage(absl::string_view text) {
  std::string message(text);
  if (stats_.failures.size() >= kFailureMessages && stats_.failures.count(message) == 0) {
    message = "others";
  }
  ++stats_.failures[message];
}

IntervalStats Runner::TakeInterval() {
  IntervalStats next;
  next.from = clock_();
  interval_.to = next.from;
  interval_.phase = phase_;
  interval_.warm_up = stats_.window == 0 || IsMoreThanALittle(stats_.window_start - interval_.from,
                                                              interval_.to - interval_.from);
  interval_.absent = checks_.all().absent - checks_before_interval_.absent;
  interval_.wrong = checks_.all().wrong - checks_before_interval_.wrong;
  interval_.stale = checks_.all().stale - checks_before_interval_.stale;
  interval_.in_flight = in_flight_count_;
  interval_.waiting = waiting_count_;
  checks_before_interval_ = checks_.all();
  return std::exchange(interval_, std::move(next));
}

}  // namespace quorate::loadgen
