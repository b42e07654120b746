#include "tests/nemesis/knowledge.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"

#include "loadgen/check/finished.h"
#include "replication/operation.h"

namespace quorate::nemesis {
namespace {

// What the record of an acknowledged write covered at its coordinator, or less. The token for the
// session says it, but for what the session had seen elsewhere: that is part of the record, too,
// unless the write also said by a context what it replaces. Then the token for the next write has
// at most what the record has.
const std::string& LeastTokenOf(const Asked& write) {
  const bool both = !write.handed.context.empty() && !write.handed.session.empty();
  return both ? write.told.context : write.told.session;
}

class KnowledgeSweep {
 public:
  KnowledgeSweep(const check::History& history, const check::KeyOperations& key,
                 const std::vector<Asked>& asked, check::CheckResult* result)
      : key_(key), name_(check::KeyName(history, key.key)), asked_(asked), result_(result) {}

  void Run() {
    size_t reads = 0;
    for (uint32_t i = 0; i < key_.operations.size(); ++i) {
      const check::Operation& operation = key_.operations[i];
      if (!operation.ok()) continue;
      in_flight_.PopBefore(operation.start, [this](const check::Finished& entry) {
        written_.push_back(entry.operation);
        known_.Join(LeastOf(entry.operation));
      });
      if (operation.is_write()) {
        in_flight_.Push(check::Finished{operation.finish(), 0, i});
        continue;
      }
      ++reads;
      const Version version = VersionIn(name_, AskedOf(i).told.context);
      if (!version.Descends(known_)) Add(i, version);
    }
    result_->CountKey(reads, written_.size());
  }

 private:
  const Asked& AskedOf(uint32_t i) const { return asked_[key_.operations[i].session]; }
  Version LeastOf(uint32_t write) const { return VersionIn(name_, LeastTokenOf(AskedOf(write))); }

  // Names the first of the writes that it does not know of.
  void Add(uint32_t read, const Version& version) {
    const auto missed = std::find_if(written_.begin(), written_.end(), [&](uint32_t write) {
      return !version.Descends(LeastOf(write));
    });
    if (missed == written_.end()) return;
    const check::Nanos since =
        check::Between(key_.operations[*missed].end, key_.operations[read].start);
    result_->Add(check::Conflict{check::ConflictKind::kStaleRead,
                                 key_.key,
                                 since,
                                 {key_.first + *missed, key_.first + read}});
  }

  const check::KeyOperations& key_;
  const std::string name_;
  const std::vector<Asked>& asked_;
  check::CheckResult* const result_;
  check::FinishedQueue in_flight_;
  std::vector<uint32_t> written_;  // and acknowledged, by their ends
  Version known_;                  // what all of these covered
};

}  // namespace

Version VersionIn(const std::string& key, const std::string& token) {
  absl::StatusOr<Version> version = ParseContextToken(key, token);
  return version.ok() ? *std::move(version) : Version();
}

check::CheckResult CheckKnowledge(const check::History& history, const std::vector<Asked>& asked) {
  check::CheckResult result("reads know of acknowledged writes");
  for (const check::KeyOperations& key : check::SplitByKey(history)) {
    KnowledgeSweep(history, key, asked, &result).Run();
  }
  return result;
}

}  // namespace quorate::nemesis
