// Prints doc/claims.md, or writes it: bazel run //tests/sim:claims -- --update=$PWD/doc/claims.md
#include <cstdio>
#include <fstream>
#include <string>

#include "gflags/gflags.h"

#include "tests/sim/claims.h"

DEFINE_string(update, "", "the file to write");

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, /*remove_flags=*/true);
  const std::string page = quorate::sim::ClaimsPage();
  if (FLAGS_update.empty()) {
    std::fputs(page.c_str(), stdout);
    return 0;
  }
  std::ofstream out(FLAGS_update, std::ios::trunc);
  out << page;
  out.close();
  if (out.good()) return 0;
  std::fprintf(stderr, "%s cannot be written\n", FLAGS_update.c_str());
  return 1;
}
