// What the checkers share. Each of them, one a file, attacks one property by reading a History:
//
//   Report report;
//   CheckStaleReads(history, &report);
//   for (const Violation& violation : report.violations) ...
//
// A checker looks only at what the strategy promises (HistorySetting::promises).
#ifndef QUORATE_TESTS_SIM_CHECKERS_CHECKER_H_
#define QUORATE_TESTS_SIM_CHECKERS_CHECKER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/history.h"

namespace quorate::sim {

struct Violation {
  std::string property;
  std::string what;
  std::vector<size_t> operations;  // those involved, by place in the history
  // Nothing wrong was shown, but something that should have happened did not.
  bool stall = false;
};

struct Report {
  std::vector<Violation> violations;
  // How much there was to check: a checker that never finds anything to look at proves nothing.
  // Reads count before healing only: those after it can hardly fail.
  uint64_t reads_checked = 0;
  uint64_t local_reads_checked = 0;
  uint64_t writes_checked = 0;
  uint64_t catch_ups_checked = 0;
  // Situations that a strong enough run of seeds must have seen: acknowledged writes that too many
  // holders forgot; reads that were stale where that is allowed.
  uint64_t writes_excused = 0;
  // Acknowledged writes that at one time no node held any more; those of them that asked for the
  // cluster's W and for 2 at least; those that then could not come back; and those that are gone.
  uint64_t writes_forsaken = 0;
  uint64_t promised_writes_forsaken = 0;
  uint64_t writes_gone_for_sure = 0;
  uint64_t writes_lost = 0;
  uint64_t stale_reads_allowed = 0;
  // Reads and writes that were judged together; of them the reads before healing, since those after
  // it can hardly fail; whether the promise of linearizability ended before the run did; and reads
  // that returned less than an earlier one, where it is not promised.
  uint64_t linearizable_checked = 0;
  uint64_t linearizable_reads_under_faults = 0;
  bool linearizable_ended_early = false;
  uint64_t inversions_allowed = 0;
  // Operations that had something of their session to know.
  uint64_t sessions_checked = 0;
  // Writes that succeeded when they were repeated.
  uint64_t repeats_checked = 0;
  // Sets whose clients were told that nothing was written.
  uint64_t refusals_checked = 0;

  void Add(std::string property, std::string what, std::vector<size_t> operations = {}) {
    violations.push_back(
        Violation{std::move(property), std::move(what), std::move(operations), false});
  }
};

// The W or R that an operation asked for.
int AskedW(const History& history, const HistoryOperation& operation);
int AskedR(const History& history, const HistoryOperation& operation);

// The version that a successful operation returned; empty where the key was never written.
Version ReturnedVersion(const HistoryOperation& operation);

// What the nodes hold in the end, by node and key.
using FinalRecords = std::map<NodeId, std::map<std::string, Record>>;
FinalRecords DecodeFinalContents(const History& history);

// acknowledged_writes.cc: a write that was answered OK is held by W nodes, and it, or a write that
// knows of it, is there in the end unless at one time no node held it any more; and it is not if
// then all were down.
void CheckAcknowledgedWrites(const History& history, Report* report);

// recovered.cc: what a start finds on its disk is what had been stored there, byte for byte.
void CheckRecovered(const History& history, Report* report);

// caught_up.cc: a node that has forgotten serves again only with every write it must know of.
void CheckCaughtUp(const History& history, Report* report);

// stale_reads.cc: where W+R>N, a read that began after a write was answered knows of that write; so
// does a local read where W=N.
void CheckStaleReads(const History& history, Report* report);

// linearizable.cc: where linearizability is promised, every key is an atomic register.
void CheckLinearizable(const History& history, Report* report);

// sessions.cc: an operation of a session knows all that the session has seen.
void CheckSessions(const History& history, Report* report);

// shown_is_durable.cc: no read returns what a crash could still take away.
void CheckShownIsDurable(const History& history, Report* report);

// version_order.cc: what one node holds of one key never goes back within one life; nor does what
// it shows, in the order of a linearizable cluster.
void CheckVersionOrder(const History& history, Report* report);

// write_order.cc: with a leader, writes that were answered one after the other rank in that order.
void CheckWriteOrder(const History& history, Report* report);

// unique_writes.cc: a dot or (epoch, number) never names two writes, and every write is one that a
// client asked for, and that was not answered with an error that says that nothing was written.
void CheckUniqueWrites(const History& history, Report* report);

// superseded_writes.cc: a concurrent value only goes away when a write that knew of it replaces it,
// from stores and from what reads show.
void CheckSupersededWrites(const History& history, Report* report);

// ends_once.cc: every operation ends exactly once, and in time.
void CheckEndsOnce(const History& history, Report* report);

// serving.cc: a node that may have forgotten answers no reads of its clients.
void CheckServing(const History& history, Report* report);

// convergence.cc: after healing all nodes hold the same.
void CheckConvergence(const History& history, Report* report);

// liveness.cc: after healing the cluster comes to rest, and reads and writes succeed.
void CheckLiveness(const History& history, Report* report);

// All of the above.
Report CheckAll(const History& history);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_CHECKERS_CHECKER_H_
