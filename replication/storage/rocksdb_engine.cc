#include "replication/storage/rocksdb_engine.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/options.h"
#include "rocksdb/table.h"
#include "rocksdb/write_batch.h"

namespace quorate {
namespace {

rocksdb::Slice ToSlice(absl::string_view bytes) { return {bytes.data(), bytes.size()}; }

rocksdb::Options ToRocksDb(const RocksDbOptions& ours, rocksdb::Env* env) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(ours.block_cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));

  rocksdb::Options options;
  options.env = env;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = ours.write_buffer_bytes;
  options.max_write_buffer_number = 4;
  options.track_and_verify_wals_in_manifest = true;
  // What a replica stores speaks of what it stored before: a hole is worse than a lost end.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // RocksDB's own diary.
  options.keep_log_file_num = 3;
  options.max_log_file_size = size_t{8} << 20;
  options.stats_dump_period_sec = 0;
  return options;
}

std::string WhatToDo(const std::string& folder) {
  return absl::StrCat("; move ", folder,
                      " away and start with an empty folder: the node then gets its data from the "
                      "others");
}

absl::Status Explain(const std::string& folder, const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = status.ToString();
  if (status.IsCorruption() || status.IsInvalidArgument() || status.IsNotSupported()) {
    return absl::DataLossError(
        absl::StrCat("the data in ", folder, " are damaged: ", text, WhatToDo(folder)));
  }
  if (status.IsIOError() && text.find("lock") != std::string::npos) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder, " is in use by another process: ", text));
  }
  if (status.IsNoSpace()) {
    return absl::UnavailableError(
        absl::StrCat("no space left for ", folder, ": ", text, "; make room and start again"));
  }
  return absl::UnavailableError(absl::StrCat(folder, ": ", text));
}

enum class Contents { kNothing, kDatabase, kOther };

Contents LookInto(const std::string& folder, rocksdb::Env* env) {
  std::vector<std::string> names;
  if (!env->GetChildren(folder, &names).ok()) return Contents::kNothing;
  bool empty = true;
  for (const std::string& name : names) {
    if (name == "CURRENT") return Contents::kDatabase;
    empty = empty && (name == "." || name == "..");
  }
  return empty ? Contents::kNothing : Contents::kOther;
}

// Whether the log can be read to its end. An end that was cut off is no damage.
bool LogIsWhole(const std::string& folder, rocksdb::Options options) {
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, folder, &db);
  delete db;
  return !status.IsCorruption();
}

}  // namespace

RocksDbEngine::RocksDbEngine(std::string folder, std::unique_ptr<rocksdb::Env> env)
    : folder_(std::move(folder)), env_(std::move(env)) {}

RocksDbEngine::~RocksDbEngine() = default;

absl::StatusOr<std::unique_ptr<RocksDbEngine>> RocksDbEngine::Open(const std::string& folder,
                                                                   const RocksDbOptions& options) {
  std::unique_ptr<rocksdb::Env> own_env;
  if (options.file_system != nullptr) own_env = rocksdb::NewCompositeEnv(options.file_system);
  rocksdb::Env* const env = own_env != nullptr ? own_env.get() : rocksdb::Env::Default();
  rocksdb::Options rocksdb_options = ToRocksDb(options, env);
  std::unique_ptr<RocksDbEngine> engine(new RocksDbEngine(folder, std::move(own_env)));
  switch (LookInto(folder, env)) {
    case Contents::kNothing:
      rocksdb_options.create_if_missing = true;
      break;
    case Contents::kDatabase:
      engine->has_lost_ = !LogIsWhole(folder, rocksdb_options);
      break;
    case Contents::kOther:
      return absl::FailedPreconditionError(absl::StrCat(
          folder, " holds files that are not a node's data; name an empty folder or a node's own"));
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(rocksdb_options, folder, &db);
  if (!status.ok()) return engine->Explain(status);
  engine->db_.reset(db);
  return engine;
}

absl::Status RocksDbEngine::Explain(const rocksdb::Status& status) const {
  return quorate::Explain(folder_, status);
}

absl::StatusOr<std::optional<std::string>> RocksDbEngine::Get(absl::string_view key) {
  std::string value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), ToSlice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return Explain(status);
  return std::optional<std::string>(std::move(value));
}

absl::Status RocksDbEngine::Apply(const WriteBatch& batch) {
  rocksdb::WriteBatch writes;
  for (const auto& [key, value] : batch) {
    const rocksdb::Status status = writes.Put(ToSlice(key), ToSlice(value));
    if (!status.ok()) return Explain(status);
  }
  const rocksdb::Status status = db_->Write(rocksdb::WriteOptions(), &writes);
  if (!status.ok()) failed_ = true;
  return Explain(status);
}

absl::StatusOr<ScanPage> RocksDbEngine::Scan(const std::optional<std::string>& after,
                                             const ScanLimits& limits) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
  if (after.has_value()) {
    it->Seek(ToSlice(*after));
    if (it->Valid() && it->key() == ToSlice(*after)) it->Next();
  } else {
    it->SeekToFirst();
  }
  ScanPage page;
  size_t bytes = 0;
  for (; it->Valid() && page.entries.size() < limits.records; it->Next()) {
    bytes += it->key().size() + it->value().size();
    if (!page.entries.empty() && bytes > limits.bytes) break;
    page.entries.emplace_back(it->key().ToString(), it->value().ToString());
  }
  page.done = !it->Valid();
  if (!it->status().ok()) return Explain(it->status());
  return page;
}

absl::Status RocksDbEngine::Sync() {
  if (failed_) {
    return absl::UnavailableError(absl::StrCat(folder_, ": an earlier write to it has failed"));
  }
  return Explain(db_->SyncWAL());
}

}  // namespace quorate
