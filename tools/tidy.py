"""Reads the tree and names what breaks the house rules. Usage: tidy.py [ROOT]

Rules, each with the reason in its message: which folder may depend on which (by includes, imports and BUILD files),
what the deterministic core in replication/ must not use, where locks live, how long files and functions may grow, no
leftover notes, no paths of somebody's machine, and the safety line of shell scripts.

It looks at what git tracks or would track, or at all files where git does not answer. Prints `path:line: message` for
each finding and exits with 1 when there are any, or no file; with 2 where ROOT is no folder.
"""

import ast
import os
import re
import subprocess
import sys
from typing import NamedTuple

# Folder -> folders that it may depend on, besides itself. A folder depends only on what stands to its left.
_ALLOWED = {
    "support": [],
    "proto": ["support"],
    "replication/storage": ["support", "proto"],
    "replication": ["support", "proto", "replication/storage"],
    "node": ["support", "proto", "replication/storage", "replication"],
    "client": ["support", "proto"],
    "loadgen": ["support", "proto", "client"],
    "tools": ["support", "proto", "client"],
    "bench": [
        "support", "proto", "replication/storage", "replication", "node", "client", "loadgen", "tools",
    ],
    "tests": [
        "support", "proto", "replication/storage", "replication", "node", "client", "loadgen", "tools", "bench",
    ],
}

_HEADER_LINES_MAX = 200
_SOURCE_LINES_MAX = 500
_TEST_LINES_MAX = 900
_FUNCTION_LINES_MAX = 70

_CPP_SUFFIXES = (".h", ".cc")
_BUILD_NAMES = ("BUILD.bazel", "BUILD")


class Finding(NamedTuple):
    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


class Ban(NamedTuple):
    """`pattern` is searched in code without comments; strings are kept for includes only."""

    pattern: str
    message: str


_LOCKS = Ban(
    r"\bstd::(?:\w+_)?mutex\b|\bstd::(?:lock_guard|unique_lock|scoped_lock|shared_lock|call_once|condition_variable)\b"
    r"|\babsl::(?:Mutex|CondVar|Notification|BlockingCounter|Barrier)\b"
    r"|#include\s*[<\"](?:mutex|shared_mutex|condition_variable|absl/synchronization/\w+\.h)[>\"]",
    "a lock other than quorate::Mutex (support/mutex.h), which both thread analyses understand",
)

# The core must do the same thing for the same seed: all of these belong behind Env.
_CORE_BANS = [
    Ban(
        r"\b(?:system|steady|high_resolution)_clock\b|\babsl::(?:Now|GetCurrentTimeNanos)\b"
        r"|\b(?:clock_gettime|gettimeofday)\s*\("
        r"|#include\s*[<\"](?:chrono|ctime|time\.h|sys/time\.h|absl/time/clock\.h)[>\"]",
        "a clock in the core: ask Env for the time",
    ),
    Ban(
        r"\b(?:sleep_for|sleep_until|SleepFor|usleep|nanosleep)\b|(?<![\w.>:])sleep\s*\(",
        "a sleep in the core: ask Env for a timer",
    ),
    Ban(
        r"\bstd::(?:j?thread|async|future|promise)\b|\bthread_local\b|\bpthread_\w+"
        r"|#include\s*<(?:thread|future|pthread\.h|semaphore|barrier|latch)>",
        "a thread in the core: it runs on its strand",
    ),
    Ban(
        r"#include\s*\"support/mutex\.h\"|\bMutexLock\b|\bCondVar\b",
        "a lock in the core: it runs on its strand, and locks live in node/, client/ and loadgen/",
    ),
    Ban(
        r"\brandom_device\b|\babsl::(?:Insecure)?BitGen\b|(?<![\w.>])s?rand\s*\(|\b(?:arc4random|getrandom)\w*\s*\(",
        "a random device in the core: ask Env for randomness",
    ),
    Ban(
        r"\bgrpc::|#include\s*[<\"](?:grpc|grpcpp|grpc\+\+)/|#include\s*[<\"][\w/]+\.grpc\.pb\.h[>\"]",
        "gRPC in the core: the same coordinator code runs over gRPC and in the simulator",
    ),
]
_HASH_ORDER = Ban(
    r"\b(?:flat|node)_hash_(?:map|set)\b|\bunordered_(?:multi)?(?:map|set)\b|\babsl::Hash\b",
    "a hash order that differs from run to run: use a btree container",
)
# These look things up by hash and go through nothing in its order.
_HASH_LOOKUPS = re.compile(r"replication/storage/(?:memory_engine\.(?:h|cc)|BUILD\.bazel)$")

_CORE_BANNED_LIBRARIES = re.compile(
    r"^@system//:(?:grpcpp\w*|threads|boost\w*|absl_random_\w+)$|_grpc$"
)
_HASH_LIBRARIES = re.compile(r"^@system//:absl_(?:flat|node)_hash_\w+$")

# Written so that this file does not contain what it looks for.
_LEFTOVERS = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b")
_DISABLED_TEST = re.compile(r"\bDIS" r"ABLED_\w")
_MACHINE_PATHS = re.compile(r"(?<![\w.$})])/(?:wo" r"rk|ro" r"ot|fa" r"rm|ho" r"me/\w+)(?:/|(?=[\"'\s])|$)")

_CPP_TOKENS = re.compile(
    r"""//(?:[^\n\\]|\\.)*
    | /\*.*?\*/
    | R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"
    | "(?:\\.|[^"\\\n])*"
    | (?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'
    """,
    re.VERBOSE | re.DOTALL,
)


# Preprocessor lines and access labels, which would otherwise look like the beginning of what follows them.
_NOT_CODE = re.compile(r"^[ \t]*(?:#(?:[^\n\\]|\\.)*|(?:public|private|protected):)", re.MULTILINE | re.DOTALL)


def _blank(text):
    """Replaces all but line ends by spaces, so that positions stay."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    """C++ or proto source with its comments blanked."""
    return _CPP_TOKENS.sub(lambda token: _blank(token[0]) if token[0].startswith("/") else token[0], text)


def without_comments_and_strings(text):
    return _CPP_TOKENS.sub(lambda token: _blank(token[0]), text)


def _line_of(text, position):
    return text.count("\n", 0, position) + 1


def _banned(path, text, bans):
    code = without_comments_and_strings(text)
    includes = without_comments(text)
    for ban in bans:
        lines = {_line_of(code, match.start()) for match in re.finditer(ban.pattern, code)}
        for match in re.finditer(ban.pattern, includes):
            if match[0].startswith("#include"):
                lines.add(_line_of(includes, match.start()))
        for line in sorted(lines):
            yield Finding(path, line, ban.message)


# --- Folder arrows ---


def folder_of(path):
    """The folder of the arrows that `path` lies in, or None."""
    fitting = [folder for folder in _ALLOWED if path.startswith(folder + "/")]
    return max(fitting, key=len, default=None)


def strategy_of(path):
    """The name of the strategy whose folder `path` lies in, or None."""
    parts = path.split("/")
    if parts[0] == "replication" and len(parts) > 2 and parts[1] != "storage":
        return parts[1]
    return None


def arrow_problem(user, used):
    """Why the file `user` must not depend on the file `used`, or None if it may."""
    user_folder, used_folder = folder_of(user), folder_of(used)
    if user_folder is None or used_folder is None:
        return None
    if used_folder != user_folder and used_folder not in _ALLOWED[user_folder]:
        return f"{user_folder}/ must not depend on {used_folder}/"
    strategy = strategy_of(used)
    if strategy is None or user_folder == "tests" or strategy_of(user) == strategy:
        return None
    if user.startswith("replication/registry") or user == "replication/BUILD.bazel" or user.endswith("_test.cc"):
        return None
    return f"only the registry may name the strategy in replication/{strategy}/"


def check_includes(path, text):
    if not path.endswith(_CPP_SUFFIXES + (".proto",)):
        return
    if folder_of(path) is None:
        yield Finding(path, 1, "source in a folder that has no place in the arrows of tools/tidy.py")
        return
    for match in re.finditer(r'^\s*(?:#include|import(?: public)?)\s*"([^"]+)"', without_comments(text), re.MULTILINE):
        line = _line_of(text, match.start(1))
        if "/" not in match[1]:
            yield Finding(path, line, f'write "{match[1]}" as a path from the top of the tree')
        problem = arrow_problem(path, match[1])
        if problem:
            yield Finding(path, line, problem)


def check_build_file(path, text):
    """The same arrows by the `deps` of BUILD files, whose syntax is Python's."""
    if os.path.basename(path) not in _BUILD_NAMES or path.startswith("third_party/"):
        return
    for keyword in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.keyword)):
        for label in (node for node in ast.walk(keyword.value) if isinstance(node, ast.Constant)):
            if not isinstance(label.value, str):
                continue
            if keyword.arg in ("deps", "implementation_deps"):
                yield from _check_dependency(path, label.lineno, label.value)
            elif label.value == "//visibility:public" and folder_of(path) != "proto":
                yield Finding(path, label.lineno, "public visibility: only proto/ is for everybody; name the folders that may use this")


def _check_dependency(path, line, label):
    if label.startswith("//"):
        package, _, target = label[2:].partition(":")
        problem = arrow_problem(path, f"{package}/{target or 'BUILD.bazel'}")
        if problem:
            yield Finding(path, line, problem)
    banned = _CORE_BANNED_LIBRARIES.search(label) or (_HASH_LIBRARIES.match(label) and not _HASH_LOOKUPS.match(path))
    if path.startswith("replication/") and banned:
        yield Finding(path, line, f"the core must not link {label}")


# --- Bans ---


def check_locks(path, text):
    if path.endswith(_CPP_SUFFIXES) and not path.startswith("support/"):
        yield from _banned(path, text, [_LOCKS])


def check_core(path, text):
    if path.endswith(_CPP_SUFFIXES) and path.startswith("replication/"):
        bans = _CORE_BANS if _HASH_LOOKUPS.match(path) else [*_CORE_BANS, _HASH_ORDER]
        yield from _banned(path, text, bans)


def check_peer_proto(path, text):
    if not re.match(r"proto/peer\w*\.proto$", path):
        return
    code = without_comments(text)
    for match in re.finditer(r"\bmap\s*<", code):
        yield Finding(path, _line_of(code, match.start()), "a map in a peer message: its order on the wire varies")


def check_words(path, text):
    for number, line in enumerate(text.splitlines(), start=1):
        if _LEFTOVERS.search(line):
            yield Finding(path, number, "a leftover note: finish it, or write it down where work is planned")
        if path.endswith(".cc") and _DISABLED_TEST.search(line):
            yield Finding(path, number, "a disabled test: mend it, or skip it with a reason")
        if _MACHINE_PATHS.search(line):
            yield Finding(path, number, "a path of somebody's machine")


def check_shell(path, text):
    if not path.endswith(".sh") and not re.match(r"#!.*\b(?:ba|da)?sh\b", text):
        return
    if not re.search(r"^set -euo pipefail$", text, re.MULTILINE):
        yield Finding(path, 1, "a shell script without `set -euo pipefail` goes on after an error")


# --- Sizes ---


def _is_test(path):
    return re.search(r"_test\.\w+$", path) is not None


def check_file_size(path, text):
    if not path.endswith(_CPP_SUFFIXES + (".py", ".sh", ".bzl")):
        return
    if _is_test(path):
        limit = _TEST_LINES_MAX
    else:
        limit = _HEADER_LINES_MAX if path.endswith(".h") else _SOURCE_LINES_MAX
    lines = len(text.splitlines())
    if lines > limit:
        yield Finding(path, limit + 1, f"{lines} lines, more than {limit}: give a role a file of its own")


def check_function_size(path, text):
    if path.endswith(_CPP_SUFFIXES):
        spans = cpp_functions(text)
    elif path.endswith(".py"):
        spans = _python_functions(text)
    elif path.endswith(".sh"):
        spans = _shell_functions(text)
    else:
        return
    for first, last in spans:
        lines = last - first + 1
        if lines > _FUNCTION_LINES_MAX:
            yield Finding(path, first, f"a function of {lines} lines, more than {_FUNCTION_LINES_MAX}: split it")


def cpp_functions(text):
    """First and last lines of the outermost functions: a heuristic over braces that suits formatted code."""
    code = _NOT_CODE.sub(lambda match: _blank(match[0]), without_comments_and_strings(text))
    opened = []  # for each open brace, the first line of its function, or None for anything else
    head_start = 0
    for match in re.finditer(r"[{};]", code):
        head = code[head_start:match.start()]
        if match[0] == "{":
            inside_function = any(first is not None for first in opened)
            starts_function = not inside_function and _is_function_head(head)
            first_line = _line_of(code, head_start + len(head) - len(head.lstrip()))
            opened.append(first_line if starts_function else None)
        elif match[0] == "}" and opened:
            first = opened.pop()
            if first is not None:
                yield first, _line_of(code, match.start())
        head_start = match.end()


def _is_function_head(head):
    head = head.strip()
    if "(" not in head or head.endswith(("=", "(", ",")):
        return False
    without_templates = head
    while (shorter := re.sub(r"<[^<>]*>", "", without_templates)) != without_templates:
        without_templates = shorter
    is_type = re.match(
        r"(?:template\s*)?(?:inline\s+)?(?:namespace|class|struct|union|enum|extern)\b",
        without_templates,
    )
    return not is_type


def _python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno


def _shell_functions(text):
    first = None
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(r"(?:function\s+)?[\w:-]+\s*\(\)\s*[{(]$", line):
            first = number
        elif line in ("}", ")") and first is not None:
            yield first, number
            first = None


# --- The tree ---

_CHECKS = [
    check_includes,
    check_build_file,
    check_locks,
    check_core,
    check_peer_proto,
    check_words,
    check_shell,
    check_file_size,
    check_function_size,
]


def check_text(path, text):
    """All findings in one file; `path` is relative to the top of the tree."""
    return [finding for check in _CHECKS for finding in check(path, text)]


def files_of(root):
    """Paths relative to `root`: what git tracks or would track, or every file where there is no git."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False,
    )
    if listing.returncode == 0:
        names = listing.stdout.decode().split("\0")
        return sorted({name for name in names if name and os.path.isfile(os.path.join(root, name))})
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git" and not name.startswith("bazel-")]
        found.extend(os.path.relpath(os.path.join(folder, name), root) for name in names)
    return sorted(found)


def check_tree(root):
    """Returns all findings and the number of files looked at. Files that are not text are left alone."""
    findings = []
    paths = files_of(root)
    for path in paths:
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                findings.extend(check_text(path, file.read()))
        except UnicodeDecodeError:
            continue
        except SyntaxError as error:
            findings.append(Finding(path, error.lineno or 1, f"cannot be parsed: {error.msg}"))
    return findings, len(paths)


def main(arguments):
    if arguments in (["-h"], ["--help"]):
        print(__doc__.rstrip())
        return 0
    root = arguments[0] if arguments else os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    if len(arguments) > 1 or not os.path.isdir(root):
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    findings, files = check_tree(root)
    for finding in findings:
        print(finding)
    print(f"tidy: {len(findings)} finding(s) in {files} files")
    return 1 if findings or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
