#include "replication/storage/rocksdb_engine.h"

#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
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
  options.max_write_buffer_number = 8;
  options.max_background_jobs = 4;
  options.avoid_unnecessary_blocking_io = true;
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
  if (status.IsNoSpace()) {
    return absl::UnavailableError(
        absl::StrCat("no space left for ", folder, ": ", text, "; make room and start again"));
  }
  if (status.IsIOError() && (absl::StrContains(text, "While lock file: ") ||
                             absl::StrContains(text, "lock hold by current process"))) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder, " is in use by another process: ", text));
  }
  if (status.IsInvalidArgument() || status.IsNotSupported()) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder, " cannot be opened as a node's data: ", text,
                     "; was it written by another program, or by a later version of this one?"));
  }
  if (status.IsCorruption()) {
    return absl::DataLossError(
        absl::StrCat("the data in ", folder, " are damaged: ", text, WhatToDo(folder)));
  }
  return absl::UnavailableError(absl::StrCat(folder, ": ", text));
}

// What RocksDB makes before a database is one, and what file systems put into new ones.
bool IsOfNoWeight(absl::string_view name) {
  return name == "." || name == ".." || name == "lost+found" || name == "LOCK" ||
         name == "IDENTITY" || absl::StartsWith(name, "LOG") ||
         absl::StartsWith(name, "MANIFEST-") || absl::StartsWith(name, "OPTIONS-") ||
         absl::EndsWith(name, ".dbtmp");
}

// Whether the folder holds a database; FAILED_PRECONDITION where it holds something else.
absl::StatusOr<bool> HoldsDatabase(const std::string& folder, rocksdb::Env* env) {
  std::vector<std::string> names;
  const rocksdb::Status listed = env->GetChildren(folder, &names);
  if (listed.IsNotFound() || listed.IsPathNotFound()) return false;
  if (!listed.ok()) return Explain(folder, listed);
  std::string other;
  for (const std::string& name : names) {
    if (name == "CURRENT") return true;
    if (!IsOfNoWeight(name)) other = name;
  }
  if (other.empty()) return false;
  return absl::FailedPreconditionError(
      absl::StrCat(folder, " holds what is no node's data, such as ", other,
                   "; name an empty folder or a node's own"));
}

// Whether the log can be read to its end. An end that was cut off is no damage.
absl::StatusOr<bool> LogIsWhole(const std::string& folder, rocksdb::Options options) {
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, folder, &db);
  delete db;
  if (status.IsCorruption()) return false;
  if (!status.ok()) return Explain(folder, status);
  return true;
}

// A file that says that the log was damaged. Opening the database cuts the damage off, and with it
// all that could show it: so it is written before.
std::string LossMark(const std::string& folder) { return folder + "/LOST"; }

absl::Status SyncFolder(const std::string& folder, rocksdb::Env* env) {
  std::unique_ptr<rocksdb::Directory> directory;
  const rocksdb::Status opened = env->NewDirectory(folder, &directory);
  return Explain(folder, opened.ok() ? directory->Fsync() : opened);
}

absl::Status WriteLossMark(const std::string& folder, rocksdb::Env* env) {
  const rocksdb::Status marked =
      rocksdb::WriteStringToFile(env, "", LossMark(folder), /*should_sync=*/true);
  if (!marked.ok()) return Explain(folder, marked);
  return SyncFolder(folder, env);
}

// Whether data were lost before, or are about to be by opening the database. Nothing is looked for
// while another process has it open: what that one changes would look like damage.
absl::StatusOr<bool> FindLoss(const std::string& folder, const rocksdb::Options& options) {
  if (options.env->FileExists(LossMark(folder)).ok()) return true;
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::Status locked = options.env->LockFile(folder + "/LOCK", &lock);
  if (!locked.ok()) return Explain(folder, locked);
  const auto unlock = absl::MakeCleanup([&] { options.env->UnlockFile(lock); });
  const absl::StatusOr<bool> whole = LogIsWhole(folder, options);
  if (!whole.ok()) return whole.status();
  if (*whole) return false;
  const absl::Status marked = WriteLossMark(folder, options.env);
  if (!marked.ok()) return marked;
  return true;
}

}  // namespace

RocksDbEngine::RocksDbEngine(std::string folder, std::unique_ptr<rocksdb::Env> env)
    : folder_(std::move(folder)), env_(std::move(env)) {}

RocksDbEngine::~RocksDbEngine() = default;

absl::StatusOr<std::unique_ptr<RocksDbEngine>> RocksDbEngine::Open(const std::string& folder,
                                                                   const RocksDbOptions& options) {
  std::unique_ptr<rocksdb::Env> own_env;
  if (options.file_system != nullptr) own_env = rocksdb::NewCompositeEnv(options.file_system);
  std::unique_ptr<RocksDbEngine> engine(new RocksDbEngine(folder, std::move(own_env)));
  rocksdb::Env* const env = engine->env();
  rocksdb::Options rocksdb_options = ToRocksDb(options, env);
  const absl::StatusOr<bool> exists = HoldsDatabase(folder, env);
  if (!exists.ok()) return exists.status();
  rocksdb_options.create_if_missing = !*exists;
  if (*exists) {
    const absl::StatusOr<bool> lost = FindLoss(folder, rocksdb_options);
    if (!lost.ok()) return lost.status();
    engine->has_lost_ = *lost;
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(rocksdb_options, folder, &db);
  if (!status.ok()) return engine->Explain(status);
  engine->db_.reset(db);
  return engine;
}

rocksdb::Env* RocksDbEngine::env() const {
  return env_ != nullptr ? env_.get() : rocksdb::Env::Default();
}

absl::Status RocksDbEngine::NoteLoss() {
  if (!has_lost_) return absl::OkStatus();
  const rocksdb::Status removed = env()->DeleteFile(LossMark(folder_));
  if (!removed.ok() && !removed.IsNotFound()) return Explain(removed);
  has_lost_ = false;
  return SyncFolder(folder_, env());
}

absl::Status RocksDbEngine::Failed() const {
  if (!failed_) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(folder_, ": an earlier write or sync has failed; look at the disk"));
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
  const absl::Status failed = Failed();
  if (!failed.ok()) return failed;
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
  const absl::Status failed = Failed();
  if (!failed.ok()) return failed;
  const rocksdb::Status status = db_->SyncWAL();
  if (status.ok()) return absl::OkStatus();
  // What was written before may be gone for good, whatever a later sync says, and its end looks
  // like that of a log which was cut off by a crash: the next start must know. The mark may fail as
  // well.
  failed_ = true;
  const absl::Status marked = WriteLossMark(folder_, env());
  const absl::Status explained = Explain(status);
  if (marked.ok()) return explained;
  return absl::Status(explained.code(),
                      absl::StrCat(explained.message(), "; nor could that be noted (",
                                   marked.message(), "): start again with an empty folder"));
}

}  // namespace quorate
