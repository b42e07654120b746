#include "loadgen/check/export.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "loadgen/check/history.h"
#include "loadgen/check/test_history.h"

namespace quorate::check {
namespace {

std::vector<std::string> Lines(const History& history, ExportFormat format) {
  std::vector<std::string> lines;
  ExportTo(history, format, [&lines](absl::string_view line) {
    ASSERT_TRUE(!line.empty() && line.back() == '\n');
    lines.emplace_back(line.substr(0, line.size() - 1));
  });
  return lines;
}

// Everything that a recorder can note.
History FullHistory() {
  TestHistory history;
  history.history().keys = {"apple", "a \"quoted\"\n\\key"};
  history.history().nodes = {"n1", "n\t2"};
  history.Write(10, 1, kBeforeAll, kBeforeAll);
  history.Write(11, 2, 0, 10).node = 0;
  history.Read(11, 2, 10, 15).node = 1;  // begins in the instant in which the write ends
  Operation& failed = history.Write(12, 0, 3, 8);
  failed.outcome = Outcome::kFailed;
  failed.session = 2;
  history.UnknownWrite(13, 4).session = 3;
  Operation& gave_up = history.UnknownWrite(~uint64_t{0}, 5);
  gave_up.end = 20;
  gave_up.key = 1;
  history.Delete(3, 20, 22).key = 1;
  history.ReadNothing(3, 25, 30).key = 1;
  history.ReadNothing(0, 1, 2).key = 1;
  Operation& no_order = history.Read(13, 0, 40, 50);
  no_order.session = 9;
  Operation& lost = history.Read(0, 0, 41, 60);
  lost.outcome = Outcome::kUnknown;
  lost.found = 0;
  return history.Sorted();
}

uint32_t NumberOf(const std::vector<std::string>& names, const std::string& name) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<uint32_t>(i);
  }
  ADD_FAILURE() << "no such name: " << name;
  return 0;
}

void ExpectSameOperations(History expected, History got) {
  SortByKey(&got);
  ASSERT_EQ(got.operations.size(), expected.operations.size());
  for (size_t i = 0; i < got.operations.size(); ++i) {
    EXPECT_EQ(std::memcmp(&got.operations[i], &expected.operations[i], sizeof(Operation)), 0)
        << "operation " << i;
  }
}

TEST(ExportTest, JsonLinesHaveTheFieldsOfPorcupine) {
  TestHistory history;
  history.history().keys = {"apple"};
  history.Write(11, 2, 0, 10);
  history.UnknownWrite(12, 5);
  EXPECT_THAT(Lines(history.Sorted(), ExportFormat::kJsonLines),
              testing::ElementsAre(
                  R"({"ClientId":1,"Input":{"op":"write","key":"apple","value":11},"Call":0,)"
                  R"("Output":{"outcome":"ok","order":2},"Return":10})",
                  R"({"ClientId":1,"Input":{"op":"write","key":"apple","value":12},"Call":5,)"
                  R"("Output":{"outcome":"unknown"},"Return":9223372036854775807})"));
}

Operation FromJson(const History& history, const std::string& line) {
  const nlohmann::json json = nlohmann::json::parse(line);
  const nlohmann::json& input = json.at("Input");
  const nlohmann::json& output = json.at("Output");
  const std::map<std::string, Kind> kinds = {
      {"read", Kind::kRead}, {"write", Kind::kWrite}, {"delete", Kind::kDelete}};
  const std::map<std::string, Outcome> outcomes = {
      {"ok", Outcome::kOk}, {"failed", Outcome::kFailed}, {"unknown", Outcome::kUnknown}};
  Operation operation;
  operation.session = json.at("ClientId").get<uint32_t>();
  operation.key = NumberOf(history.keys, input.at("key").get<std::string>());
  operation.kind = kinds.at(input.at("op").get<std::string>());
  operation.outcome = outcomes.at(output.at("outcome").get<std::string>());
  operation.value = (operation.is_read() ? output : input).value("value", uint64_t{0});
  operation.found = output.value("found", false) ? 1 : 0;
  operation.order_known = output.contains("order") ? 1 : 0;
  operation.order = output.value("order", uint64_t{0});
  if (output.contains("node")) {
    operation.node =
        static_cast<uint16_t>(NumberOf(history.nodes, output.at("node").get<std::string>()));
  }
  operation.start = json.at("Call").get<Nanos>();
  const Nanos returned = json.at("Return").get<Nanos>();
  operation.end = output.value("gave_up", returned);
  return operation;
}

TEST(ExportTest, JsonLinesHoldAllOfTheHistory) {
  const History history = FullHistory();
  History got;
  for (const std::string& line : Lines(history, ExportFormat::kJsonLines)) {
    got.operations.push_back(FromJson(history, line));
  }
  ExpectSameOperations(history, got);
}

// ---- EDN ----

// As much of EDN as a history needs: one flat map of keywords to numbers, nil, keywords, strings
// and vectors of two.
class EdnMap {
 public:
  explicit EdnMap(const std::string& line) : rest_(line) {
    Expect('{');
    while (!rest_.empty() && rest_.front() != '}') {
      const std::string name = Token();
      EXPECT_EQ(name.front(), ':') << line;
      EXPECT_TRUE(values_.emplace(name, Value()).second) << name << " twice in " << line;
      Skip();
    }
    Expect('}');
    EXPECT_TRUE(rest_.empty()) << line;
  }

  bool Has(const std::string& name) const { return values_.count(name) > 0; }
  std::string Text(const std::string& name) const { return values_.at(name).at(0); }
  int64_t Number(const std::string& name) const {
    return std::strtoll(Text(name).c_str(), nullptr, 10);
  }
  // Of a vector.
  const std::vector<std::string>& Both(const std::string& name) const { return values_.at(name); }

 private:
  void Skip() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == ',')) rest_.remove_prefix(1);
  }

  void Expect(char c) {
    ASSERT_FALSE(rest_.empty());
    EXPECT_EQ(rest_.front(), c);
    rest_.remove_prefix(1);
  }

  std::vector<std::string> Value() {
    Skip();
    if (rest_.front() != '[') return {Token()};
    Expect('[');
    std::vector<std::string> both = {Token(), Token()};
    Expect(']');
    return both;
  }

  std::string Token() {
    Skip();
    if (rest_.front() == '"') return String();
    size_t size = 0;
    while (size < rest_.size() && std::strchr(" ,]}", rest_[size]) == nullptr) ++size;
    const std::string token(rest_.substr(0, size));
    EXPECT_FALSE(token.empty());
    rest_.remove_prefix(size);
    return token;
  }

  std::string String() {
    size_t end = 1;
    while (rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
    // The same escapes as in JSON.
    const std::string text = nlohmann::json::parse(rest_.substr(0, end + 1)).get<std::string>();
    rest_.remove_prefix(end + 1);
    return text;
  }

  absl::string_view rest_;
  std::map<std::string, std::vector<std::string>> values_;
};

TEST(ExportTest, EdnIsAHistoryOfEvents) {
  TestHistory history;
  history.history().keys = {"apple"};
  history.history().nodes = {"n1"};
  history.Write(11, 2, 0, 10).node = 0;
  history.ReadNothing(0, 10, 15).session = 7;
  EXPECT_THAT(
      Lines(history.Sorted(), ExportFormat::kEdn),
      testing::ElementsAre(
          R"({:index 0, :time 0, :process 0, :type :invoke, :f :write, :value ["apple" 11], )"
          R"(:session 1})",
          R"({:index 1, :time 10, :process 1, :type :invoke, :f :read, :value ["apple" nil], )"
          R"(:session 7})",
          R"({:index 2, :time 10, :process 0, :type :ok, :f :write, :value ["apple" 11], )"
          R"(:session 1, :order 2, :node "n1"})",
          R"({:index 3, :time 15, :process 1, :type :ok, :f :read, :value ["apple" nil], )"
          R"(:session 7, :order 0})"));
}

// Pairs the events of each process again, and holds them to what Knossos asks of a history.
class EdnReader {
 public:
  explicit EdnReader(const History& names) : names_(names) {}

  void Take(const std::string& line) {
    const EdnMap event(line);
    EXPECT_EQ(event.Number(":index"), events_++);
    EXPECT_GE(event.Number(":time"), last_time_);
    last_time_ = event.Number(":time");
    const int64_t process = event.Number(":process");
    EXPECT_EQ(dead_.count(process), 0u) << "a process goes on after an :info";
    if (event.Text(":type") == ":invoke") {
      EXPECT_EQ(open_.count(process), 0u) << "a process does two things at a time";
      open_[process] = Invoked(event);
      return;
    }
    ASSERT_EQ(open_.count(process), 1u) << "completes what it has not begun";
    Complete(event, &open_[process]);
    got_.operations.push_back(open_[process]);
    open_.erase(process);
    if (event.Text(":type") == ":info") dead_.insert(process);
  }

  History Finish() {
    for (const auto& [process, operation] : open_) got_.operations.push_back(operation);
    return got_;
  }

 private:
  Operation Invoked(const EdnMap& event) const {
    const std::string& value = event.Both(":value").at(1);
    Operation operation;
    operation.key = NumberOf(names_.keys, event.Both(":value").at(0));
    operation.session = static_cast<uint32_t>(event.Number(":session"));
    operation.outcome = Outcome::kUnknown;
    operation.start = event.Number(":time");
    operation.end = kNever;
    if (event.Text(":f") == ":write") {
      operation.kind = value == "nil" ? Kind::kDelete : Kind::kWrite;
      if (value != "nil") operation.value = std::strtoull(value.c_str(), nullptr, 10);
    } else {
      EXPECT_EQ(event.Text(":f"), ":read");
      EXPECT_EQ(value, "nil");
    }
    return operation;
  }

  void Complete(const EdnMap& event, Operation* operation) const {
    const std::map<std::string, Outcome> outcomes = {
        {":ok", Outcome::kOk}, {":fail", Outcome::kFailed}, {":info", Outcome::kUnknown}};
    const std::string& value = event.Both(":value").at(1);
    operation->outcome = outcomes.at(event.Text(":type"));
    operation->end = event.Number(":time");
    EXPECT_EQ(event.Text(":f"), operation->is_read() ? ":read" : ":write");
    EXPECT_EQ(NumberOf(names_.keys, event.Both(":value").at(0)), operation->key);
    if (operation->is_read() && value != "nil") {
      operation->found = 1;
      operation->value = std::strtoull(value.c_str(), nullptr, 10);
    }
    if (event.Has(":order")) {
      operation->order_known = 1;
      operation->order = static_cast<uint64_t>(event.Number(":order"));
    }
    if (event.Has(":node")) {
      operation->node = static_cast<uint16_t>(NumberOf(names_.nodes, event.Text(":node")));
    }
  }

  const History& names_;
  int64_t events_ = 0;
  Nanos last_time_ = kBeforeAll;
  std::map<int64_t, Operation> open_;
  std::set<int64_t> dead_;
  History got_;
};

TEST(ExportTest, EdnHoldsAllOfTheHistory) {
  const History history = FullHistory();
  EdnReader reader(history);
  for (const std::string& line : Lines(history, ExportFormat::kEdn)) reader.Take(line);
  ExpectSameOperations(history, reader.Finish());
}

TEST(ExportTest, NamesThatAreNotAsciiBecomeNumbers) {
  TestHistory history;
  history.history().keys = {"k\xFF\xFE"};
  history.Write(11, 1, 0, 10);
  EXPECT_THAT(Lines(history.Sorted(), ExportFormat::kJsonLines)[0],
              testing::HasSubstr("\"key\":\"key 0\""));
}

TEST(ExportTest, TheEndOfTheNameSaysTheFormat) {
  EXPECT_EQ(ExportFormatOf("a/b.edn"), ExportFormat::kEdn);
  EXPECT_EQ(ExportFormatOf("b.jsonl"), ExportFormat::kJsonLines);
  EXPECT_EQ(ExportFormatOf("b.json"), std::nullopt);
  EXPECT_EQ(ExportFormatOf("edn"), std::nullopt);
}

TEST(ExportTest, SaysWhereItCannotWrite) {
  const std::string path = testing::TempDir() + "/no_such_folder/x.edn";
  const absl::Status status = ExportHistory(FullHistory(), ExportFormat::kEdn, path);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(path));
  EXPECT_EQ(ExportHistory(FullHistory(), ExportFormat::kEdn, "/dev/full").code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace quorate::check
