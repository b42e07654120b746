#include "node/rest_response.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

#include "node/status_mapping.h"
#include "node/text_encoding.h"
#include "replication/outcomes.h"

namespace quorate {
namespace {

// Keeps the documented fields in front.
using Json = nlohmann::ordered_json;

// A message may quote what a client sent, so it may hold anything.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// 64-bit integers travel as strings: many readers of JSON keep 53 bits only.
std::string Text(uint64_t number) { return absl::StrCat(number); }

void PutKey(absl::string_view key, Json* json) {
  if (IsValidUtf8(key)) {
    (*json)["key"] = std::string(key);
  } else {
    (*json)["key_b64"] = absl::Base64Escape(key);
  }
}

void PutValue(const std::string& value, Json* json) {
  if (IsValidUtf8(value)) {
    (*json)["value"] = value;
  } else {
    (*json)["value_b64"] = absl::Base64Escape(value);
    (*json)["encoding"] = "base64";
  }
}

Json OrderJson(const WriteOrder& order) {
  return Json{{"major", Text(order.major)}, {"minor", Text(order.minor)}, {"tie", Text(order.tie)}};
}

Json SiblingsJson(const Record& record) {
  Json siblings = Json::array();
  for (const Sibling& sibling : record.siblings) {
    Json json = Json::object();
    if (!sibling.tombstone) PutValue(sibling.value, &json);
    json["deleted"] = sibling.tombstone;
    json["order"] = OrderJson(OrderOf(record.version, sibling));
    siblings.push_back(std::move(json));
  }
  return siblings;
}

// The fields that reads and writes share. `version` is the one 64-bit number that is a JSON number:
// it stays below 2^53 by construction.
void PutOutcome(const Operation& operation, const OperationResult& result, const KvApi& api,
                Json* json) {
  const Version version = result.record.has_value() ? result.record->version : Version();
  (*json)["version"] = version.Number();
  (*json)["context"] = absl::Base64Escape(ContextToken(operation.key, SeenBy(result)));
  (*json)["order"] = OrderJson(result.order);
  (*json)["node"] = api.NodeName(result.node);
  (*json)["durability"] = DurabilityName(api.durability());
}

Json ErrorJson(absl::string_view code, absl::string_view message) {
  return Json{{"code", code}, {"message", message}, {"details", Json::array()}};
}

Json FailureJson(const absl::Status& status, const v1::ErrorDetails& details) {
  Json json = ErrorJson(ToWireStatus(status.code()).name, status.message());
  json["details"].push_back(Json{{"may_have_applied", details.may_have_applied()},
                                 {"acks", details.acks()},
                                 {"required", details.required()},
                                 {"leader", details.leader()}});
  return json;
}

HttpAnswer JsonAnswer(int status, const Json& json) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = Dump(json);
  return answer;
}

std::string HeaderText(const Json& field) {
  if (field.is_string()) {
    std::string text = field.get<std::string>();
    // Other nodes choose their names. A line break would end the header.
    for (char& c : text) {
      if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = '?';
    }
    return text;
  }
  if (!field.is_object()) return field.dump();
  return absl::StrJoin(field, ".", [](std::string* text, const Json& part) {
    text->append(part.get<std::string>());
  });
}

// A context grows with every life in which a node has written the key. Where it is longer than a
// header that a client could hand back (HttpOptions::max_header_bytes), or take, there is none.
constexpr size_t kLongestHeader = 8000;

void PutHeader(absl::string_view name, std::string text,
               std::vector<std::pair<std::string, std::string>>* headers) {
  if (text.size() <= kLongestHeader) headers->emplace_back(name, std::move(text));
}

// The outcome that `json` tells, for those who read headers instead.
std::vector<std::pair<std::string, std::string>> OutcomeHeaders(const Json& json) {
  static constexpr std::pair<const char*, const char*> kHeaders[] = {
      {"version", "Quorate-Version"},
      {"context", "Quorate-Context"},
      {"order", "Quorate-Order"},
      {"node", "Quorate-Node"},
      {"acks", "Quorate-Acks"},
      {"answers", "Quorate-Answers"},
      {"required", "Quorate-Required"},
      {"disagreed", "Quorate-Disagreed"},
      {"conflict", "Quorate-Conflict"},
      {"replaced_siblings", "Quorate-Replaced-Siblings"},
      {"durability", "Quorate-Durability"}};
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [field, header] : kHeaders) {
    if (json.contains(field)) PutHeader(header, HeaderText(json[field]), &headers);
  }
  return headers;
}

HttpAnswer EncodeFailure(const OperationResult& result, const KvApi& api) {
  return JsonAnswer(HttpStatusOf(result), FailureJson(result.status, DetailsOf(result, api)));
}

HttpAnswer EncodeWrite(const Operation& operation, AnswerForm form, const OperationResult& result,
                       const KvApi& api) {
  const bool set = operation.kind == OperationKind::kSet;
  Json json = {{"message", set ? "Key set successfully" : "Key deleted successfully"}};
  PutOutcome(operation, result, api, &json);
  json["acks"] = result.answers;
  json["required"] = result.required;
  json["replaced_siblings"] = result.replaced_siblings;
  // 201 is the documented answer to /set. A PUT would promise with it that the key is new, which
  // its coordinator cannot know.
  HttpAnswer answer = JsonAnswer(set && form == AnswerForm::kDocument ? 201 : 200, json);
  if (form == AnswerForm::kRaw) answer.headers = OutcomeHeaders(json);
  return answer;
}

HttpAnswer EncodeRead(const Operation& operation, AnswerForm form, bool siblings,
                      const OperationResult& result, const KvApi& api) {
  const Sibling* winner = result.record.has_value() ? result.record->Winner() : nullptr;
  const bool found = winner != nullptr && !winner->tombstone;
  const bool conflict = result.record.has_value() && result.record->conflicting();
  const bool all = conflict && siblings;
  // Where siblings were asked for, a delete among them is one of the values to show.
  const bool absent = !found && !all;
  const bool raw_value = form == AnswerForm::kRaw && found && !all;

  Json json = absent ? ErrorJson("NOT_FOUND", winner == nullptr ? "the key was never written"
                                                                : "the key was deleted")
                     : Json::object();
  if (!raw_value) {
    PutKey(operation.key, &json);
    if (found) PutValue(winner->value, &json);
  }
  PutOutcome(operation, result, api, &json);
  json["answers"] = result.answers;
  json["required"] = result.required;
  json["disagreed"] = result.disagreed;
  json["conflict"] = conflict;
  if (all) json["siblings"] = SiblingsJson(*result.record);

  HttpAnswer answer;
  if (raw_value) {
    answer.body = winner->value;
    answer.content_type = kBytesType;
  } else {
    answer = JsonAnswer(absent ? 404 : 200, json);
  }
  if (form == AnswerForm::kRaw) answer.headers = OutcomeHeaders(json);
  return answer;
}

Json PeersJson(const v1::StatusResponse& status) {
  Json peers = Json::array();
  for (const v1::PeerStatus& peer : status.peers()) {
    peers.push_back(Json{{"node", peer.node()},
                         {"http_address", peer.http_address()},
                         {"connected", peer.connected()},
                         {"refusal", peer.refusal()}});
  }
  return peers;
}

Json CountersJson(const v1::StatusResponse& status) {
  Json counters = Json::object();
  for (const auto& [name, value] : status.counters()) counters[name] = Text(value);
  return counters;
}

}  // namespace

HttpAnswer EncodeResult(const Operation& operation, AnswerForm form, bool siblings,
                        const OperationResult& result, const KvApi& api) {
  if (!result.status.ok()) return EncodeFailure(result, api);
  HttpAnswer answer = operation.is_write() ? EncodeWrite(operation, form, result, api)
                                           : EncodeRead(operation, form, siblings, result, api);
  if (operation.kind != OperationKind::kLocalRead) {
    const std::string token = ContextToken(operation.key, SeenBySession(result));
    PutHeader(kSessionHeader, absl::Base64Escape(token), &answer.headers);
  }
  return answer;
}

HttpAnswer EncodeHealth(const v1::StatusResponse& status) {
  const bool serving = status.state() == "serving";
  Json json = {{"status", serving ? "healthy" : status.state()},
               {"detail", status.detail()},
               {"role", status.role()},
               {"node_id", status.node()},
               {"strategy", status.strategy()},
               {"w", status.w()},
               {"r", status.r()},
               {"n", status.n()},
               {"state", status.state()},
               {"cluster", status.cluster()},
               {"guarantee", status.guarantee()},
               {"durability", status.durability()},
               {"emulated_delays", status.emulated_delays()},
               {"leader", status.leader()},
               {"epoch", Text(status.epoch())},
               {"applied_number", Text(status.applied_number())},
               {"incarnation", Text(status.incarnation())},
               {"peers", PeersJson(status)},
               {"counters", CountersJson(status)}};
  return JsonAnswer(serving ? 200 : 503, json);
}

HttpAnswer EncodeError(const absl::Status& error) {
  return EncodeError(ToWireStatus(error.code()).http, error, /*repeat=*/false);
}

HttpAnswer EncodeError(int http_status, const absl::Status& error, bool repeat) {
  OperationResult refusal = NotSent(error);
  if (repeat) SpeakOfEarlierTries(&refusal);
  v1::ErrorDetails details;
  details.set_may_have_applied(refusal.may_have_applied);
  return JsonAnswer(http_status, FailureJson(refusal.status, details));
}

}  // namespace quorate
