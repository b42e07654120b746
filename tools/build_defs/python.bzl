"""Tests written in Python, run by the system's python3.

    load("//tools/build_defs:python.bzl", "quorate_py_test")

    quorate_py_test(
        name = "tidy_test",
        main = "tidy_test.py",
        data = ["tidy.py"],
    )
"""

def quorate_py_test(name, main, data = [], args = [], size = "small", **kwargs):
    """Runs `main` as a test. It may import modules from its own folder and files under `data`.

    A test of the shell underneath, since Bazel's own Python rules want a program called `python`, which Debian lacks.
    """
    native.sh_test(
        name = name,
        size = size,
        srcs = ["//tools/build_defs:run_python.sh"],
        args = ["$(rootpath {})".format(main)] + args,
        data = [main] + data,
        **kwargs
    )
