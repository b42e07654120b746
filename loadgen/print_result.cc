// Prints a result for the test of the schema: `print_result example`, or `print_result empty`, a
// run in which nothing happened.
#include <cstdio>
#include <string>

#include "loadgen/result_example.h"
#include "loadgen/result_file.h"

namespace {

quorate::loadgen::ResultFile EmptyResult() {
  quorate::loadgen::ResultFile result;
  result.mode = "leaderless";
  result.run.started_at = "2026-11-28T07:00:00Z";
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string which = argc == 2 ? argv[1] : "";
  if (which != "example" && which != "empty") {
    std::fputs("usage: print_result example|empty\n", stderr);
    return 2;
  }
  const std::string text = quorate::loadgen::FormatResult(
      which == "empty" ? EmptyResult() : quorate::loadgen::ExampleResult());
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return written ? 0 : 1;
}
