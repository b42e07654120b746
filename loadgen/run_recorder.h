// RunRecorder: keeps of a run what its result file and its history are made of: staleness in full,
// how what was measured is spread over time, bounded samples of raw latencies, and every operation
// where a history is asked for.
//
//   RunRecorder recorder(options);
//   LoadLoop loop(runner_options, transport, {&recorder}, &values);
//   ...
//   recorder.staleness().stale;
//
// Memory is bounded by the options, whatever the length of the run.
//
// Not thread-safe: belongs to the runner's thread.
#ifndef QUORATE_LOADGEN_RUN_RECORDER_H_
#define QUORATE_LOADGEN_RUN_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

#include "loadgen/check/history.h"
#include "loadgen/check/recorder.h"
#include "loadgen/observer.h"
#include "loadgen/reservoir.h"
#include "loadgen/staleness_recorder.h"
#include "loadgen/value_codec.h"
#include "loadgen/window_recorder.h"

namespace quorate::loadgen {

struct RunRecorderOptions {
  size_t keys = 1;  // numbered from 0
  uint64_t seed = 0;
  uint64_t writer = 0;            // of this run's values
  size_t raw_samples = 0;         // of each kind, at most
  size_t history_operations = 0;  // 0: no history
};

class RunRecorder : public Observer {
 public:
  explicit RunRecorder(const RunRecorderOptions& options);

  void OnReadSent(const SentOperation& operation) override;
  void OnWriteSent(const SentOperation& operation, absl::string_view value) override;
  void OnReadEnded(const SentOperation& operation, Nanos ended, const Reply& reply) override;
  void OnWriteEnded(const SentOperation& operation, Nanos ended, const Reply& reply) override;

  const StalenessFigures& staleness() const { return staleness_.figures(); }
  // Of measured operations, by when they were due.
  const WindowRecorder& windows() const { return windows_; }
  // Measured reads whose value was whole, but another key's; and those whose value was damaged.
  uint64_t of_another_key() const { return of_another_key_; }
  uint64_t corrupt() const { return corrupt_; }

  // Response times of measured operations that succeeded, in the order of their ends.
  const Reservoir<Nanos>& read_latencies() const { return read_latencies_; }
  const Reservoir<Nanos>& write_latencies() const { return write_latencies_; }
  const Reservoir<StaleReadExample>& stale_reads() const { return stale_reads_; }
  // Between neighbouring operations of different kind on one key.
  const Reservoir<Nanos>& read_write_intervals() const { return read_write_intervals_; }

  // What was recorded, sorted by key, without names of keys; forgets it. The order is total where
  // every reply told its own: a version that stands in for one may be that of another write, too.
  // REQUIRES: a history was asked for.
  check::History TakeHistory();

 private:
  // What is known of a session's operation in flight.
  struct InFlight {
    ReadToken token;
    check::Recorder::Slot slot = check::Recorder::kNotRecorded;
  };

  InFlight& At(uint32_t session);
  void CountInWindow(const SentOperation& operation, Nanos ended, const Reply& reply);
  void BeginHistory(const SentOperation& operation, uint64_t value);
  void EndHistory(const SentOperation& operation, Nanos ended, const Reply& reply, uint64_t value);
  uint64_t NameOfForeign(size_t key, const ValueId& id, const Order& order, Nanos seen_at);
  void NoteForeign(const check::ForeignWrite& write, uint64_t name);
  uint16_t NodeNumber(absl::string_view node);

  const uint64_t writer_;
  std::vector<InFlight> in_flight_;
  Reservoir<Nanos> read_latencies_;
  Reservoir<Nanos> write_latencies_;
  Reservoir<StaleReadExample> stale_reads_;
  Reservoir<Nanos> read_write_intervals_;
  StalenessRecorder staleness_;
  WindowRecorder windows_;
  uint64_t of_another_key_ = 0;
  uint64_t corrupt_ = 0;
  std::optional<check::Recorder> history_;
  bool every_order_told_ = true;
  // Names of what others wrote, and the keys.
  absl::flat_hash_set<std::pair<uint32_t, uint64_t>> foreign_;
  std::vector<std::string> nodes_;
  absl::flat_hash_map<std::string, uint16_t> node_numbers_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RUN_RECORDER_H_
