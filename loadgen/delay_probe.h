// DelayProbe: beside a load, follows writes of its own to every replica, to sample the delays that
// a prediction of staleness starts from (loadgen/delay_estimator.h), and how long replicas take to
// agree.
//
//   DelayProbe probe(options, std::move(transport));
//   std::thread thread([&probe, &stop] { probe.Run(&stop); });
//   ... the load runs ... stop = true; thread.join();
//   SimulateJoint(probe.estimator().samples(), pbs_options);
//
// It makes one write at a time, of a key that nobody else uses, and asks each target for what that
// one alone holds until it shows the write; the next write goes to another key where one did not in
// time. To take little from the load, it rests between two writes, asks a replica first after half
// the time that the last write took to it, and more rarely the older a write is.
//
// Not thread-safe: belongs to one thread, but for the flag.
#ifndef QUORATE_LOADGEN_DELAY_PROBE_H_
#define QUORATE_LOADGEN_DELAY_PROBE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/messages.h"
#include "loadgen/delay_estimator.h"
#include "loadgen/latency_histogram.h"
#include "loadgen/random_stream.h"
#include "loadgen/transport.h"
#include "loadgen/visibility_probe.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

struct DelayProbeOptions {
  // Behaviour.
  size_t replicas = 1;  // the transport's targets, each of which is a replica of every key
  int w = 1;            // acknowledgements that a write waits for
  bool writes_to_first_target = false;  // otherwise to any
  std::string key_prefix;               // of keys that nobody else writes
  std::string value;
  uint64_t seed = 0;

  // Limits.
  Nanos interval = kNanosPerSecond / 20;  // from one write to the next, at least
  Nanos give_up_after = kNanosPerSecond;  // a write that some replica has not shown by then
};

class DelayProbe : private ReplyHandler {
 public:
  using Clock = std::function<Transport::Time()>;

  // REQUIRES: `transport` has `options.replicas` targets and at least two operations in flight to
  // each.
  DelayProbe(DelayProbeOptions options, std::unique_ptr<Transport> transport,
             Clock clock = &std::chrono::steady_clock::now);

  // Blocks until `*stop` is set, and a twentieth of a second longer at most. Call once.
  void Run(const std::atomic<bool>* stop);

  // What was found so far, by writes that were acknowledged.
  const DelayEstimator& estimator() const { return estimator_; }
  // From the sending of a write until the last replica showed it. Those that some replica never
  // showed are counted with the time for which they were followed: it took longer.
  const LatencyHistogram& converged() const { return converged_; }
  uint64_t not_converged() const { return not_converged_; }
  uint64_t failed_writes() const { return failed_writes_; }
  // Writes that were acknowledged, but of which some replica told nothing at all.
  uint64_t lost_sight() const { return lost_sight_; }

 private:
  void OnReply(uint64_t tag, const Reply& reply) override;

  Nanos Now() const;
  void BeginProbe(Nanos now);
  void SendPolls(Nanos now);
  void EndProbe(Nanos now);
  // Takes in what a replica showed. False where it was asked too late to tell.
  bool Learn(size_t replica, const WriteProbe& write);
  Nanos QuietTime(size_t replica) const;
  Nanos NextWake(Nanos now) const;

  const DelayProbeOptions options_;
  const std::unique_ptr<Transport> transport_;
  const Clock clock_;
  const Transport::Time start_;
  RandomStream random_;

  uint64_t key_number_ = 0;
  std::string key_;
  Order shown_by_all_;  // of the write of `key_` before
  std::optional<VisibilityProbe> probe_;
  Nanos probe_began_ = 0;
  Nanos next_probe_ = 0;
  Nanos next_look_ = 0;
  std::vector<Nanos> next_poll_;    // by replica
  std::vector<Nanos> poll_sent_;    // by replica
  std::vector<Nanos> round_trips_;  // by replica: of the last poll; 0 before there is one
  // By replica: the last polls that it showed a write at, each so long after the write was sent.
  // For half of the least one a replica is not asked: one slow write must not hide the next fast
  // ones.
  std::vector<std::deque<Nanos>> shown_after_;

  DelayEstimator estimator_;
  LatencyHistogram converged_;
  uint64_t not_converged_ = 0;
  uint64_t failed_writes_ = 0;
  uint64_t lost_sight_ = 0;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_DELAY_PROBE_H_
