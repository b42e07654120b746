#include "client/rest_reply.h"

#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace quorate {
namespace {

using Json = nlohmann::json;

constexpr size_t kExcerptBytes = 300;

// The object in `body`, or an empty one.
Json ParseObject(absl::string_view body) {
  Json parsed = Json::parse(body.begin(), body.end(), nullptr, /*allow_exceptions=*/false);
  return parsed.is_object() ? std::move(parsed) : Json::object();
}

std::string TextField(const Json& object, const char* name) {
  const auto field = object.find(name);
  return field != object.end() && field->is_string() ? field->get<std::string>() : std::string();
}

std::optional<uint64_t> NumberField(const Json& object, const char* name) {
  const auto field = object.find(name);
  if (field == object.end() || !field->is_number_unsigned()) return std::nullopt;
  return field->get<uint64_t>();
}

std::optional<Order> OrderField(const Json& object) {
  const auto field = object.find("order");
  if (field == object.end() || !field->is_object()) return std::nullopt;
  Order order;
  for (const auto& [name, part] :
       {std::make_pair("major", &order.major), {"minor", &order.minor}, {"tie", &order.tie}}) {
    if (!absl::SimpleAtoi(TextField(*field, name), part)) return std::nullopt;
  }
  return order;
}

int CountField(const Json& object, const char* name) {
  const uint64_t count = NumberField(object, name).value_or(0);
  return count <= std::numeric_limits<int>::max() ? static_cast<int>(count) : 0;
}

// The numbers in an object, each as JSON's or, since that is exact for everyone, as text.
std::map<std::string, uint64_t> CountersField(const Json& object) {
  std::map<std::string, uint64_t> counters;
  const auto field = object.find("counters");
  if (field == object.end() || !field->is_object()) return counters;
  for (const auto& [name, number] : field->items()) {
    uint64_t value = 0;
    if (number.is_number_unsigned()) {
      value = number.get<uint64_t>();
    } else if (!number.is_string() || !absl::SimpleAtoi(number.get<std::string>(), &value)) {
      continue;
    }
    counters[PrintableExcerpt(name)] = value;
  }
  return counters;
}

// What the error says of the write, at its top or in one of its details.
std::optional<bool> MayHaveApplied(const Json& error) {
  const auto field = error.find("may_have_applied");
  if (field != error.end() && field->is_boolean()) return field->get<bool>();
  const auto details = error.find("details");
  if (details == error.end() || !details->is_array()) return std::nullopt;
  for (const Json& detail : *details) {
    if (!detail.is_object()) continue;
    const auto inner = detail.find("may_have_applied");
    if (inner != detail.end() && inner->is_boolean()) return inner->get<bool>();
  }
  return std::nullopt;
}

absl::StatusCode CodeOf(int http_status) {
  switch (http_status) {
    case 400:
      return absl::StatusCode::kInvalidArgument;
    case 404:
      return absl::StatusCode::kNotFound;
    case 429:
      return absl::StatusCode::kResourceExhausted;
    case 503:
      return absl::StatusCode::kUnavailable;
    case 504:
      return absl::StatusCode::kDeadlineExceeded;
    default:
      return absl::StatusCode::kUnknown;
  }
}

absl::Status ErrorStatus(int http_status, const Json& error) {
  const std::string message = TextField(error, "message");
  return absl::Status(
      CodeOf(http_status),
      absl::StrCat("HTTP ", http_status, message.empty() ? "" : ": ", PrintableExcerpt(message)));
}

RestResult Incomprehensible(int http_status, absl::string_view what, absl::string_view body) {
  RestResult result;
  result.status = absl::DataLossError(
      absl::StrCat("HTTP ", http_status, " ", what, ": ", PrintableExcerpt(body)));
  return result;
}

}  // namespace

RestResult ParseSetReply(int http_status, absl::string_view body) {
  const Json object = ParseObject(body);
  if (http_status / 100 != 2) {
    RestResult result;
    result.status = ErrorStatus(http_status, object);
    result.may_have_applied = MayHaveApplied(object).value_or(http_status / 100 != 4);
    return result;
  }
  const std::optional<uint64_t> version = NumberField(object, "version");
  if (!version.has_value()) {
    RestResult result = Incomprehensible(http_status, "without a version", body);
    result.may_have_applied = true;
    return result;
  }
  RestResult result;
  result.version = *version;
  result.order = OrderField(object);
  return result;
}

RestResult ParseReadReply(int http_status, absl::string_view body) {
  const Json object = ParseObject(body);
  const std::optional<uint64_t> version = NumberField(object, "version");
  RestResult result;
  result.order = OrderField(object);
  if (http_status == 404 && version.has_value()) {
    result.version = *version;
    return result;
  }
  if (http_status / 100 != 2) {
    result.status = ErrorStatus(http_status, object);
    return result;
  }
  if (!version.has_value()) return Incomprehensible(http_status, "without a version", body);
  const auto value = object.find("value");
  if (value == object.end() || !value->is_string()) {
    return Incomprehensible(http_status, "without a text value", body);
  }
  result.found = true;
  result.version = *version;
  result.value = value->get<std::string>();
  return result;
}

RestHealth ParseHealthReply(int http_status, absl::string_view body) {
  const Json object = ParseObject(body);
  RestHealth health;
  const std::string status = TextField(object, "status");
  if (http_status / 100 != 2) {
    health.status = ErrorStatus(http_status, object);
  } else if (status != "healthy") {
    health.status = absl::UnavailableError(absl::StrCat("status is ", PrintableExcerpt(status)));
  }
  health.node = PrintableExcerpt(TextField(object, "node_id"));
  health.role = PrintableExcerpt(TextField(object, "role"));
  health.strategy = PrintableExcerpt(TextField(object, "strategy"));
  health.guarantee = PrintableExcerpt(TextField(object, "guarantee"));
  health.durability = PrintableExcerpt(TextField(object, "durability"));
  health.emulated_delays = PrintableExcerpt(TextField(object, "emulated_delays"));
  health.counters = CountersField(object);
  health.n = CountField(object, "n");
  health.w = CountField(object, "w");
  health.r = CountField(object, "r");
  return health;
}

std::string PrintableExcerpt(absl::string_view text) {
  const bool cut = text.size() > kExcerptBytes;
  return absl::StrCat(absl::CHexEscape(text.substr(0, kExcerptBytes)), cut ? "..." : "");
}

}  // namespace quorate
