// What becomes of a write whose client has named it, and may try it again: see named_writes.h.
#include <utility>

#include "absl/status/status.h"

#include "replication/cluster_config.h"
#include "replication/dynamo/leaderless.h"
#include "replication/outcomes.h"
#include "replication/storage/planted_bugs.h"

namespace quorate {

bool Leaderless::Repeat(OperationId id, const Operation& operation) {
  if (PlantedBug(Bug::kRepeatWritesAgain)) return false;
  if (const NamedWrite* known = named_.Find(operation.request)) {
    FinishNamed(id, *known, operation);
    return true;
  }
  if (!operation.repeat) return false;
  if (context_->store().IsPending(operation.key)) writes_.SendGathered();
  reads_.Collect(id, operation, Majority(context_->quorums().n),
                 [this](OperationId collected_id, Collected collected) {
                   OnCollectedForRepeat(collected_id, std::move(collected));
                 });
  return true;
}

void Leaderless::OnCollectedForRepeat(OperationId id, Collected collected) {
  const Operation& operation = collected.operation;
  if (const NamedWrite* known = named_.Find(operation.request)) {
    return FinishNamed(id, *known, operation);
  }
  const Sibling* found = FindNamed(collected.merged, operation.request);
  if (found == nullptr) return context_->Complete(id, NothingToRepeat());
  const NamedWrite write = FoundWrite(operation.key, collected.merged, *found);
  if (!MergeFrom(operation.key, std::move(collected.merged))) {
    return context_->Complete(id, NotSent(NotMerged()));
  }
  FinishNamed(id, write, operation);
}

void Leaderless::FinishNamed(OperationId id, const NamedWrite& write, const Operation& operation) {
  const absl::Status same = write.CheckRepeats(operation);
  if (!same.ok()) return context_->Complete(id, NotSent(same));
  const int required = operation.w.value_or(context_->quorums().w);
  const int live = 1 + static_cast<int>(context_->ConnectedPeers().size());
  if (live < required) {
    OperationResult refusal = TooFewReplicas(operation, required, live);
    SpeakOfEarlierTries(&refusal);
    return context_->Complete(id, std::move(refusal));
  }
  absl::StatusOr<std::optional<Record>> own = context_->store().Get(write.key);
  if (!own.ok()) return context_->FailStop(own.status());
  // Whoever holds what this node holds now, knows of the write.
  if (!own->has_value()) {
    return context_->FailStop(absl::DataLossError("a key that this node has written is gone"));
  }
  OutgoingRecord outgoing;
  outgoing.required = required;
  outgoing.key = write.key;
  outgoing.record = (*own)->Encode();
  outgoing.result = write.result;
  writes_.Start(id, std::move(outgoing), Peers());
}

}  // namespace quorate
