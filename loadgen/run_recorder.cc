#include "loadgen/run_recorder.h"

#include "absl/types/span.h"

#include "loadgen/random_stream.h"

namespace quorate::loadgen {
namespace {

// More nodes than a cluster has; others are not told apart.
constexpr size_t kNodesMax = 1024;

// Histories call the value of operation i by i + 1, since 0 means none.
uint64_t ValueName(uint64_t index) { return index + 1; }

// Names of values of other writers, above all of this run's.
constexpr uint64_t kForeignNames = uint64_t{1} << 63;

// Tells deletes apart, which have no value: below all of kForeignNames.
uint64_t DeleteName(const Order& order) {
  return MixBits(MixBits(MixBits(order.major) + order.minor) + order.tie) & ~kForeignNames;
}

}  // namespace

RunRecorder::RunRecorder(const RunRecorderOptions& options)
    : writer_(options.writer),
      read_latencies_(options.raw_samples, options.seed),
      write_latencies_(options.raw_samples, options.seed + 1),
      stale_reads_(options.raw_samples, options.seed + 2),
      read_write_intervals_(options.raw_samples, options.seed + 3),
      staleness_([this, &options] {
        StalenessRecorderOptions staleness;
        staleness.keys = options.keys;
        staleness.on_stale_read = [this](const StaleReadExample& read) { stale_reads_.Add(read); };
        staleness.on_read_write_interval = [this](Nanos gap) { read_write_intervals_.Add(gap); };
        return staleness;
      }()) {
  if (options.history_operations > 0) {
    history_.emplace(check::RecorderOptions{options.history_operations});
  }
}

RunRecorder::InFlight& RunRecorder::At(uint32_t session) {
  if (session >= in_flight_.size()) in_flight_.resize(session + 1);
  return in_flight_[session];
}

void RunRecorder::OnReadSent(const SentOperation& operation) {
  At(operation.session).token = staleness_.OnReadSent(operation.planned.key, operation.sent,
                                                      operation.session, operation.measured);
  BeginHistory(operation, 0);
}

void RunRecorder::OnWriteSent(const SentOperation& operation, absl::string_view) {
  staleness_.OnWriteSent(operation.planned.key, operation.sent, operation.measured);
  BeginHistory(operation, ValueName(operation.planned.index));
}

void RunRecorder::CountInWindow(const SentOperation& operation, Nanos ended, const Reply& reply) {
  if (!operation.measured) return;
  const PlannedOperation& planned = operation.planned;
  Window* const window = windows_.At(planned.due);
  if (!reply.status.ok()) {
    ++(reply.may_have_applied ? window->unknown : window->failed);
    return;
  }
  (planned.write ? window->write_response : window->read_response).Record(ended - planned.due);
}

void RunRecorder::OnReadEnded(const SentOperation& operation, Nanos ended, const Reply& reply) {
  const size_t key = operation.planned.key;
  CheckedValue value;
  if (reply.status.ok() && reply.found) value = CheckValue(reply.value, key);
  const bool right = value.verdict == ValueVerdict::kRight;
  uint64_t name = 0;
  if (right && value.id.writer == writer_) {
    name = ValueName(value.id.sequence);
  } else if (right && history_.has_value()) {
    name = NameOfForeign(key, value.id, reply.order, ended);
  } else if (reply.status.ok() && !reply.found && reply.order_known && !(reply.order == Order())) {
    // Of a delete, and this run has made none. Where its order is not known, histories are judged
    // by values alone, and by these the key was empty at first.
    NoteForeign({static_cast<uint32_t>(key), check::Kind::kDelete, 0, reply.order, ended},
                DeleteName(reply.order));
  }
  EndHistory(operation, ended, reply, name);
  CountInWindow(operation, ended, reply);
  if (!reply.status.ok()) return;
  if (operation.measured) read_latencies_.Add(ended - operation.planned.due);
  if (reply.found && !right) {
    // What it would say of staleness is worth nothing.
    const bool corrupt = value.verdict == ValueVerdict::kCorrupt;
    if (operation.measured) ++(corrupt ? corrupt_ : of_another_key_);
    return;
  }
  const bool written = reply.found || reply.version != 0;
  const ReadVerdict verdict = staleness_.OnReadAnswered(
      key, At(operation.session).token, written ? std::optional<Order>(reply.order) : std::nullopt,
      reply.version, ended, operation.session);
  if (!operation.measured) return;
  Window* const window = windows_.At(operation.planned.due);
  ++window->judged;
  window->stale += verdict.stale;
  window->loosely_stale += verdict.loosely_stale;
  window->inversions += verdict.inversion;
}

void RunRecorder::OnWriteEnded(const SentOperation& operation, Nanos ended, const Reply& reply) {
  EndHistory(operation, ended, reply, 0);
  CountInWindow(operation, ended, reply);
  if (!reply.status.ok()) return;
  if (operation.measured) write_latencies_.Add(ended - operation.planned.due);
  staleness_.OnWriteAcknowledged(operation.planned.key, reply.order, reply.version, operation.sent,
                                 ended, operation.session);
}

void RunRecorder::BeginHistory(const SentOperation& operation, uint64_t value) {
  if (!history_.has_value()) return;
  check::Began began;
  began.key = static_cast<uint32_t>(operation.planned.key);
  began.session = operation.session;
  began.kind = operation.planned.write ? check::Kind::kWrite : check::Kind::kRead;
  began.value = value;
  began.start = operation.sent;
  At(operation.session).slot = history_->Begin(began);
}

void RunRecorder::EndHistory(const SentOperation& operation, Nanos ended, const Reply& reply,
                             uint64_t value) {
  if (!history_.has_value()) return;
  check::Ended end;
  end.end = ended;
  if (reply.status.ok()) {
    end.node = NodeNumber(reply.node);
    end.found = reply.found;
    end.value = value;
    end.order = reply.order;
    every_order_told_ = every_order_told_ && reply.order_known;
  } else {
    end.outcome = reply.may_have_applied ? check::Outcome::kUnknown : check::Outcome::kFailed;
  }
  history_->End(At(operation.session).slot, end);
}

uint64_t RunRecorder::NameOfForeign(size_t key, const ValueId& id, const Order& order,
                                    Nanos seen_at) {
  const uint64_t name = kForeignNames | MixBits(MixBits(id.writer) + id.sequence);
  NoteForeign({static_cast<uint32_t>(key), check::Kind::kWrite, name, order, seen_at}, name);
  return name;
}

void RunRecorder::NoteForeign(const check::ForeignWrite& write, uint64_t name) {
  if (!history_.has_value()) return;
  // A read that ends then is left out, and somebody who writes all the time must not fill the
  // memory.
  if (write.seen_at >= history_->cut_at().value_or(check::kNever)) return;
  if (foreign_.emplace(write.key, name).second) history_->Note(write);
}

uint16_t RunRecorder::NodeNumber(absl::string_view node) {
  if (node.empty()) return check::kNoNode;
  const auto it = node_numbers_.find(node);
  if (it != node_numbers_.end()) return it->second;
  if (nodes_.size() >= kNodesMax) return check::kNoNode;
  const auto number = static_cast<uint16_t>(nodes_.size());
  nodes_.emplace_back(node);
  node_numbers_.emplace(nodes_.back(), number);
  return number;
}

check::History RunRecorder::TakeHistory() {
  check::Recorder* const recorder = &*history_;
  check::History history = check::FinishRecording(absl::MakeConstSpan(&recorder, 1));
  history.nodes = nodes_;
  history.order_is_total = every_order_told_;
  return history;
}

}  // namespace quorate::loadgen
