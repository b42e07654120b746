// Future: the outcome of a call that may still be under way.
#ifndef QUORATE_CLIENT_FUTURE_H_
#define QUORATE_CLIENT_FUTURE_H_

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"

#include "client/connection.h"
#include "client/outcome.h"
#include "support/mutex.h"

namespace quorate {

// A handle: copies stand for the same call. A future that goes away does not cancel its call.
// Thread-safe. Must not be waited for in a callback of the same connection, whose thread it is that
// brings outcomes.
template <typename T>
class Future {
 public:
  // Starts a call by `start`, which gets the callback that completes this future and returns the
  // call's id. `connection` must not be null.
  using Start = std::function<CallId(std::function<void(Outcome<T>)>)>;
  Future(std::shared_ptr<Connection> connection, const Start& start)
      : connection_(std::move(connection)), state_(std::make_shared<State>()) {
    id_ = start([state = state_](Outcome<T> outcome) {
      MutexLock lock(&state->mu);
      state->outcome = std::move(outcome);
      state->changed.SignalAll();
    });
  }

  // Blocks until the call has ended, which its timeout bounds. May be called again and again.
  Outcome<T> Get() const {
    MutexLock lock(&state_->mu);
    while (!state_->outcome.has_value()) state_->changed.Wait(&state_->mu);
    return *state_->outcome;
  }

  // Blocks until the call has ended or `timeout` has passed, and returns whether it has ended.
  bool WaitFor(absl::Duration timeout) const {
    const auto until = std::chrono::steady_clock::now() +
                       absl::ToChronoNanoseconds(std::min(timeout, absl::Hours(24 * 365)));
    MutexLock lock(&state_->mu);
    while (!state_->outcome.has_value()) {
      if (!state_->changed.WaitUntil(&state_->mu, until)) return state_->outcome.has_value();
    }
    return true;
  }

  // See Connection::Cancel. Does not block.
  void Cancel() const { connection_->Cancel(id_); }

 private:
  struct State {
    Mutex mu;
    CondVar changed;
    std::optional<Outcome<T>> outcome ABSL_GUARDED_BY(mu);
  };

  std::shared_ptr<Connection> connection_;
  std::shared_ptr<State> state_;
  CallId id_ = 0;
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_FUTURE_H_
