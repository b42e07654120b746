// The clients of transport_bench: they keep a fixed number of requests in flight and count answers.
// Beside them, what every load over gRPC needs.
#ifndef QUORATE_BENCH_TRANSPORT_LOAD_H_
#define QUORATE_BENCH_TRANSPORT_LOAD_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/completion_queue.h"

namespace quorate {

struct UnaryLoad {
  int channels = 4;    // connections
  int in_flight = 64;  // calls, over all connections
};

struct StreamLoad {
  int streams = 8;   // each on a connection of its own
  int window = 16;   // batches in flight a stream
  int messages = 1;  // a batch
  int message_bytes = 100;
};

struct Measurement {
  double answers_per_second = 0;
  int64_t answers = 0;  // before and after the measured time too
};

// What one client thread gets: answers to calls of Get, or messages on Replicate streams. Stops the
// program where an answer is an error. Blocks for a little longer than `duration`.
Measurement MeasureUnary(const std::string& address, const UnaryLoad& load,
                         absl::Duration duration);
Measurement MeasureStreams(const std::string& address, const StreamLoad& load,
                           absl::Duration duration);

// A connection that shares nothing with other channels. Does not block.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& address);

// Handles the events of `queue`, whose tags are EventHandlers, for `duration` or until `*open` is
// 0, which the handlers count down.
void PollQueue(grpc::CompletionQueue* queue, const int* open, absl::Duration duration);

}  // namespace quorate

#endif  // QUORATE_BENCH_TRANSPORT_LOAD_H_
