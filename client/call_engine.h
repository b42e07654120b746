// CallEngine: what a GrpcConnection does on its thread: it makes each call end once, by the retry
// loop, deadlines and cancellation.
#ifndef QUORATE_CLIENT_CALL_ENGINE_H_
#define QUORATE_CLIENT_CALL_ENGINE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "absl/status/status.h"

#include "client/connection.h"
#include "client/connection_options.h"
#include "client/event_loop.h"
#include "client/node_pool.h"
#include "client/node_stream.h"
#include "client/retry_policy.h"
#include "proto/kv.pb.h"

namespace quorate {

class CallEngine final : private EventLoopHost, private NodeStreamListener {
 public:
  explicit CallEngine(const ConnectionOptions& options);
  ~CallEngine() override;

  // Makes the calling thread the engine's, until End. Returns whether gRPC has given back all that
  // was under way, which it does at once unless it is broken: otherwise the engine must never go
  // away.
  bool Run();

  // As in Connection. Thread-safe, before End.
  CallId Read(ReadRequest request, ReadCallback done);
  CallId Write(WriteRequest request, WriteCallback done);
  CallId Status(StatusRequest request, StatusCallback done);
  void Cancel(CallId id);

  // Ends all calls with CANCELLED, and then Run. Thread-safe; once.
  void End();

  // Whether the caller is the engine's thread. Thread-safe.
  bool OnThread() const { return loop_.OnThread(); }

 private:
  // A read or write, from its admission to its end.
  struct Call {
    CallId id = 0;
    bool write = false;
    bool named = false;     // it can be repeated though it may have happened
    bool in_doubt = false;  // a try may have happened
    v1::StreamOperation operation;
    size_t bytes = 0;
    ReadCallback read_done;
    WriteCallback write_done;
    SteadyTime deadline;
    SteadyTime answer_by;  // when the last try was to be answered
    int attempts = 0;
    int silences = 0;      // how often its time has run out
    uint64_t attempt = 0;  // the try under way; 0: it waits for the next
    size_t node = 0;       // that was tried last
    EventLoop::TimerId timer;
  };
  // A status call likewise.
  struct StatusAsked {
    std::string address;
    StatusCallback done;
    SteadyTime deadline;
    size_t node = 0;
    bool hurried = false;  // the try under way has less time than a node may take
    int attempts = 0;
    NodePool::StatusCall* under_way = nullptr;
  };

  // Takes a place in flight, or says why there is none.
  absl::Status Admit(size_t bytes);
  void Release(size_t bytes);
  CallId Submit(std::unique_ptr<Call> call, absl::Duration timeout);
  // Gives a write its name, where it is to have one.
  void Name(Call* call) const;

  void Begin(std::unique_ptr<Call> call);
  void Try(Call* call);
  // The pool has found out which cluster this is.
  void OnOriented();
  // Waits for the answer to the try under way, longer after each silence.
  void Wait(Call* call);
  void OnTimer(CallId id);
  void OnSilence(Call* call);
  // A try has failed; `reached`: a node may have seen it.
  void OnFailure(Call* call, Error error, bool reached);
  // Ends the call: with an error, where there is one, or else with `result`.
  void Finish(Call* call, v1::StreamResult* result, Error error);
  void Fail(Call* call, Error error) { Finish(call, nullptr, std::move(error)); }
  // The try under way, if any, is over: nothing of it reaches the call any more.
  void Detach(Call* call);
  // Gives up the try under way. Returns whether it may have reached a node.
  bool Abandon(Call* call);
  void CancelNow(CallId id);

  void TryStatus(CallId id);
  void OnStatus(CallId id, const grpc::Status& status, const v1::StatusResponse& response);
  void FinishStatus(CallId id, Outcome<NodeStatus> outcome);
  void EndAll();

  // NodeStreamListener.
  void OnResult(v1::StreamResult* result) override;
  void OnLost(uint64_t attempt, bool sent, const absl::Status& why) override;
  // EventLoopHost.
  void OnTurn() override { pool_.Flush(); }
  bool Idle() const override { return pool_.idle(); }

  const ConnectionOptions options_;
  const std::string name_;  // begins the names of this connection's writes; unlike any other's
  std::atomic<CallId> last_call_{0};
  std::atomic<size_t> calls_in_flight_{0};
  std::atomic<size_t> bytes_in_flight_{0};

  // Of the thread.
  EventLoop loop_;
  NodePool pool_;
  RetryBudget budget_;
  absl::BitGen random_;
  bool ended_ = false;  // calls that begin now end with CANCELLED
  uint64_t last_attempt_ = 0;
  absl::flat_hash_map<CallId, std::unique_ptr<Call>> calls_;
  absl::flat_hash_map<uint64_t, Call*> attempts_;
  std::vector<CallId> held_;  // reads and writes until OnOriented; some may have ended
  absl::flat_hash_map<CallId, StatusAsked> status_calls_;
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_CALL_ENGINE_H_
