// Client: reads and writes keys of a Quorate cluster. Connect is in client/grpc_connection.h.
//
//   quorate::ConnectionOptions options;
//   options.targets = {"127.0.0.1:9080", "127.0.0.1:9081"};
//   auto connection = quorate::Connect(options);
//   if (!connection.ok()) ...
//   quorate::Client client(*connection);
//   client.Set("mykey", "myvalue").Get();
//   const auto read = client.Get("mykey").Get();
//   if (read.ok() && read->value.has_value()) std::cout << *read->value;
//
// Performance: many calls in flight share one stream a node and leave in batches, so a program that
// waits for each call before it makes the next gets a fraction of what callbacks, or several
// futures at a time, give it.
//
// Errors: see Error in client/outcome.h. What is safe to repeat has been repeated before a call
// fails (client/retry_policy.h): a write whose outcome was not known is repeated by its name, and
// never happens twice. An error that says `may_have_applied` speaks of all tries.
//
// Thread-safety: a client is a cheap value; copies share the connection, and all may be used by
// any number of threads at a time.
#ifndef QUORATE_CLIENT_CLIENT_H_
#define QUORATE_CLIENT_CLIENT_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "client/connection.h"
#include "client/future.h"
#include "client/messages.h"
#include "client/outcome.h"

namespace quorate {

struct ReadOptions {
  std::optional<int> r;   // answers to wait for, 1..N; nullopt: the cluster's R
  bool siblings = false;  // return all concurrent values (leaderless)
  // No read goes back behind another one or behind a write acknowledged at W. Does not go with `r`,
  // and does not count for LocalRead. FAILED_PRECONDITION where the cluster cannot promise it.
  bool linearizable = false;
  // Return nothing older than what this token has seen: `session` of an earlier reply for the key
  // (see client/session.h, which keeps it). Does not count for LocalRead.
  std::string session;
  absl::Duration timeout = kDefaultTimeout;  // of the call, retries included
};

struct WriteOptions {
  std::optional<int> w;  // acknowledgements to wait for, 1..N; nullopt: the cluster's W
  // What the writer has seen: `context` of an earlier reply for this key. Empty: what the node
  // knows that coordinates the write. Leader-follower ignores it.
  std::string context;
  // The same as in ReadOptions: a write without `context` comes after all that the token has seen.
  std::string session;
  // For those who may try the same write again in another call, such as after a restart of their
  // own: its name, up to 64 bytes that no other write has had, and whether an earlier call has
  // tried it. A repeat finishes what that one began, or fails with UNAVAILABLE and
  // `may_have_applied` where no try can be found. Within a call all this happens by itself.
  std::string request_id;
  bool repeat = false;
  absl::Duration timeout = kDefaultTimeout;  // of the call, retries included
};

class Client {
 public:
  // `connection` must not be null. It ends with the last client and future that has it.
  explicit Client(std::shared_ptr<Connection> connection);

  // Reads a key through a quorum. An absent key is a reply without a value.
  Future<ReadReply> Get(std::string key, ReadOptions options = {});
  CallId Get(std::string key, ReadOptions options, ReadCallback done);

  // Reads what one node alone holds, perhaps stale.
  Future<ReadReply> LocalRead(std::string key, ReadOptions options = {});
  CallId LocalRead(std::string key, ReadOptions options, ReadCallback done);

  // Writes a key. OK: as many replicas hold the write as were asked for.
  Future<WriteReply> Set(std::string key, std::string value, WriteOptions options = {});
  CallId Set(std::string key, std::string value, WriteOptions options, WriteCallback done);

  // Writes a tombstone. Deleting an absent key succeeds.
  Future<WriteReply> Delete(std::string key, WriteOptions options = {});
  CallId Delete(std::string key, WriteOptions options, WriteCallback done);

  // What a node knows of itself and its cluster; `address` (host:port of its gRPC) empty: any node.
  Future<NodeStatus> Status(std::string address = "", absl::Duration timeout = kDefaultTimeout);
  CallId Status(std::string address, absl::Duration timeout, StatusCallback done);

  // Gives a call up: see Connection::Cancel.
  void Cancel(CallId id) { connection_->Cancel(id); }

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_CLIENT_H_
