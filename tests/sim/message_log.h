// MessageLog: the messages of a run, for those who want to show them.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_MESSAGE_LOG_H_
#define QUORATE_TESTS_SIM_MESSAGE_LOG_H_

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "proto/peer.pb.h"
#include "replication/env.h"
#include "replication/storage/version.h"

namespace quorate::sim {

class MessageLog {
 public:
  struct Sent {
    NodeId from = 0;
    NodeId to = 0;
    MonotonicTime at;
    std::shared_ptr<const peer::v1::Batch> batch;
    // When the receiver took it up; more than once where the network repeated it, never where it
    // lost it.
    std::vector<MonotonicTime> received;
  };

  void OnSend(NodeId from, NodeId to, MonotonicTime at,
              std::shared_ptr<const peer::v1::Batch> batch) {
    places_[batch.get()] = sent_.size();
    sent_.push_back({from, to, at, std::move(batch), {}});
  }
  void OnReceive(MonotonicTime at, const peer::v1::Batch& batch) {
    const auto place = places_.find(&batch);
    if (place != places_.end()) sent_[place->second].received.push_back(at);
  }

  // In the order of sending.
  const std::vector<Sent>& sent() const { return sent_; }

 private:
  std::vector<Sent> sent_;
  // The log keeps every batch, so no two have one address.
  std::map<const peer::v1::Batch*, size_t> places_;
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_MESSAGE_LOG_H_
