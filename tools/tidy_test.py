"""Plants a violation of each rule and expects it to be named, and plants its innocent neighbour and expects silence."""

import contextlib
import io
import os
import subprocess
import tempfile
import unittest

import tidy


def messages(path, text):
    return [finding.message for finding in tidy.check_text(path, text)]


class TidyCase(unittest.TestCase):
    def assert_found(self, path, text, part, line=None):
        findings = [finding for finding in tidy.check_text(path, text) if part in finding.message]
        self.assertTrue(findings, f"{text!r} in {path} was not reported: {messages(path, text)}")
        if line is not None:
            self.assertEqual([finding.line for finding in findings], [line])

    def assert_clean(self, path, text):
        self.assertEqual(messages(path, text), [])


class ArrowTest(TidyCase):
    def test_includes_against_the_arrows_are_named(self):
        against = [
            ("proto/a.h", "replication/quorum.h"),
            ("replication/storage/a.h", "replication/quorum.h"),
            ("replication/a.cc", "node/node.h"),
            ("node/a.cc", "client/client.h"),
            ("client/a.cc", "node/node.h"),
            ("client/a.cc", "replication/storage/version.h"),
            ("loadgen/a.cc", "node/node.h"),
            ("tools/kvctl.cc", "node/node.h"),
            ("node/node_test.cc", "tests/sim/cluster.h"),
        ]
        for user, used in against:
            with self.subTest(user=user, used=used):
                self.assert_found(user, f'\n#include "{used}"\n', "must not depend on", line=2)

    def test_includes_along_the_arrows_are_fine(self):
        along = [
            ("replication/a.h", "replication/storage/version.h"),
            ("replication/storage/a.h", "proto/kv.pb.h"),
            ("node/a.cc", "replication/replica.h"),
            ("node/a.cc", "support/mutex.h"),
            ("loadgen/a.cc", "client/client.h"),
            ("tests/sim/a.cc", "loadgen/check/history.h"),
            ("tests/integration/a.cc", "node/node.h"),
            ("replication/a.cc", "absl/status/status.h"),
        ]
        for user, used in along:
            with self.subTest(user=user, used=used):
                self.assert_clean(user, f'#include "{used}"\n')

    def test_an_include_in_a_comment_is_not_an_include(self):
        self.assert_clean("client/a.cc", '// #include "node/node.h"\n/*\n#include "node/node.h"\n*/\n')

    def test_only_the_registry_names_a_strategy(self):
        include = '#include "replication/dynamo/dynamo.h"\n'
        for user in ["replication/replica.cc", "node/main.cc", "replication/leader_follower/leader_follower.cc"]:
            self.assert_found(user, include, "only the registry")
        for user in ["replication/registry.cc", "replication/dynamo/dynamo.cc", "replication/replica_test.cc",
                     "tests/sim/a.cc"]:
            self.assert_clean(user, include)

    def test_imports_of_proto_files_follow_the_arrows(self):
        self.assert_found("proto/a.proto", 'import "node/a.proto";\n', "must not depend on")
        self.assert_clean("proto/a.proto", 'import "proto/b.proto";\nimport "google/protobuf/any.proto";\n')

    def test_includes_are_written_from_the_top(self):
        self.assert_found("node/a.cc", '#include "node.h"\n', "from the top")

    def test_a_new_top_folder_must_be_given_a_place(self):
        self.assert_found("misc/a.cc", "int a;\n", "no place in the arrows")

    def test_dependencies_in_build_files_follow_the_arrows(self):
        rule = 'quorate_cc_library(\n    name = "a",\n    deps = [\n        "%s",\n    ],\n)\n'
        self.assert_found("client/BUILD.bazel", rule % "//node:node", "must not depend on", line=4)
        self.assert_found("client/BUILD.bazel", rule % "//node", "must not depend on")
        self.assert_found("node/BUILD.bazel", rule % "//replication/dynamo", "only the registry")
        self.assert_clean("node/BUILD.bazel", rule % "//replication:replica")
        self.assert_clean("replication/BUILD.bazel", rule % "//replication/dynamo")
        self.assert_clean("client/BUILD.bazel", 'x(name = "a", data = ["//node:node"], visibility = ["//node:a"])\n')

    def test_nothing_is_public(self):
        public = "//visibility:" "public"
        self.assert_found("node/BUILD.bazel", f'x(\n    visibility = ["{public}"],\n)\n', "public", line=2)
        self.assert_found("node/BUILD.bazel", f'package(default_visibility = ["{public}"])\n', "public")
        self.assert_clean("proto/BUILD.bazel", f'x(visibility = ["{public}"])\n')
        self.assert_clean("third_party/x/BUILD.bazel", f'package(default_visibility = ["{public}"])\n')

    def test_the_core_links_nothing_that_is_banned_in_it(self):
        rule = 'x(name = "a", deps = ["%s"])\n'
        for label in ["@system//:grpcpp", "@system//:threads", "@system//:absl_flat_hash_map", "//proto:peer_grpc"]:
            with self.subTest(label=label):
                self.assert_found("replication/BUILD.bazel", rule % label, "must not link")
                self.assert_clean("node/BUILD.bazel", rule % label)
        self.assert_clean("replication/BUILD.bazel", rule % "@system//:absl_btree")


class CoreBanTest(TidyCase):
    def test_each_ban_fires_in_the_core_and_only_there(self):
        planted = {
            "a clock": [
                "auto t = std::chrono::steady_clock::now();", "absl::Time t = absl::Now();", "#include <chrono>",
                '#include "absl/time/clock.h"', "gettimeofday(&t, nullptr);",
            ],
            "a sleep": ["std::this_thread::sleep_for(d);", "absl::SleepFor(d);", "  sleep(1);"],
            "a thread": ["std::thread t(f);", "auto f = std::async(g);", "thread_local int x;", "#include <thread>"],
            "a lock in the core": ['#include "support/mutex.h"', "MutexLock lock(&mu);"],
            "a random device": ["std::random_device d;", "absl::BitGen gen;", "int x = rand();", "srand(7);"],
            "gRPC": ["grpc::Status s;", "#include <grpcpp/grpcpp.h>", '#include "proto/kv.grpc.pb.h"'],
            "a hash order": ["absl::flat_hash_map<int, int> m;", "std::unordered_set<int> s;",
                             "#include <unordered_map>", "absl::node_hash_set<int> s;"],
        }
        for part, lines in planted.items():
            for line in lines:
                with self.subTest(line=line):
                    self.assert_found("replication/dynamo/a.cc", f"\n{line}\n", part, line=2)
                    self.assert_clean("loadgen/a.cc", f"\n{line}\n")

    def test_what_only_looks_like_a_banned_thing_is_fine(self):
        for line in [
            "// asks Env instead of std::chrono::steady_clock", "/* a std::thread would be wrong */",
            'LOG(INFO) << "std::thread";', "env->sleep(1);", "absl::btree_map<int, int> m;", "int operand(int x);",
            "const int threads = 2;", '#include "absl/time/time.h"', "const char quote = '\"'; int rand_state = 0;",
        ]:
            with self.subTest(line=line):
                self.assert_clean("replication/a.cc", line + "\n")

    def test_maps_are_banned_in_peer_messages_only(self):
        field = "message A {\n  map<string, int32> a = 1;\n}\n"
        self.assert_found("proto/peer.proto", field, "a map in a peer message", line=2)
        self.assert_clean("proto/kv.proto", field)
        self.assert_clean("proto/peer.proto", "// not a map<string, int32>\n")


class LockTest(TidyCase):
    def test_foreign_locks_are_named_everywhere_but_in_support(self):
        for line in [
            "std::mutex mu;", "std::recursive_mutex mu;", "std::lock_guard<M> l(m);", "std::unique_lock<M> l(m);",
            "std::condition_variable cv;", "absl::Mutex mu;", "absl::Notification n;", "#include <mutex>",
            '#include "absl/synchronization/mutex.h"',
        ]:
            with self.subTest(line=line):
                for path in ["node/a.h", "client/a.cc", "tests/a_test.cc"]:
                    self.assert_found(path, line + "\n", "quorate::Mutex")
                self.assert_clean("support/a.h", line + "\n")

    def test_our_own_locks_are_fine(self):
        self.assert_clean("node/a.cc", '#include "support/mutex.h"\nMutexLock lock(&mu);\n')


class WordTest(TidyCase):
    def test_leftover_notes_are_named_in_every_kind_of_file(self):
        for word in ["TO" "DO", "FIX" "ME", "X" "XX"]:
            for path in ["node/a.cc", "README.md", "tools/a.py", "proto/a.proto"]:
                self.assert_found(path, f"\n# {word}: later\n", "a leftover note", line=2)
        self.assert_clean("tools/a.py", 'name = "/tmp/trial.XXXXXX"\n')

    def test_disabled_tests_are_named(self):
        self.assert_found("node/a_test.cc", "TEST(A, DIS" "ABLED_B) {}\n", "a disabled test")

    def test_paths_of_a_machine_are_named(self):
        for path in ["/wo" "rk/main/x", "/ro" "ot/.cache", "/ho" "me/anna/x", "cd /ro" "ot"]:
            self.assert_found("README.md", f"see {path}\n", "somebody's machine")
        for path in ["/usr/lib/jvm", "$root/work/x", "doc/work/x", "https://example.org/work/"]:
            self.assert_clean("README.md", f"see {path}\n")


class ShellTest(TidyCase):
    def test_scripts_without_the_safety_line_are_named(self):
        self.assert_found("tools/a.sh", "#!/usr/bin/env bash\necho\n", "goes on after an error")
        self.assert_found("tools/a", "#!/bin/sh\necho\n", "goes on after an error")
        self.assert_clean("tools/a.sh", "#!/usr/bin/env bash\nset -euo pipefail\necho\n")
        self.assert_clean("tools/a.py", "#!/usr/bin/env python3\n")


class SizeTest(TidyCase):
    def test_files_have_limits_by_kind(self):
        for path, limit in [("node/a.h", 200), ("node/a.cc", 500), ("node/a_test.cc", 900), ("tools/a.py", 500)]:
            with self.subTest(path=path):
                self.assert_clean(path, "\n" * limit)
                self.assert_found(path, "\n" * (limit + 1), f"more than {limit}")
        self.assert_clean("README.md", "\n" * 2000)

    def test_long_functions_are_named_at_their_first_line(self):
        def body(lines):
            return "  f();\n" * lines

        self.assert_clean("node/a.cc", f"namespace a {{\n\nint F() {{\n{body(68)}}}\n\n}}\n")
        self.assert_found("node/a.cc", f"namespace a {{\n\nint F() {{\n{body(69)}}}\n\n}}\n", "71 lines", line=3)
        member = f"class A {{\n public:\n  A() : b_(1) {{\n{body(69)}  }}\n}};\n"
        self.assert_found("node/a.h", member, "71 lines", line=3)
        self.assert_found("tools/a.py", "def f():\n" + "    g()\n" * 70, "71 lines", line=1)
        self.assert_found("tools/a.sh", "set -euo pipefail\nf() {\n" + "  g\n" * 69 + "}\n", "71 lines", line=2)

    def test_types_and_tables_are_not_functions(self):
        members = "  int a;\n" * 100
        for head in ["class A", "struct A : public B<C(D)>", "template <typename T> class A", "enum class A",
                     "const std::vector<A> kTable ="]:
            with self.subTest(head=head):
                self.assert_clean("node/a.cc", f"{head} {{\n{members}}};\n")

    def test_functions_are_found_among_what_resembles_them(self):
        text = (
            '#define X(a) {\nnamespace {\nconst char* k = "}{";  // {\nstruct S {\n  int F() const {\n'
            "    if (x) {\n      y();\n    }\n  }\n};\n}  // namespace\ntemplate <class T>\nbool Less(T a)\n"
            "{\n  return 1'000 < a && a != '}';\n}\n"
        )
        self.assertEqual(list(tidy.cpp_functions(text)), [(5, 9), (12, 16)])


class TreeTest(unittest.TestCase):
    def plant(self, root, path, content):
        os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(root, path), "wb") as file:
            file.write(content)

    def test_reads_a_folder_without_git_and_passes_over_what_is_not_text(self):
        with tempfile.TemporaryDirectory() as root:
            self.plant(root, "node/a.cc", b"std::mutex mu;\n")
            self.plant(root, "doc/picture.png", b"\xff\xfe\x00")
            self.plant(root, "tools/broken.py", b"def f(:\n")
            findings, files = tidy.check_tree(root)
            self.assertEqual(files, 3)
            self.assertEqual([(finding.path, finding.line) for finding in findings],
                             [("node/a.cc", 1), ("tools/broken.py", 1)])
            with contextlib.redirect_stdout(io.StringIO()) as output:
                self.assertEqual(tidy.main([root]), 1)
            self.assertIn("2 finding(s) in 3 files", output.getvalue())

    def test_takes_no_flag_for_an_empty_tree(self):
        for arguments, status in ((["--help"], 0), (["--all"], 2), (["/nowhere/at/all"], 2), ([".", "."], 2)):
            with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(output):
                self.assertEqual(tidy.main(arguments), status, arguments)
            self.assertIn("Usage: tidy.py [ROOT]", output.getvalue())

    def test_leaves_alone_what_git_ignores(self):
        with tempfile.TemporaryDirectory() as root:
            if subprocess.run(["git", "init", "-q", root], capture_output=True, check=False).returncode != 0:
                self.skipTest("git is not installed")
            self.plant(root, ".gitignore", b"/results/\n")
            self.plant(root, "results/a.cc", b"std::mutex mu;\n")
            self.plant(root, "node/new.cc", b"std::mutex mu;\n")
            findings, files = tidy.check_tree(root)
            self.assertEqual(files, 2)
            self.assertEqual([finding.path for finding in findings], ["node/new.cc"])


if __name__ == "__main__":
    unittest.main()
