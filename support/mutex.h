// The project's locks: Mutex, MutexLock and CondVar.
//
//   class Counter {
//    public:
//     void Add() {
//       MutexLock lock(&mu_);
//       ++count_;
//       changed_.SignalAll();
//     }
//     void AwaitAtLeast(int count) {
//       MutexLock lock(&mu_);
//       while (count_ < count) changed_.Wait(&mu_);
//     }
//
//    private:
//     Mutex mu_;
//     CondVar changed_;
//     int count_ ABSL_GUARDED_BY(mu_) = 0;
//   };
//
// They stand over std::mutex and std::condition_variable, which ThreadSanitizer understands even
// where the system's libraries were built without it; it reports races that do not exist around the
// system's absl::Mutex. They carry the annotations of Clang's thread-safety analysis, which the
// standard's own types lack: building with --config=clang turns an access without the lock into an
// error.
#ifndef QUORATE_SUPPORT_MUTEX_H_
#define QUORATE_SUPPORT_MUTEX_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"

namespace quorate {

// A lock that one thread holds at a time. Not recursive: locking it twice on one thread is an error
// of the caller. Thread-safe.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  // Blocks until no other thread holds the lock, then takes it.
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mu_.lock(); }

  // Gives the lock back. REQUIRES: the calling thread holds it.
  void Unlock() ABSL_UNLOCK_FUNCTION() { mu_.unlock(); }

  // Takes the lock if it is free, and tells whether it did. Never blocks.
  [[nodiscard]] bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) { return mu_.try_lock(); }

  // Tells the analysis, where it cannot see so by itself, that the calling thread holds the lock.
  // Checks nothing at run time.
  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK() {}

 private:
  friend class CondVar;

  std::mutex mu_;
};

// Holds a mutex from its construction to the end of its scope. For the thread that constructed it
// only.
class [[nodiscard]] ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  // Blocks until it has the lock. `mu` must outlive this object.
  explicit MutexLock(Mutex* mu) ABSL_EXCLUSIVE_LOCK_FUNCTION(mu) : mu_(mu) { mu_->Lock(); }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mu_->Unlock(); }

  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mu_;
};

// Lets threads wait, without holding a mutex, until another thread has changed what the mutex
// guards. A wait may end for no reason, so it belongs in a loop that looks at the condition.
// Thread-safe.
class CondVar {
 public:
  CondVar() = default;
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  // Gives `mu` back, blocks until signalled, and takes `mu` again.
  void Wait(Mutex* mu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    Borrowed lock(mu);
    cv_.wait(lock.get());
  }

  // Like Wait, but no longer than until `deadline`. Returns false when the deadline has passed.
  bool WaitUntil(Mutex* mu, std::chrono::steady_clock::time_point deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    Borrowed lock(mu);
    return cv_.wait_until(lock.get(), deadline) == std::cv_status::no_timeout;
  }

  // Like Wait, but no longer than `timeout`, of which at most a year counts. Returns false when the
  // time has passed. A loop around it starts the time anew on each round: use WaitUntil where the
  // whole loop has a limit.
  bool WaitFor(Mutex* mu, absl::Duration timeout) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    const absl::Duration bounded = std::min(timeout, absl::Hours(24 * 365));
    return WaitUntil(mu, std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(bounded));
  }

  // Wakes one waiting thread, if there is any; it need not be called with the mutex held.
  void Signal() { cv_.notify_one(); }

  // Wakes all waiting threads; it need not be called with the mutex held.
  void SignalAll() { cv_.notify_all(); }

 private:
  // A locked mutex in the form that std::condition_variable asks for, which stays locked when this
  // goes away.
  class Borrowed {
   public:
    explicit Borrowed(Mutex* mu) : lock_(mu->mu_, std::adopt_lock) {}
    ~Borrowed() { lock_.release(); }
    std::unique_lock<std::mutex>& get() { return lock_; }

   private:
    std::unique_lock<std::mutex> lock_;
  };

  std::condition_variable cv_;
};

}  // namespace quorate

#endif  // QUORATE_SUPPORT_MUTEX_H_
