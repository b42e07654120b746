#include "node/json_fields.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

#include "node/text_encoding.h"

namespace quorate {
namespace {

// Takes the parser's events; returning false ends the parse. The names of the methods are the
// library's.
class FieldReader {
 public:
  explicit FieldReader(absl::Span<const absl::string_view> wanted) : wanted_(wanted) {}

  bool null() { return Scalar(OtherJsonValue{"null"}); }
  bool boolean(bool) { return Scalar(OtherJsonValue{"a boolean"}); }
  bool number_integer(int64_t value) { return Scalar(value); }
  bool number_unsigned(uint64_t value) {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return Scalar(OtherJsonValue{"a number out of range"});
    }
    return Scalar(static_cast<int64_t>(value));
  }
  // Integers beyond 64 bits come here too.
  bool number_float(double, const std::string&) {
    return Scalar(OtherJsonValue{"a fraction or a number out of range"});
  }
  bool string(std::string& value) { return Scalar(std::move(value)); }
  bool binary(nlohmann::json::binary_t&) { return false; }  // never in JSON text

  bool start_object(size_t) { return Enter(OtherJsonValue{"an object"}); }
  bool end_object() { return Leave(); }
  bool start_array(size_t) {
    if (depth_ == 0) return Fail("the body must be a JSON object, not an array");
    return Enter(OtherJsonValue{"an array"});
  }
  bool end_array() { return Leave(); }

  bool key(std::string& name) {
    if (depth_ != 1) return true;
    keep_ = std::find(wanted_.begin(), wanted_.end(), name) != wanted_.end();
    if (keep_ && fields_.find(name) != fields_.end()) {
      return Fail(absl::StrCat("the body has the field '", name, "' twice"));
    }
    name_ = std::move(name);
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) {
    return Fail(absl::StrCat("the body is not valid JSON near byte ", position));
  }

  absl::StatusOr<JsonFields> Finish() {
    if (!error_.ok()) return error_;
    return std::move(fields_);
  }

 private:
  bool Fail(std::string message) {
    error_ = absl::InvalidArgumentError(std::move(message));
    return false;
  }

  bool Scalar(JsonField value) {
    if (depth_ == 0) return Fail("the body must be a JSON object");
    if (depth_ == 1 && keep_) fields_.emplace(name_, std::move(value));
    return true;
  }

  bool Enter(OtherJsonValue value) {
    if (depth_ == kMaxJsonDepth) {
      return Fail(absl::StrCat("the body is nested more than ", kMaxJsonDepth, " levels deep"));
    }
    if (depth_ == 1 && keep_) fields_.emplace(name_, value);
    ++depth_;
    return true;
  }

  bool Leave() {
    --depth_;
    return true;
  }

  const absl::Span<const absl::string_view> wanted_;
  int depth_ = 0;
  bool keep_ = false;
  std::string name_;
  JsonFields fields_;
  absl::Status error_;
};

}  // namespace

absl::StatusOr<JsonFields> ReadJsonObject(absl::string_view text,
                                          absl::Span<const absl::string_view> wanted) {
  const size_t valid = ValidUtf8Prefix(text);
  if (valid != text.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the body is not valid UTF-8 at byte ", valid,
                     "; send other bytes in base64, as 'key_b64' or 'value_b64'"));
  }
  FieldReader reader(wanted);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  return reader.Finish();
}

}  // namespace quorate
