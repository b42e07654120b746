// From the recorder through a file to the command: histories of a register that really is
// linearizable, recorded with room for all of it or for a part, must hold; with one planted stale
// read they must not.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "client/messages.h"
#include "loadgen/check/check_command.h"
#include "loadgen/check/history.h"
#include "loadgen/check/history_file.h"
#include "loadgen/check/recorder.h"

namespace quorate::check {
namespace {

constexpr int kOperations = 600;
constexpr uint32_t kKeys = 3;
constexpr uint32_t kSessions = 4;

struct Planned {
  Began began;
  Ended ended;
  bool ends = true;
  Nanos moment = 0;  // at which it takes effect
};

// A run against three registers that are perfect, or forget one write once. Versions are as a
// leader gives them, with one change of leader.
class PerfectCluster {
 public:
  explicit PerfectCluster(uint64_t seed) : random_(seed) {}

  std::vector<Planned> Run(bool plant_stale_read) {
    std::vector<Planned> plan;
    for (int i = 0; i < kOperations; ++i) plan.push_back(Plan(i));
    std::vector<std::pair<Nanos, size_t>> moments;
    for (size_t i = 0; i < plan.size(); ++i) moments.emplace_back(plan[i].moment, i);
    std::sort(moments.begin(), moments.end());
    for (const auto& [moment, i] : moments) Apply(&plan[i]);
    if (plant_stale_read) PlantStaleRead(&plan);
    return plan;
  }

 private:
  int64_t Below(int64_t bound) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(bound));
  }

  Planned Plan(int number) {
    Planned one;
    one.began.key = static_cast<uint32_t>(Below(kKeys));
    one.began.session = static_cast<uint32_t>(Below(kSessions));
    one.began.start = number * 10 + Below(5);
    one.ended.end = one.began.start + 1 + Below(120);
    one.moment = one.began.start + Below(one.ended.end - one.began.start + 1);
    if (Below(3) > 0) return one;
    one.began.kind = Below(8) == 0 ? Kind::kDelete : Kind::kWrite;
    if (one.began.kind == Kind::kWrite) one.began.value = static_cast<uint64_t>(number) + 1;
    one.ends = one.began.kind == Kind::kDelete || Below(10) > 0;
    // Without an answer it may take effect much later, or, as the last do, beyond the run's end.
    if (!one.ends) one.moment += Below(900);
    return one;
  }

  void Apply(Planned* one) {
    State& state = states_[one->began.key];
    if (one->began.kind != Kind::kRead) {
      ++writes_;
      const bool new_leader = writes_ >= 100;
      state.order =
          Order{new_leader ? uint64_t{4} : uint64_t{3}, new_leader ? writes_ - 99 : writes_, 0};
      state.value = one->began.value;
    }
    one->ended.order = state.order;
    one->ended.value = state.value;
    one->ended.found = state.value != 0;
  }

  // An early read of the first key returns the state before everything.
  static void PlantStaleRead(std::vector<Planned>* plan) {
    Nanos written = kNever;
    for (Planned& one : *plan) {
      if (one.began.key != 0) continue;
      if (one.began.kind == Kind::kRead && one.began.start > written) {
        one.ended.order = Order();
        one.ended.found = false;
        one.ended.value = 0;
        return;
      }
      if (one.began.kind != Kind::kRead && one.ends) written = std::min(written, one.ended.end);
    }
    FAIL() << "no read after a write";
  }

  struct State {
    Order order;
    uint64_t value = 0;
  };

  std::mt19937_64 random_;
  State states_[kKeys];
  uint64_t writes_ = 0;
};

// Begins and ends in the order of time, as a load does.
History RecordRun(const std::vector<Planned>& plan, size_t operations_max) {
  RecorderOptions options;
  options.operations_max = operations_max;
  Recorder recorder(options);
  std::vector<std::pair<Nanos, size_t>> ends;
  std::vector<Recorder::Slot> slots;
  size_t next_end = 0;
  for (size_t i = 0; i < plan.size(); ++i) {
    if (plan[i].ends) ends.emplace_back(plan[i].ended.end, i);
  }
  std::sort(ends.begin(), ends.end());
  for (size_t i = 0; i <= plan.size(); ++i) {
    const Nanos now = i < plan.size() ? plan[i].began.start : kNever;
    for (; next_end < ends.size() && ends[next_end].first < now; ++next_end) {
      const size_t ended = ends[next_end].second;
      recorder.End(slots[ended], plan[ended].ended);
    }
    if (i < plan.size()) slots.push_back(recorder.Begin(plan[i].began));
  }
  return FinishRecording({&recorder});
}

int Check(const History& history, std::string* output) {
  const std::string path = testing::TempDir() + "/end_to_end.history";
  const absl::Status written = WriteHistoryFile(history, path);
  EXPECT_TRUE(written.ok()) << written;
  std::string errors;
  output->clear();
  const int code = CheckCommand({path, "--model=all"}, output, &errors);
  EXPECT_EQ(errors, "");
  return code;
}

TEST(EndToEndTest, PerfectRunsHoldWhereverTheRecordingIsCut) {
  std::mt19937_64 random(5);
  size_t reads_left_out = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    const std::vector<Planned> plan = PerfectCluster(seed).Run(/*plant_stale_read=*/false);
    const size_t room = 20 + random() % (kOperations - 20);
    for (const size_t operations_max : {size_t{kOperations}, room}) {
      const History history = RecordRun(plan, operations_max);
      ASSERT_EQ(history.cut_at.has_value(), operations_max < kOperations);
      ASSERT_LE(history.operations.size(), operations_max);
      reads_left_out += operations_max - history.operations.size();
      std::string output;
      ASSERT_EQ(Check(history, &output), kCheckHolds) << output;
    }
  }
  // Else the cut would prove nothing.
  EXPECT_GT(reads_left_out, 200u);
}

TEST(EndToEndTest, OneStaleReadIsFound) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    const std::vector<Planned> plan = PerfectCluster(seed).Run(/*plant_stale_read=*/true);
    for (const size_t operations_max : {size_t{kOperations}, size_t{kOperations / 2}}) {
      std::string output;
      ASSERT_EQ(Check(RecordRun(plan, operations_max), &output), kCheckViolated);
      ASSERT_THAT(output, testing::HasSubstr("stale reads: 1 of"));
    }
  }
}

}  // namespace
}  // namespace quorate::check
