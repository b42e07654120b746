#include "replication/storage/memory_engine.h"

namespace quorate {

absl::StatusOr<std::optional<std::string>> MemoryEngine::Get(absl::string_view key) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return std::optional<std::string>();
  return std::optional<std::string>(it->second);
}

absl::Status MemoryEngine::Apply(const WriteBatch& batch) {
  for (const auto& [key, value] : batch) {
    const auto [it, inserted] = entries_.try_emplace(key);
    it->second = value;
    if (inserted) order_.emplace(it->first, &it->second);
  }
  return absl::OkStatus();
}

absl::StatusOr<ScanPage> MemoryEngine::Scan(const std::optional<std::string>& after,
                                            const ScanLimits& limits) {
  ScanPage page;
  size_t bytes = 0;
  auto it = after.has_value() ? order_.upper_bound(*after) : order_.begin();
  for (; it != order_.end() && page.entries.size() < limits.records; ++it) {
    bytes += it->first.size() + it->second->size();
    if (!page.entries.empty() && bytes > limits.bytes) break;
    page.entries.emplace_back(it->first, *it->second);
  }
  page.done = it == order_.end();
  return page;
}

}  // namespace quorate
