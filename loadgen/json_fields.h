// Looks into JSON that others have written, without ever throwing: what is absent, null, or of
// another kind is told by a value, not by an exception.
//
//   const double mean = NumberAt(latency, "mean");   // not a number where there is none
//
// Functions: thread-safe. Pointers and references hold as long as the JSON does not change.
#ifndef QUORATE_LOADGEN_JSON_FIELDS_H_
#define QUORATE_LOADGEN_JSON_FIELDS_H_

#include <cstdint>
#include <limits>
#include <string>

#include "nlohmann/json.hpp"

namespace quorate::loadgen {

// Keeps its members in the order in which they were set.
using Json = nlohmann::ordered_json;

// The member; null where `object` is none, lacks it, or has a JSON null there.
inline const Json* Find(const Json& object, const std::string& name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

// A member of that kind; where there is none, an empty one.
inline const Json& ObjectAt(const Json& object, const std::string& name) {
  static const Json* const kEmpty = new Json(Json::object());
  const Json* found = Find(object, name);
  return found != nullptr && found->is_object() ? *found : *kEmpty;
}
inline const Json& ListAt(const Json& object, const std::string& name) {
  static const Json* const kEmpty = new Json(Json::array());
  const Json* found = Find(object, name);
  return found != nullptr && found->is_array() ? *found : *kEmpty;
}

// Not a number where there is none.
inline double NumberAt(const Json& object, const std::string& name) {
  const Json* found = Find(object, name);
  return found != nullptr && found->is_number() ? found->get<double>()
                                                : std::numeric_limits<double>::quiet_NaN();
}

// A whole number >= 0; 0 where there is none.
inline uint64_t CountAt(const Json& object, const std::string& name) {
  const Json* found = Find(object, name);
  return found != nullptr && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

// Empty where there is none.
inline std::string TextAt(const Json& object, const std::string& name) {
  const Json* found = Find(object, name);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

// False where there is none.
inline bool FlagAt(const Json& object, const std::string& name) {
  const Json* found = Find(object, name);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

// A double as JSON: null where it is not finite, since JSON has no other way to say so.
inline Json NumberOrNull(double number) {
  const bool finite = number - number == 0;
  return finite ? Json(number) : Json(nullptr);
}

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_JSON_FIELDS_H_
