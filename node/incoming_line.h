// IncomingLine: what stands between the streams of peers and the replica, and holds back what
// comes: a slower network (delay_line.h), or one that fails, which tests bring along.
#ifndef QUORATE_NODE_INCOMING_LINE_H_
#define QUORATE_NODE_INCOMING_LINE_H_

#include "absl/functional/any_invocable.h"

#include "proto/peer.pb.h"
#include "replication/env.h"

namespace quorate {

// A line has no bound of its own: streams stop reading while too much of theirs has not been dealt
// with, which includes what stands in a line. Not thread-safe: of the poll thread.
class IncomingLine {
 public:
  // Hands a batch to the replica. What it keeps of the stream's bound ends with it.
  using Deliver = absl::AnyInvocable<void(peer::v1::Batch batch)>;

  virtual ~IncomingLine() = default;

  // Takes what has just come. `deliver` is called in a later Release, unless the line is cleared
  // before: once, or as often as the batch shall arrive.
  virtual void Add(MonotonicTime now, peer::v1::Batch batch, Deliver deliver) = 0;

  // Delivers what is due. Returns when something more will be; infinite where nothing is held.
  virtual MonotonicTime Release(MonotonicTime now) = 0;

  // Forgets what is held.
  virtual void Clear() = 0;
};

}  // namespace quorate

#endif  // QUORATE_NODE_INCOMING_LINE_H_
