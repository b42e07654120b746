// Load: the clients of a schedule, through the real client library, and what they saw.
//
//   Load load(schedule, addresses);
//   load.Start(begin);        // its own thread issues what is due
//   ...
//   load.Finish();            // nothing more is issued; what is in flight ends
//   const LoadResult result = load.Take();
//
// A client has one operation in flight: the next waits for its end. The client library chooses the
// nodes; which node the schedule names counts in the simulator alone.
#ifndef QUORATE_TESTS_NEMESIS_LOAD_H_
#define QUORATE_TESTS_NEMESIS_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"

#include "client/client.h"
#include "client/outcome.h"
#include "loadgen/check/history.h"
#include "loadgen/check/recorder.h"
#include "replication/cluster_config.h"
#include "replication/env.h"
#include "support/mutex.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {

// What a reply gives for the next operation on its key, as it came; empty: nothing.
struct Tokens {
  std::string context;
  std::string session;
};

// What was asked for and told, beside what a history can say.
struct Asked {
  OperationKind kind = OperationKind::kGet;
  int quorum = 0;  // the W or R that counts
  bool linearizable = false;
  bool final_phase = false;  // after healing
  Tokens handed;             // back, with what was asked
  Tokens told;               // by the reply

  bool handed_any() const { return !handed.context.empty() || !handed.session.empty(); }
};

// A reply that was not what was asked for: fewer acknowledgements, another durability.
struct BadReply {
  std::string operation;  // "c3/7"
  std::string what;
};

struct LoadResult {
  // Sorted by key; `session` of an operation is its place in `asked`.
  check::History history;
  std::vector<Asked> asked;
  std::vector<int> clients;        // by place in `asked`
  std::vector<std::string> names;  // likewise: "c3/7"
  std::vector<BadReply> bad_replies;
  std::vector<std::string> failed_at_the_end;  // final operations that did not succeed
  uint64_t not_issued = 0;                     // their turn had not come when the load ended
};

class Load {
 public:
  // `addresses` are the nodes' for gRPC. The schedule must outlive the load.
  Load(const sim::Schedule& schedule, Durability durability,
       const std::vector<std::string>& addresses);
  // As if finished.
  ~Load();

  // The run begins at `begin` of the monotonic clock. Once.
  void Start(MonotonicTime begin);
  // Blocks until what is in flight has ended, which its timeouts bound.
  void Finish() ABSL_LOCKS_EXCLUDED(mu_);

  // After Finish: reads every key through all nodes and with the promised consistency, writes some
  // keys to all nodes, and reads them back. Blocks until all has ended.
  void ReadAndWriteEverything() ABSL_LOCKS_EXCLUDED(mu_);

  // Once, at the end.
  LoadResult Take() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct ClientState {
    bool busy = false;
    std::deque<sim::ScheduledOperation> waiting;
    std::map<int, Tokens> seen;  // by key
  };

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // What is due or has become possible; nullopt where it must be waited for, or all was issued.
  std::optional<sim::ScheduledOperation> Next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Issue(const sim::ScheduledOperation& operation, bool final_phase) ABSL_LOCKS_EXCLUDED(mu_);
  void IssueFinal(sim::ScheduledOperation operation) ABSL_LOCKS_EXCLUDED(mu_);
  void AwaitInFlight(int most) ABSL_LOCKS_EXCLUDED(mu_);
  // When the next thing is due that no answer brings about, in the run's time.
  absl::Duration NextDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Calls that their clients give up now.
  std::vector<std::pair<int, CallId>> TakeCancels() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // What the operation hands back.
  Tokens TokensFor(const sim::ScheduledOperation& operation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  size_t Begin(const sim::ScheduledOperation& operation, bool final_phase)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnRead(const sim::ScheduledOperation& operation, size_t place, size_t slot,
              const Outcome<ReadReply>& outcome) ABSL_LOCKS_EXCLUDED(mu_);
  void OnWrite(const sim::ScheduledOperation& operation, size_t place, size_t slot,
               const Outcome<WriteReply>& outcome) ABSL_LOCKS_EXCLUDED(mu_);
  // The half of both that does not depend on the kind of reply; `answers`: how many replicas gave
  // it.
  template <typename Reply>
  void OnOutcome(const sim::ScheduledOperation& operation, size_t place, size_t slot,
                 check::Ended ended, const Outcome<Reply>& outcome, int answers)
      ABSL_LOCKS_EXCLUDED(mu_);
  void End(const sim::ScheduledOperation& operation, size_t place, size_t slot,
           const check::Ended& ended, const Tokens& tokens, const std::string& wrong)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  check::Nanos Now() const;
  Client& ClientOf(int client) { return clients_[static_cast<size_t>(client) % clients_.size()]; }

  const sim::Schedule& schedule_;
  const Durability durability_;
  std::vector<Client> clients_;  // of a connection each
  MonotonicTime begin_;
  std::thread thread_;

  Mutex mu_;
  CondVar changed_;
  size_t next_ ABSL_GUARDED_BY(mu_) = 0;  // of the schedule's operations
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  int in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<int, ClientState> states_ ABSL_GUARDED_BY(mu_);
  std::deque<int> free_ ABSL_GUARDED_BY(mu_);  // clients for which something waits
  std::multimap<absl::Duration, std::pair<int, CallId>> cancels_ ABSL_GUARDED_BY(mu_);
  check::Recorder recorder_ ABSL_GUARDED_BY(mu_);
  LoadResult result_ ABSL_GUARDED_BY(mu_);
};

// What a value that a client has written looks like, and which it is: unique, not 0.
std::string ValueText(int client, int number, size_t bytes);
// 0 where it is nothing that ValueText makes, or only a part of it.
uint64_t ValueName(const std::string& text);
// The same keys as in the simulator.
std::string KeyText(int key);

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_LOAD_H_
