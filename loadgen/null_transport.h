// NullTransport: answers every operation at once from a table in this process: what the engine
// costs by itself, and a server without surprises for tests.
//
// Not thread-safe: belongs to one thread.
#ifndef QUORATE_LOADGEN_NULL_TRANSPORT_H_
#define QUORATE_LOADGEN_NULL_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/transport.h"

namespace quorate::loadgen {

class NullTransport : public Transport {
 public:
  // One register for each of the keys 0..keys-1, the same whichever target is asked.
  // `max_in_flight` operations have room, all targets together.
  NullTransport(size_t targets, size_t keys, size_t max_in_flight);

  bool HasRoom(size_t target) const override;
  void Send(uint64_t tag, const Request& request) override;
  // Answers what has been sent before the call; sleeps until `until` where that is nothing.
  void Poll(Time until, ReplyHandler* handler) override;
  std::vector<RestHealth> CheckTargets() override;
  bool TargetsAreLocal() const override { return true; }

 private:
  struct Register {
    std::string value;
    uint64_t version = 0;
  };
  struct Sent {
    uint64_t tag = 0;
    size_t key = 0;
    bool write = false;
    uint64_t version = 0;  // of a write
  };

  const size_t targets_;
  const size_t max_in_flight_;
  std::vector<Register> registers_;
  std::vector<Sent> sent_;
  std::vector<Sent> answering_;  // while Poll runs
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_NULL_TRANSPORT_H_
