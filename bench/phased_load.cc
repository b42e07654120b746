// A mixed load of gets and sets in phases, open or closed, on one thread. Prints a line of JSON
// each interval. overload.py and catch_up.py run it; phased_tally.h explains what it counts.
#include <csignal>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "glog/logging.h"

#include "bench/load_phases.h"
#include "bench/phased_callers.h"
#include "bench/phased_tally.h"
#include "bench/speed_messages.h"
#include "bench/transport_load.h"
#include "node/poll_loop.h"

DEFINE_string(targets, "", "host:port of the servers, separated by commas");
DEFINE_string(phases, "", "open:RATE:SECONDS or closed:IN_FLIGHT:SECONDS, separated by commas");
DEFINE_string(protocol, "stream", "unary or stream");
DEFINE_int32(connections, 1, "connections to each server; for streams, of one stream each");
DEFINE_bool(sets_to_first, false, "sends sets only to the first server");
DEFINE_double(interval, 1, "seconds from line to line");
DEFINE_double(deadline, 2, "seconds for an operation");
DEFINE_double(set_share, 0.5, "sets among all operations");
DEFINE_uint64(keys, 50, "different keys");
DEFINE_uint64(key_stride, 1, "from the index of one key to the next");
DEFINE_int32(value_bytes, 100, "length of values");
DEFINE_uint32(w, 3, "acknowledgements that a set asks for");
DEFINE_uint32(r, 1, "answers that a get asks for");

namespace quorate {
namespace {

constexpr absl::Duration kTurn = absl::Milliseconds(1);    // of handling events
constexpr absl::Duration kBegin = absl::Milliseconds(2);   // of beginning operations, at most
constexpr absl::Duration kTick = absl::Milliseconds(10);   // between two looks for deadlines
constexpr absl::Duration kLate = absl::Milliseconds(250);  // operations later than this are missed
constexpr absl::Duration kDrain = absl::Seconds(10);

volatile std::sig_atomic_t stopped = 0;

class PhasedLoad {
 public:
  PhasedLoad()
      : tally_(MonotonicNow()),
        shared_(SpeedRequests(static_cast<size_t>(FLAGS_value_bytes), FLAGS_w, FLAGS_r),
                absl::Seconds(FLAGS_deadline), &tally_) {
    const std::vector<std::string> targets = absl::StrSplit(FLAGS_targets, ',');
    // Neighbours are connections to different servers.
    for (int i = 0; i < FLAGS_connections; ++i) {
      for (const std::string& target : targets) {
        callers_.push_back(FLAGS_protocol == "unary" ? NewUnaryCaller(target, &shared_)
                                                     : NewStreamCaller(target, &shared_));
        if (!FLAGS_sets_to_first || target == targets[0]) setters_.push_back(callers_.back().get());
        getters_.push_back(callers_.back().get());
      }
    }
    shared_.on_ended = [this] { KeepInFlight(); };
  }

  void Run(const std::vector<LoadPhase>& phases) {
    next_line_ = MonotonicNow() + absl::Seconds(FLAGS_interval);
    for (number_ = 0; number_ < phases.size() && stopped == 0; ++number_) {
      RunPhase(phases[number_]);
    }
    phase_ = nullptr;
    for (const auto& caller : callers_) caller->Shutdown();
    PollQueue(&shared_.queue, &shared_.open, absl::Seconds(FLAGS_deadline) + kDrain);
    CHECK_EQ(shared_.open, 0) << "calls that do not end";
  }

 private:
  void RunPhase(const LoadPhase& phase) {
    phase_ = &phase;
    started_ = MonotonicNow();
    due_ = 0;
    MonotonicTime next_tick = started_;
    const int always = 1;  // events may come even where nothing is open
    while (stopped == 0) {
      const MonotonicTime now = MonotonicNow();
      const bool over = now >= started_ + phase.duration;
      if (over || now >= next_line_) PrintLine(now);
      if (over) return;
      if (now >= next_tick) {
        for (const auto& caller : callers_) caller->Tick(now);
        next_tick = now + kTick;
      }
      if (phase.open) BeginDue(now);
      KeepInFlight();
      PollQueue(&shared_.queue, &always, kTurn);
    }
  }

  void BeginDue(MonotonicTime now) {
    const auto due_by = [&](MonotonicTime time) {
      return static_cast<uint64_t>(absl::ToDoubleSeconds(time - started_) * phase_->rate);
    };
    const uint64_t due = due_by(now);
    const uint64_t too_late = now - started_ > kLate ? due_by(now - kLate) : 0;
    if (too_late > due_) {
      tally_.Missed(too_late - due_);
      due_ = too_late;
    }
    while (due_ < due) {
      Begin(started_ + absl::Seconds(static_cast<double>(due_) / phase_->rate));
      ++due_;
      if (due_ % 16 == 0 && MonotonicNow() - now > kBegin) break;
    }
    Flush();
  }

  // A closed phase's operations.
  void KeepInFlight() {
    if (phase_ == nullptr || phase_->open || shared_.in_flight >= phase_->in_flight) return;
    const MonotonicTime now = MonotonicNow();
    while (shared_.in_flight < phase_->in_flight && Begin(now)) continue;
    Flush();
  }

  bool Begin(MonotonicTime due) {
    PhasedOperation operation;
    operation.due = due;
    operation.phase = static_cast<uint16_t>(number_);
    operation.set = std::uniform_real_distribution<double>()(random_) < FLAGS_set_share;
    operation.key = static_cast<uint32_t>(random_() % FLAGS_keys * FLAGS_key_stride);
    const std::vector<PhasedCaller*>& callers = operation.set ? setters_ : getters_;
    size_t& next = operation.set ? next_setter_ : next_getter_;
    next = (next + 1) % callers.size();
    tally_.Begun();
    const bool taken = callers[next]->Begin(operation);
    if (!taken) tally_.HeldBack();
    return taken;
  }

  void Flush() {
    for (const auto& caller : callers_) caller->Flush();
  }

  void PrintLine(MonotonicTime now) {
    std::puts(tally_.TakeInterval(number_, shared_.in_flight, now).c_str());
    std::fflush(stdout);
    next_line_ = now + absl::Seconds(FLAGS_interval);
  }

  PhasedTally tally_;
  PhasedShared shared_;
  std::vector<std::unique_ptr<PhasedCaller>> callers_;
  std::vector<PhasedCaller*> getters_;
  std::vector<PhasedCaller*> setters_;
  size_t next_getter_ = 0;
  size_t next_setter_ = 0;
  std::mt19937_64 random_{std::random_device()()};
  const LoadPhase* phase_ = nullptr;
  size_t number_ = 0;  // of the phase
  MonotonicTime started_;
  uint64_t due_ = 0;  // operations of the phase that have begun or were missed
  MonotonicTime next_line_;
};

void Stop(int) { stopped = 1; }

int Main() {
  const absl::StatusOr<std::vector<LoadPhase>> phases = ParsePhases(FLAGS_phases);
  CHECK(phases.ok()) << phases.status().message();
  CHECK(FLAGS_protocol == "unary" || FLAGS_protocol == "stream") << FLAGS_protocol;
  CHECK(FLAGS_connections >= 1 && FLAGS_keys >= 1 && FLAGS_interval > 0 && FLAGS_deadline > 0);
  CHECK_LT(FLAGS_keys * FLAGS_key_stride, uint64_t{1} << 31);
  std::signal(SIGTERM, Stop);
  PhasedLoad().Run(*phases);
  return 0;
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) {
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = google::WARNING;
  google::ParseCommandLineFlags(&argc, &argv, true);
  google::InitGoogleLogging(argv[0]);
  return quorate::Main();
}
