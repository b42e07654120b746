// What kvctl prints, as text and as JSON.
//
// JSON has the field names of the REST API: bytes that are not UTF-8 stand as base64 in key_b64 and
// value_b64, and `version` is the only 64-bit number that is a JSON number.
//
// Pure functions: thread-safe, never block.
#ifndef QUORATE_TOOLS_KVCTL_OUTPUT_H_
#define QUORATE_TOOLS_KVCTL_OUTPUT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "client/messages.h"
#include "client/outcome.h"

namespace quorate::kvctl {

// The exit status of a command.
enum ExitCode : int {
  kOk = 0,
  kNotFound = 1,        // get, local-read: no value under that key
  kWrongUsage = 2,      // the command line makes no sense, or what it asks for no retry can do
  kNothingWritten = 3,  // set, delete: refused or failed; a retry is safe
  kOutcomeUnknown = 4,  // set, delete: failed, and may have happened or still happen
  kUnavailable = 5,     // get, local-read, status: no answer; all: it could not be printed
};

// Of a failed read, status, or write.
ExitCode ExitCodeOf(const Error& error, bool write);

// One line each, without a line end.
std::string ErrorText(const Error& error, bool write);
std::string WriteText(const WriteReply& reply);
// What there is to say of a read beside its value; empty where there is nothing special.
std::string ReadNote(const ReadReply& reply);
// All concurrent values, a line each with its end.
std::string SiblingsText(const ReadReply& reply);

std::string ErrorJson(const Error& error);
std::string WriteJson(absl::string_view key, const WriteReply& reply);
std::string ReadJson(absl::string_view key, const ReadReply& reply);

// A node of the cluster, as far as it could be asked.
struct NodeView {
  std::string node;
  std::string grpc_address;
  std::optional<NodeStatus> status;
  std::string error;  // why there is no status
};

// The cluster, several lines with their ends. At least one node has a status.
std::string StatusText(const std::vector<NodeView>& nodes);
std::string StatusJson(const std::vector<NodeView>& nodes);

// A context as kvctl prints it; nullopt where it is no base64.
std::optional<std::string> ParseContext(absl::string_view base64);

}  // namespace quorate::kvctl

#endif  // QUORATE_TOOLS_KVCTL_OUTPUT_H_
