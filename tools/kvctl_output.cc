#include "tools/kvctl_output.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace quorate::kvctl {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

// Whether JSON can carry the bytes as a text: what is not UTF-8 would be replaced.
bool IsText(absl::string_view bytes) {
  const std::string text(bytes);
  return Json::parse(Dump(text), nullptr, /*allow_exceptions=*/false) == Json(text);
}

void PutBytes(absl::string_view name, absl::string_view bytes, Json* json) {
  if (IsText(bytes)) {
    (*json)[std::string(name)] = std::string(bytes);
  } else {
    (*json)[absl::StrCat(name, "_b64")] = absl::Base64Escape(bytes);
  }
}

Json OrderJson(const Order& order) {
  return Json{{"major", absl::StrCat(order.major)},
              {"minor", absl::StrCat(order.minor)},
              {"tie", absl::StrCat(order.tie)}};
}

Json NodeJson(const NodeView& view) {
  Json json = {{"node", view.node}, {"grpc_address", view.grpc_address}};
  json["reachable"] = view.status.has_value();
  if (!view.status.has_value()) {
    json["error"] = view.error;
    return json;
  }
  const NodeStatus& status = *view.status;
  json["http_address"] = status.http_address;
  json["role"] = status.role;
  json["state"] = status.state;
  json["detail"] = status.detail;
  json["epoch"] = absl::StrCat(status.epoch);
  json["applied_number"] = absl::StrCat(status.applied_number);
  json["incarnation"] = absl::StrCat(status.incarnation);
  json["peers"] = Json::array();
  for (const PeerInfo& peer : status.peers) {
    json["peers"].push_back(Json{{"node", peer.node},
                                 {"grpc_address", peer.grpc_address},
                                 {"connected", peer.connected},
                                 {"refusal", peer.refusal}});
  }
  json["counters"] = Json::object();
  for (const auto& [name, value] : status.counters) json["counters"][name] = absl::StrCat(value);
  return json;
}

const NodeStatus* FirstStatus(const std::vector<NodeView>& nodes) {
  for (const NodeView& view : nodes) {
    if (view.status.has_value()) return &*view.status;
  }
  return nullptr;
}

std::string NodeLine(const NodeView& view) {
  if (!view.status.has_value()) {
    return absl::StrFormat("%-8s %-10s %-11s %-22s %s\n", view.node, "-", "unreachable",
                           view.grpc_address, view.error);
  }
  const NodeStatus& status = *view.status;
  const auto connected = std::count_if(status.peers.begin(), status.peers.end(),
                                       [](const PeerInfo& peer) { return peer.connected; });
  std::string line =
      absl::StrFormat("%-8s %-10s %-11s %-22s %d of %d connected", status.node, status.role,
                      status.state, view.grpc_address, connected, status.peers.size());
  if (status.epoch != 0) {
    absl::StrAppend(&line, ", epoch ", status.epoch, ", applied ", status.applied_number);
  }
  if (!status.detail.empty()) absl::StrAppend(&line, "; ", status.detail);
  for (const PeerInfo& peer : status.peers) {
    if (!peer.refusal.empty())
      absl::StrAppend(&line, "; refused by ", peer.node, ": ", peer.refusal);
  }
  return line + "\n";
}

}  // namespace

ExitCode ExitCodeOf(const Error& error, bool write) {
  if (write && error.details.may_have_applied) return kOutcomeUnknown;
  // What the cluster's settings rule out, no retry can bring about; another node may be the leader.
  const bool leader_elsewhere = !error.details.leader.empty();
  if (absl::IsInvalidArgument(error.status) ||
      (absl::IsFailedPrecondition(error.status) && !leader_elsewhere)) {
    return kWrongUsage;
  }
  return write ? kNothingWritten : kUnavailable;
}

std::string ErrorText(const Error& error, bool write) {
  std::string text = error.status.ToString();
  if (write && error.details.may_have_applied) {
    absl::StrAppend(&text, " -- the write may have been applied, or may still be");
  } else if (write && !absl::StrContains(text, "nothing was written")) {
    absl::StrAppend(&text, " -- nothing was written");
  }
  return text;
}

std::string WriteText(const WriteReply& reply) {
  std::string text = absl::StrCat("version ", reply.version, " by node ", reply.node, ", held by ",
                                  reply.acks, " replicas (", reply.required, " required)");
  if (reply.replaced_siblings > 0) {
    absl::StrAppend(&text, ", settled ", reply.replaced_siblings, " concurrent values");
  }
  return text;
}

std::string ReadNote(const ReadReply& reply) {
  std::string note;
  if (reply.conflict) absl::StrAppend(&note, "concurrent values: --siblings shows all");
  if (reply.disagreed) {
    absl::StrAppend(&note, note.empty() ? "" : "; ", "replicas held different versions");
  }
  return note;
}

std::string SiblingsText(const ReadReply& reply) {
  std::string text;
  for (const SiblingValue& sibling : reply.siblings) {
    absl::StrAppend(&text, sibling.deleted ? "(deleted)" : sibling.value, "\n");
  }
  return text;
}

std::string ErrorJson(const Error& error) {
  Json json = {{"code", absl::StatusCodeToString(error.status.code())},
               {"message", std::string(error.status.message())},
               {"details", Json::array()}};
  json["details"].push_back(Json{{"may_have_applied", error.details.may_have_applied},
                                 {"acks", error.details.acks},
                                 {"required", error.details.required},
                                 {"leader", error.details.leader}});
  return Dump(json);
}

std::string WriteJson(absl::string_view key, const WriteReply& reply) {
  Json json = Json::object();
  PutBytes("key", key, &json);
  json["version"] = reply.version;
  json["context"] = absl::Base64Escape(reply.context);
  json["order"] = OrderJson(reply.order);
  json["node"] = reply.node;
  json["durability"] = reply.durability;
  json["acks"] = reply.acks;
  json["required"] = reply.required;
  json["replaced_siblings"] = reply.replaced_siblings;
  return Dump(json);
}

std::string ReadJson(absl::string_view key, const ReadReply& reply) {
  Json json = Json::object();
  PutBytes("key", key, &json);
  json["found"] = reply.value.has_value();
  if (reply.value.has_value()) PutBytes("value", *reply.value, &json);
  json["version"] = reply.version;
  json["context"] = absl::Base64Escape(reply.context);
  json["order"] = OrderJson(reply.order);
  json["node"] = reply.node;
  json["durability"] = reply.durability;
  json["answers"] = reply.answers;
  json["required"] = reply.required;
  json["disagreed"] = reply.disagreed;
  json["conflict"] = reply.conflict;
  if (!reply.siblings.empty()) json["siblings"] = Json::array();
  for (const SiblingValue& sibling : reply.siblings) {
    Json value = Json::object();
    if (!sibling.deleted) PutBytes("value", sibling.value, &value);
    value["deleted"] = sibling.deleted;
    value["order"] = OrderJson(sibling.order);
    json["siblings"].push_back(std::move(value));
  }
  return Dump(json);
}

std::string StatusText(const std::vector<NodeView>& nodes) {
  const NodeStatus& first = *FirstStatus(nodes);
  std::string text =
      absl::StrFormat("cluster %s: %s, N=%d W=%d R=%d, durability %s\n", first.cluster,
                      first.strategy, first.n, first.w, first.r, first.durability);
  if (!first.guarantee.empty()) absl::StrAppend(&text, first.guarantee, "\n");
  absl::StrAppendFormat(&text, "\n%-8s %-10s %-11s %-22s %s\n", "NODE", "ROLE", "STATE", "GRPC",
                        "PEERS");
  for (const NodeView& view : nodes) absl::StrAppend(&text, NodeLine(view));
  return text;
}

std::string StatusJson(const std::vector<NodeView>& nodes) {
  const NodeStatus& first = *FirstStatus(nodes);
  Json json = {{"cluster", first.cluster},
               {"strategy", first.strategy},
               {"n", first.n},
               {"w", first.w},
               {"r", first.r},
               {"durability", first.durability},
               {"guarantee", first.guarantee},
               {"leader", first.leader},
               {"nodes", Json::array()}};
  for (const NodeView& view : nodes) json["nodes"].push_back(NodeJson(view));
  return Dump(json);
}

std::optional<std::string> ParseContext(absl::string_view base64) {
  std::string context;
  if (absl::Base64Unescape(base64, &context) || absl::WebSafeBase64Unescape(base64, &context)) {
    return context;
  }
  return std::nullopt;
}

}  // namespace quorate::kvctl
