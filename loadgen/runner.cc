#include "loadgen/runner.h"

#include <algorithm>
#include <utility>

namespace quorate::loadgen {
namespace {

constexpr size_t kFailureMessages = 8;

}  // namespace

Runner::Runner(const RunnerOptions& options, OperationSender* sender, std::function<Nanos()> clock)
    : workload_(options.workload),
      warm_up_(options.warm_up),
      max_waiting_(options.max_waiting),
      sender_(sender),
      clock_(std::move(clock)),
      end_(options.warm_up + options.measured),
      staleness_(options.workload.keys),
      waiting_(options.workload.targets) {
  stats_.window = options.measured;
}

Nanos Runner::NextDue() const {
  const Nanos due = workload_.DueAt(next_index_);
  return due < end_ ? due : kNever;
}

void Runner::SendDue() {
  while (NextDue() <= clock_()) {
    const PlannedOperation operation = workload_.At(next_index_);
    ++next_index_;
    if (Measured(operation)) ++stats_.scheduled;
    if (waiting_[operation.target].empty() && sender_->HasRoom(operation.target)) {
      Send(operation);
    } else {
      Enqueue(operation);
    }
  }
}

void Runner::Stop() {
  end_ = std::min(end_, clock_());
  stats_.window = std::max<Nanos>(end_ - warm_up_, 0);
}

void Runner::DropWaiting() {
  for (auto& queue : waiting_) {
    for (const PlannedOperation& operation : queue) {
      if (Measured(operation)) ++stats_.missed;
    }
    queue.clear();
  }
  waiting_count_ = 0;
}

IntervalStats Runner::TakeInterval() {
  IntervalStats next;
  next.from = clock_();
  interval_.to = next.from;
  interval_.warm_up = interval_.from < warm_up_;
  return std::exchange(interval_, std::move(next));
}

bool Runner::Measured(const PlannedOperation& operation) const { return operation.due >= warm_up_; }

void Runner::Enqueue(const PlannedOperation& operation) {
  if (Measured(operation)) ++stats_.waited;
  if (waiting_count_ >= max_waiting_) {
    if (Measured(operation)) ++stats_.missed;
    return;
  }
  waiting_[operation.target].push_back(operation);
  ++waiting_count_;
}

void Runner::Send(const PlannedOperation& operation) {
  InFlight in_flight;
  in_flight.operation = operation;
  in_flight.sent = clock_();
  in_flight.floor = staleness_.AtReadStart(operation.key);
  if (Measured(operation)) stats_.send_lag.Record(in_flight.sent - operation.due);
  ++in_flight_;
  sender_->Send(operation,
                [this, in_flight](const RestResult& result) { OnResult(in_flight, result); });
}

void Runner::OnResult(const InFlight& in_flight, const RestResult& result) {
  const PlannedOperation& operation = in_flight.operation;
  const Nanos now = clock_();
  --in_flight_;
  if (operation.write && result.status.ok()) {
    staleness_.OnWriteAcknowledged(operation.key, result.version);
  }
  if (now >= warm_up_ && now < warm_up_ + stats_.window) ++stats_.ended_in_window;
  ++interval_.ended;
  if (!result.status.ok()) ++interval_.failed;
  if (result.status.ok()) interval_.response.Record(now - operation.due);

  if (Measured(operation)) {
    OperationStats& stats = operation.write ? stats_.writes : stats_.reads;
    if (result.status.ok()) {
      ++stats.ok;
      stats.response.Record(now - operation.due);
      stats.service.Record(now - in_flight.sent);
    } else {
      ++(result.may_have_applied ? stats.unknown : stats.failed);
      RecordFailure(result);
    }
  }
  if (!operation.write && result.status.ok()) RecordRead(in_flight, result);

  std::deque<PlannedOperation>& queue = waiting_[operation.target];
  while (!queue.empty() && sender_->HasRoom(operation.target)) {
    const PlannedOperation next = queue.front();
    queue.pop_front();
    --waiting_count_;
    Send(next);
  }
}

void Runner::RecordRead(const InFlight& in_flight, const RestResult& result) {
  const PlannedOperation& operation = in_flight.operation;
  const bool wrong = result.found && !workload_.ValueBelongsTo(operation.key, result.value);
  const bool stale = !wrong && StalenessTracker::IsStale(in_flight.floor, result.version);
  if (stale) ++interval_.stale;
  if (!Measured(operation)) return;
  if (!result.found) ++stats_.absent_reads;
  if (wrong) ++stats_.wrong_values;
  if (stale) ++stats_.stale_reads;
}

void Runner::RecordFailure(const RestResult& result) {
  std::string message(result.status.message());
  if (stats_.failures.size() >= kFailureMessages && stats_.failures.count(message) == 0) {
    message = "others";
  }
  ++stats_.failures[message];
}

}  // namespace quorate::loadgen
