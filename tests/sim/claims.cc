#include "tests/sim/claims.h"

#include "absl/strings/str_cat.h"

#include "replication/cluster_config.h"
#include "replication/registry.h"
#include "tests/sim/promises.h"

namespace quorate::sim {
namespace {

constexpr char kHead[] =
    R"(<!-- Written by: bazel run //tests/sim:claims -- --update=$PWD/doc/claims.md -->

# Claims

What each strategy promises for every W and R. The code says so itself (`Replica::Promise`), this page is
written from it, and the simulator attacks exactly this ([testing.md](testing.md)): a run that shows less is
a failure.

- **regular**: a read that begins after a write was acknowledged returns that write or a later one. Two reads
  that overlap a write may still see the new value first and the old one after it.
- **linearizable**: every read and write of a key takes effect at one moment between its call and its answer, so
  reads never go back to an older value, whichever nodes they ask (`--write_mode=linearizable`). With a leader the
  same holds, for every W and R, of all reads that ask for it (`consistency=linearizable`) and the writes at the
  cluster's W. It holds as long as fewer nodes than W have forgotten something and not caught up yet.
- **eventual**: a read may return an older value, or nothing. Once messages get through again, all replicas
  come to hold the same.
- **survives**: of the W nodes that acknowledged a write, so many may forget it (a crash with data in memory, a
  lost disk) before they have caught up, and it is still there, or a later one. Who forgets it after its
  acknowledgement and before the client's answer counts too. With `--durability=synced` a crash forgets nothing
  that was acknowledged; with `os` only a machine's does. Beyond that, a write is
  lost only if at one time no node holds it any more.

Leaderless, two writes that do not know of each other are both kept until somebody writes with the context of
both; a read returns the one with the later clock, or both when asked for siblings.

In both strategies, at every W and R, an operation that hands back its session's token knows all that the session
has seen of the key: its own acknowledged writes (read your writes) and what it has read (monotonic reads). A read
that cannot have it from any node in reach fails.

A write that its client has named happens at most once, however often it is repeated by tries that
say they are repeats.

`LocalRead` asks one node alone and is promised to be eventual only, except that at W=N every serving node
holds every acknowledged write. A write that was answered with an unknown outcome may take effect at any
later time, once. A request's own W and R count in place of the cluster's, with one exception: a node that may
have forgotten something hears, before it serves again, as many others as the cluster's W asks for. Where a
request's W is smaller, reads may miss its write as soon as one of its holders has forgotten it.
)";

ClusterConfig ConfigOf(const std::string& strategy, int n, WriteMode mode) {
  ClusterConfig config;
  config.cluster = "claims";
  config.strategy = strategy;
  config.quorums.n = n;
  config.write_mode = mode;
  return config;
}

const char* ModelOf(const Guarantee& promise) {
  if (promise.linearizable) return "linearizable";
  if (promise.no_stale_reads) return "regular";
  return promise.converges ? "eventual" : "nothing";
}

std::string Survives(const Guarantee& promise, int w) {
  if (!promise.keeps_acknowledged_writes) return "nothing";
  return w == 1 ? "none forgetting" : absl::StrCat(w - 1, " of the ", w, " forgetting");
}

// A cluster that chooses W and R by itself.
std::string LinearizableTable(const std::string& strategy) {
  std::string text =
      "\n### With `--write_mode=linearizable`\n\n| N | W and R | model | survives "
      "|\n|---|---|---|---|\n";
  for (const int n : {3, 5}) {
    for (const auto& [quorums, promise] :
         PromisesOf(ConfigOf(strategy, n, WriteMode::kLinearizable))) {
      absl::StrAppend(&text, "| ", n, " | ", quorums.first, " | ", ModelOf(promise), " | ",
                      Survives(promise, quorums.first), " |\n");
    }
  }
  return text;
}

std::string Grid(const std::string& strategy, int n) {
  const auto promises = PromisesOf(ConfigOf(strategy, n, WriteMode::kPlain));
  std::string text = absl::StrCat("\n### N=", n, "\n\n| |");
  std::string rule = "\n|---|";
  for (int r = 1; r <= n; ++r) {
    absl::StrAppend(&text, " R=", r, " |");
    rule += "---|";
  }
  absl::StrAppend(&text, " survives |", rule, "---|\n");
  for (int w = 1; w <= n; ++w) {
    absl::StrAppend(&text, "| W=", w, " |");
    Guarantee all = promises.at({w, 1});
    for (int r = 1; r <= n; ++r) {
      const Guarantee& promise = promises.at({w, r});
      all.keeps_acknowledged_writes &= promise.keeps_acknowledged_writes;
      absl::StrAppend(&text, " ", ModelOf(promise), " |");
    }
    absl::StrAppend(&text, " ", Survives(all, w), " |\n");
  }
  return text;
}

}  // namespace

std::string ClaimsPage() {
  std::string page = kHead;
  for (const std::string& strategy : StrategyNames()) {
    absl::StrAppend(&page, "\n## ", strategy, "\n");
    for (const int n : {3, 5}) page += Grid(strategy, n);
    if (StrategyCanBeLinearizable(strategy)) page += LinearizableTable(strategy);
  }
  return page;
}

}  // namespace quorate::sim
