#include "loadgen/workload.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

WorkloadOptions SomeOptions() {
  WorkloadOptions options;
  options.seed = 7;
  options.writes_per_operation = 0.25;
  options.keys = 10;
  options.targets = 5;
  return options;
}

TEST(WorkloadTest, TheSeedFixesEverything) {
  const Workload one(SomeOptions());
  const Workload same(SomeOptions());
  WorkloadOptions other_options = SomeOptions();
  other_options.seed = 8;
  const Workload other(other_options);
  int differences = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    const PlannedOperation a = one.At(i);
    const PlannedOperation b = same.At(i);
    EXPECT_EQ(a.write, b.write);
    EXPECT_EQ(a.key, b.key);
    EXPECT_EQ(a.target, b.target);
    if (a.key != other.At(i).key) ++differences;
  }
  EXPECT_GT(differences, 800);
}

TEST(WorkloadTest, SharesAreAsAsked) {
  const Workload workload(SomeOptions());
  int writes = 0;
  std::vector<int> keys(10);
  std::vector<int> targets(5);
  for (uint64_t i = 0; i < 20000; ++i) {
    const PlannedOperation operation = workload.At(i);
    writes += operation.write ? 1 : 0;
    ++keys.at(operation.key);
    ++targets.at(operation.target);
  }
  // Six standard deviations on each side.
  EXPECT_NEAR(writes, 5000, 370);
  for (const int count : keys) EXPECT_NEAR(count, 2000, 260);
  for (const int count : targets) EXPECT_NEAR(count, 4000, 340);
}

TEST(WorkloadTest, NoWritesAndOnlyWrites) {
  WorkloadOptions options = SomeOptions();
  options.writes_per_operation = 0;
  const Workload reads(options);
  options.writes_per_operation = 1;
  const Workload writes(options);
  for (uint64_t i = 0; i < 1000; ++i) {
    EXPECT_FALSE(reads.At(i).write);
    EXPECT_TRUE(writes.At(i).write);
  }
}

TEST(WorkloadTest, WritesGoToTheLeaderWhereThereIsOne) {
  WorkloadOptions options = SomeOptions();
  options.writes_to_first_target = true;
  const Workload workload(options);
  bool read_elsewhere = false;
  for (uint64_t i = 0; i < 1000; ++i) {
    const PlannedOperation operation = workload.At(i);
    if (operation.write) {
      EXPECT_EQ(operation.target, 0u);
    } else if (operation.target != 0) {
      read_elsewhere = true;
    }
  }
  EXPECT_TRUE(read_elsewhere);
}

TEST(WorkloadTest, ReadsGoToTheFirstTargetWhereThatIsAsked) {
  WorkloadOptions options = SomeOptions();
  options.writes_to_first_target = options.reads_to_first_target = true;
  const Workload workload(options);
  for (uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(workload.At(i).target, 0u);
}

TEST(WorkloadTest, KeysAreThoseOfTheChooser) {
  WorkloadOptions options = SomeOptions();
  options.choose_key = [](uint64_t index, Nanos due, uint64_t) {
    return due < 100 ? index % 3 : 4;
  };
  const Workload workload(options);
  for (uint64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(workload.At(i, 99).key, i % 3);
    EXPECT_EQ(workload.At(i, 100).key, 4u);
    EXPECT_EQ(workload.At(i, 100).due, 100);
  }
}

TEST(WorkloadTest, OperationsAreThoseOfTheMix) {
  WorkloadOptions options = SomeOptions();
  options.mix = FindMix("d").value();
  options.max_inserted_keys = 1000;
  const Workload inserts(options);
  EXPECT_EQ(inserts.key_limit(), options.keys + 1000);
  int inserted = 0;
  for (uint64_t i = 0; i < 10000; ++i) {
    const PlannedOperation operation = inserts.At(i, 0, options.keys);
    EXPECT_EQ(operation.write, operation.step == Step::kInsert);
    inserted += operation.write;
  }
  EXPECT_NEAR(inserted, 500, 100);  // 4.6 standard deviations

  options.mix = FindMix("f").value();
  const Workload pairs(options);
  int read_for_a_write = 0;
  for (uint64_t i = 0; i < 10000; ++i) {
    const PlannedOperation operation = pairs.At(i);
    EXPECT_FALSE(operation.write);
    read_for_a_write += operation.step == Step::kReadOfPair;
  }
  EXPECT_NEAR(read_for_a_write, 5000, 230);
}

TEST(WorkloadTest, KeysThatWereInsertedAreChosenToo) {
  WorkloadOptions options = SomeOptions();
  options.max_inserted_keys = 10;
  const Workload workload(options);
  size_t greatest = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    EXPECT_LT(workload.At(i, 0, options.keys).key, options.keys);
    greatest = std::max(greatest, workload.At(i, 0, options.keys + 5).key);
  }
  EXPECT_EQ(greatest, options.keys + 4);
}

TEST(WorkloadTest, TheWriteOfAPairIsOfTheKeyThatWasRead) {
  const Workload workload(SomeOptions());
  PlannedOperation read = workload.At(5, 100);
  read.step = Step::kReadOfPair;
  const PlannedOperation write = workload.WriteAfter(read, 170);
  EXPECT_TRUE(write.write);
  EXPECT_EQ(write.step, Step::kWriteOfPair);
  EXPECT_EQ(write.index, 5u);
  EXPECT_EQ(write.key, read.key);
  EXPECT_EQ(write.due, 170);
  EXPECT_EQ(write.pair_due, 100);
}

TEST(WorkloadTest, WriteOfAKey) {
  const Workload workload(SomeOptions());
  const PlannedOperation operation = workload.WriteOf(7, 1234);
  EXPECT_TRUE(operation.write);
  EXPECT_EQ(operation.key, 7u);
  EXPECT_EQ(operation.index, 1234u);
  EXPECT_EQ(operation.target, workload.At(1234).target);
}

TEST(WorkloadTest, ValuesNameTheirKeyAndWriter) {
  WorkloadOptions options = SomeOptions();
  options.keys = 20;
  const Workload workload(options);
  PlannedOperation operation = workload.At(42);
  operation.key = 1;
  std::string value;
  workload.AppendValue(operation, &value);
  EXPECT_EQ(value.size(), 100u);
  EXPECT_EQ(value.substr(0, 12), "load-7-1:42:");
  EXPECT_TRUE(workload.ValueBelongsTo(1, value));
  EXPECT_FALSE(workload.ValueBelongsTo(2, value));
  EXPECT_FALSE(workload.ValueBelongsTo(11, value));
  EXPECT_FALSE(workload.ValueBelongsTo(1, ""));
}

TEST(WorkloadTest, ShortValuesKeepTheirLabel) {
  WorkloadOptions options = SomeOptions();
  options.value_bytes = 1;
  const Workload workload(options);
  const PlannedOperation operation = workload.At(3);
  std::string value;
  workload.AppendValue(operation, &value);
  EXPECT_TRUE(workload.ValueBelongsTo(operation.key, value));
}

}  // namespace
}  // namespace quorate::loadgen
