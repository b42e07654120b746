"""Libraries of replicas, and of what is built over them, each in two variants.

    quorate_replication_library(name = "quorum", srcs = ["quorum.cc"], hdrs = ["quorum.h"])

gives :quorum, and :quorum_planted for tests alone: the same sources compiled with QUORATE_PLANTED_BUGS, over the
_planted variants of all dependencies in replication/, node/ and tests/sim/ (see replication/storage/planted_bugs.h).
"""

load("//tools/build_defs:cc.bzl", "quorate_cc_library")

_FOLDERS = [":", "//node:", "//replication", "//tests/sim:"]

def _planted(label):
    for folder in _FOLDERS:
        if label.startswith(folder):
            return label + "_planted"
    return label

def quorate_replication_library(name, deps = [], tags = [], testonly = False, **kwargs):
    """A quorate_cc_library and its _planted variant. Labels within the project must name their target explicitly."""
    quorate_cc_library(name = name, deps = deps, tags = tags, testonly = testonly, **kwargs)
    quorate_cc_library(
        name = name + "_planted",
        testonly = True,
        tags = tags + ["planted"],
        defines = ["QUORATE_PLANTED_BUGS"],
        deps = [_planted(dep) for dep in deps],
        **kwargs
    )
