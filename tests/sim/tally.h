// Tally: what a number of runs amounted to.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_TALLY_H_
#define QUORATE_TESTS_SIM_TALLY_H_

#include <cstdint>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/sim/runner.h"

namespace quorate::sim {

class Tally {
 public:
  Tally() : begun_(std::clock()) {}

  void Add(const RunResult& run);

  uint64_t valid() const { return valid_; }
  uint64_t runs() const { return valid_ + void_count(); }
  uint64_t void_count() const;
  uint64_t failed() const { return failed_; }
  bool only_stalls() const { return only_stalls_; }
  // Whether any of the runs was of a strategy that promises to keep acknowledged writes.
  bool promises_kept_writes() const { return promises_kept_writes_; }
  // Whether any of the runs promised linearizable operations.
  bool promises_linearizable() const { return promises_linearizable_; }
  uint64_t reads_checked() const { return reads_checked_; }
  uint64_t local_reads_checked() const { return local_reads_checked_; }
  uint64_t writes_checked() const { return writes_checked_; }
  uint64_t catch_ups_checked() const { return catch_ups_checked_; }
  uint64_t writes_excused() const { return writes_excused_; }
  uint64_t writes_forsaken() const { return writes_forsaken_; }
  uint64_t writes_gone_for_sure() const { return writes_gone_for_sure_; }
  uint64_t writes_lost() const { return writes_lost_; }
  uint64_t stale_reads_allowed() const { return stale_reads_allowed_; }
  // Whether any of the runs promised sessions.
  bool promises_sessions() const { return promises_sessions_; }
  uint64_t sessions_checked() const { return sessions_checked_; }
  uint64_t linearizable_reads_under_faults() const { return linearizable_reads_under_faults_; }
  uint64_t repeats_checked() const { return repeats_checked_; }
  uint64_t refusals_checked() const { return refusals_checked_; }
  uint64_t inversions_allowed() const { return inversions_allowed_; }
  // Those of situations.h that can be seen with the strategies that ran, and have not been.
  std::vector<std::string> missing_situations() const;
  // Different (N, W, R) among the valid runs.
  size_t quorums() const { return quorums_.size(); }

  // Counters, for people.
  std::string Summary() const;

 private:
  void AddOperations(const History& history);

  std::string Counters() const;

  const std::clock_t begun_;  // of the processor's time: the machine may do other things
  uint64_t operations_of_valid_ = 0;
  uint64_t valid_ = 0;
  uint64_t failed_ = 0;
  bool only_stalls_ = true;
  bool promises_kept_writes_ = false;
  bool promises_linearizable_ = false;
  bool promises_sessions_ = false;
  std::map<std::string, uint64_t> void_reasons_;
  std::map<std::string, uint64_t> operations_;  // by kind and outcome
  std::map<std::string, uint64_t> faults_;
  std::set<std::tuple<int, int, int>> quorums_;
  uint64_t restarts_ = 0;
  NetworkCounters network_;
  uint64_t reads_checked_ = 0;
  uint64_t local_reads_checked_ = 0;
  uint64_t writes_checked_ = 0;
  uint64_t catch_ups_checked_ = 0;
  uint64_t writes_excused_ = 0;
  uint64_t writes_forsaken_ = 0;
  uint64_t writes_gone_for_sure_ = 0;
  uint64_t writes_lost_ = 0;
  uint64_t stale_reads_allowed_ = 0;
  uint64_t linearizable_checked_ = 0;
  uint64_t sessions_checked_ = 0;
  uint64_t linearizable_reads_under_faults_ = 0;
  uint64_t linearizable_ended_early_ = 0;
  uint64_t repeats_checked_ = 0;
  uint64_t refusals_checked_ = 0;
  uint64_t inversions_allowed_ = 0;
  uint64_t conflicts_read_ = 0;
  std::map<std::string, uint64_t> situations_;  // by name; with those that have not been seen
  absl::Duration virtual_time_;
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_TALLY_H_
