"""Fuzz targets: programs that feed bytes to code which takes them from outside.

    load("//tools/build_defs:fuzz.bzl", "quorate_fuzz_test")

    quorate_fuzz_test(
        name = "json_body_fuzz",      # json_body_fuzz.cc defines LLVMFuzzerTestOneInput
        corpus = glob(["corpus/json_body/*"]),
        dictionary = "json.dict",
        deps = ["//node:rest_request"],
    )

In most builds that is a test which runs over the files of its corpus. With --config=fuzz it is a program of libFuzzer,
which makes more of them: tools/fuzz.sh runs it.
"""

load("//tools/build_defs:cc.bzl", "quorate_cc_program_test")

def quorate_fuzz_test(name, corpus, deps, dictionary = None, **kwargs):
    """`name`.cc as a fuzz target with the files of `corpus`, of which there must be one, and words in `dictionary`."""
    if not corpus:
        fail("{} has no corpus: a target without one tests nothing".format(name))
    quorate_cc_program_test(
        name = name,
        srcs = [name + ".cc"],
        args = ["$(rootpath {})".format(file) for file in corpus],
        data = corpus + ([dictionary] if dictionary else []),
        linkopts = select({
            "//tests/fuzz:libfuzzer": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        deps = deps + select({
            "//tests/fuzz:libfuzzer": [],
            "//conditions:default": ["//tests/fuzz:replay_main"],
        }),
        **kwargs
    )
