// A closed loop of one kind of operation against one server: a fixed number in flight, one thread.
// Prints one line of JSON with what came back in the measured time. speed_table.py runs it.
#include <cstdio>
#include <string>

#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "glog/logging.h"
#include "nlohmann/json.hpp"

#include "bench/speed_grpc.h"
#include "bench/speed_tally.h"
#include "bench/speed_tcp.h"
#include "support/library_locks.h"

DEFINE_string(target, "", "host:port of the server");
DEFINE_string(protocol, "stream", "unary or stream (gRPC), http, redis");
DEFINE_string(call, "get", "echo (gRPC), get, set, set_wait (Redis)");
DEFINE_int32(connections, 1, "connections; for streams, of one stream each");
DEFINE_int32(in_flight, 1, "operations in flight a connection; unary: over all connections");
DEFINE_int32(batch, 0, "streams: operations a message; 0: as many as may start");
DEFINE_uint64(keys, 50, "different keys");
DEFINE_bool(fill, false, "takes each key once instead of random ones, and ends");
DEFINE_int32(value_bytes, 100, "length of values");
DEFINE_uint32(w, 1, "acknowledgements that a set asks for");
DEFINE_uint32(r, 1, "answers that a get asks for");
DEFINE_double(warm_up, 0.3, "seconds before the measured time");
DEFINE_double(seconds, 2, "measured time, at most");

namespace quorate {
namespace {

SpeedLoad LoadOfFlags() {
  SpeedLoad load;
  load.target = FLAGS_target;
  load.call = FLAGS_call;
  load.connections = FLAGS_connections;
  load.in_flight = FLAGS_in_flight;
  load.batch = FLAGS_batch;
  load.keys = FLAGS_keys;
  load.fill = FLAGS_fill;
  load.value_bytes = static_cast<size_t>(FLAGS_value_bytes);
  load.w = FLAGS_w;
  load.r = FLAGS_r;
  load.warm_up = absl::Seconds(FLAGS_warm_up);
  load.duration = absl::Seconds(FLAGS_seconds);
  CHECK(load.connections >= 1 && load.in_flight >= 1 && load.keys >= 1);
  CHECK(load.batch == 0 || load.in_flight % load.batch == 0) << "--in_flight in whole batches";
  return load;
}

int Main() {
  const SpeedLoad load = LoadOfFlags();
  SpeedTally tally(load);
  if (FLAGS_protocol == "unary") {
    RunUnary(load, &tally);
  } else if (FLAGS_protocol == "stream") {
    RunStreams(load, &tally);
  } else if (FLAGS_protocol == "http") {
    RunHttp(load, &tally);
  } else {
    CHECK_EQ(FLAGS_protocol, "redis");
    RunRedis(load, &tally);
  }
  const nlohmann::json result = {{"operations", tally.operations()},
                                 {"errors", tally.errors()},
                                 {"first_error", tally.first_error()},
                                 {"seconds", tally.seconds()}};
  std::puts(result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  return 0;
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) {
  quorate::SpareLibraryLocks();
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = google::WARNING;
  google::ParseCommandLineFlags(&argc, &argv, true);
  google::InitGoogleLogging(argv[0]);
  return quorate::Main();
}
