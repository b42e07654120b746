// What the documented REST calls answer, decoded.
//
// Pure functions over text from outside: they never fail in another way than by the result's
// status. Thread-safe, never block.
#ifndef QUORATE_CLIENT_REST_REPLY_H_
#define QUORATE_CLIENT_REST_REPLY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "client/messages.h"

namespace quorate {

// The outcome of one set, get or local read.
struct RestResult {
  // OK also where a read found nothing. Messages are printable, one line, at most a few hundred
  // bytes.
  absl::Status status;
  // Of a set that failed: it may take effect, now or later. False: nothing was written.
  bool may_have_applied = false;
  // Reads: whether there is a value.
  bool found = false;
  std::string value;
  // Of the value, the write, or the tombstone where there is one; 0 where the key was never
  // written.
  uint64_t version = 0;
  // Its place among the writes of the key; none from servers that do not tell. Versions of a
  // cluster without a leader are no such order.
  std::optional<Order> order;
};

// What a node says of itself; fields that it does not give are empty or 0.
struct RestHealth {
  absl::Status status;  // OK where the node is healthy
  std::string node;
  std::string role;
  std::string strategy;
  std::string guarantee;
  std::string durability;
  std::string emulated_delays;
  std::map<std::string, uint64_t> counters;  // since the node's start, by name
  int n = 0;
  int w = 0;
  int r = 0;
};

// POST /set. A success that cannot be understood is a failure that may have applied; so is one of
// the server's own failures (5xx) that does not say.
RestResult ParseSetReply(int http_status, absl::string_view body);

// GET /get/{key} and GET /local_read/{key}. A 404 that gives a version (0: never written) says that
// there is no value; any other 404 says nothing of the key, and is a failure.
RestResult ParseReadReply(int http_status, absl::string_view body);

// GET /health.
RestHealth ParseHealthReply(int http_status, absl::string_view body);

// `text` without what a terminal might act upon, cut where it is long.
std::string PrintableExcerpt(absl::string_view text);

}  // namespace quorate

#endif  // QUORATE_CLIENT_REST_REPLY_H_
