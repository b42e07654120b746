// Session: what one user of a cluster has seen stays seen, whichever nodes answer.
//
//   quorate::Client client(std::make_shared<quorate::Session>(*connection));
//   client.Set("mykey", "myvalue").Get();
//   client.Get("mykey").Get();   // "myvalue", or what came after it
//
// It promises for each key, at every W and R: a read returns the session's own acknowledged writes
// or later ones (read your writes), and nothing older than an earlier read of the session
// (monotonic reads); a write without a context comes after all that (doc/semantics.md 52). Where
// the replicas in reach have not seen as much, a read waits for one that has, and fails with
// DEADLINE_EXCEEDED where none comes; that one stays lost where too many replicas have forgotten
// it: begin another session then.
//
// Of operations on one key that are under way at the same time, each is sure only of what was
// answered before it began, and of their answers the one with the latest order counts.
//
// LocalRead asks one node for what it has, so it is no part of the session.
#ifndef QUORATE_CLIENT_SESSION_H_
#define QUORATE_CLIENT_SESSION_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "client/connection.h"
#include "client/messages.h"
#include "client/outcome.h"

namespace quorate {

// Thread-safe.
class Session final : public Connection {
 public:
  // A key takes about 200 bytes and its own length.
  static constexpr size_t kDefaultMaxKeys = 100000;

  // `connection` must not be null; many sessions may share one. It ends with the last session,
  // client and future that has it. A session that has seen `max_keys` refuses others with
  // RESOURCE_EXHAUSTED, since to forget one would break its promise. Keys of calls under way count;
  // those that turn out never to have been written, or whose calls fail, do not count any more.
  explicit Session(std::shared_ptr<Connection> connection, size_t max_keys = kDefaultMaxKeys);
  ~Session() override;

  // As in Connection. A token that a request brings along itself counts instead of the session's.
  CallId Read(ReadRequest request, ReadCallback done) override;
  CallId Write(WriteRequest request, WriteCallback done) override;
  CallId Status(StatusRequest request, StatusCallback done) override;
  void Cancel(CallId id) override;

 private:
  class Seen;

  // Makes a call of either kind, with the session's token and an eye on its reply.
  template <typename Request, typename Reply>
  CallId Call(CallId (Connection::*call)(Request, std::function<void(Outcome<Reply>)>),
              Request request, std::function<void(Outcome<Reply>)> done);

  const std::shared_ptr<Connection> connection_;
  const std::shared_ptr<Seen> seen_;  // calls that outlive the session have it too
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_SESSION_H_
