"""C++ rules of the project: the native rules with the project's language version, warnings and checks.

    load("//tools/build_defs:cc.bzl", "quorate_cc_library", "quorate_cc_test")

    quorate_cc_library(
        name = "quorum",
        srcs = ["quorum.cc"],
        hdrs = ["quorum.h"],
        deps = ["@system//:absl_status"],
    )

    quorate_cc_test(
        name = "quorum_test",
        srcs = ["quorum_test.cc"],
        deps = [":quorum"],
    )
"""

LANGUAGE_COPTS = ["-std=c++17"]

_WARNING_COPTS = LANGUAGE_COPTS + [
    "-Wall",
    "-Wextra",
    "-Werror",
]

# layering_check makes it an error to include a header of a target that is not listed in deps; only Clang can tell.
# parse_headers compiles each header by itself where the toolchain knows how.
_FEATURES = [
    "layering_check",
    "parse_headers",
]

def quorate_cc_library(name, copts = [], features = [], **kwargs):
    """A cc_library under the project's warnings. Private unless `visibility` says otherwise."""
    native.cc_library(
        name = name,
        linkstatic = True,
        copts = _WARNING_COPTS + copts,
        features = _FEATURES + features,
        **kwargs
    )

def quorate_cc_binary(name, copts = [], features = [], **kwargs):
    """A cc_binary under the project's warnings, with an allocator that is made for many small objects."""
    native.cc_binary(
        name = name,
        malloc = "//third_party:malloc",
        copts = _WARNING_COPTS + copts,
        features = _FEATURES + features,
        **kwargs
    )

def quorate_cc_test(name, deps = [], copts = [], features = [], size = "small", **kwargs):
    """A GoogleTest program. gtest, gmock and gtest's main are already among its dependencies.

    Tests run in parallel, so a test must not rely on a fixed port or path. Tags that the configurations and .ci/run know:
      no_tsan      links gRPC, into whose packaged build ThreadSanitizer cannot see, or is long and has a single thread;
                   libraries and binaries that link gRPC carry it too
      integration  starts processes of its own
      planted      contains code with errors made on purpose (libraries too)
    """
    native.cc_test(
        name = name,
        size = size,
        copts = _WARNING_COPTS + copts,
        features = _FEATURES + features,
        deps = deps + [
            "@system//:gmock",
            "@system//:gtest",
            "@system//:gtest_main",
        ],
        **kwargs
    )

def quorate_cc_program_test(name, copts = [], features = [], size = "small", **kwargs):
    """A test that brings its own main: it passes when it exits with 0."""
    native.cc_test(
        name = name,
        size = size,
        copts = _WARNING_COPTS + copts,
        features = _FEATURES + features,
        **kwargs
    )
