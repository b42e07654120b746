"""Targets for the libraries that the system provides, as described by pkg-config.

`@system//:NAME` is a cc_library for each entry below. Headers stay where the system has them, in the compiler's own
include path, so warnings in them are not ours; a target carries the defines and the libraries to link.
"""

# Target name -> pkg-config name, for the targets that are named differently.
_RENAMED = {
    "glog": "libglog",
    "grpcpp": "grpc++",
    "tcmalloc": "libtcmalloc_minimal",
    "xxhash": "libxxhash",
}

_PKG_CONFIG = [
    "absl_algorithm_container",
    "absl_any_invocable",
    "absl_base",
    "absl_bind_front",
    "absl_bits",
    "absl_btree",
    "absl_cleanup",
    "absl_config",
    "absl_core_headers",
    "absl_cord",
    "absl_endian",
    "absl_fixed_array",
    "absl_flat_hash_map",
    "absl_flat_hash_set",
    "absl_function_ref",
    "absl_hash",
    "absl_inlined_vector",
    "absl_int128",
    "absl_memory",
    "absl_node_hash_map",
    "absl_numeric",
    "absl_optional",
    "absl_random_bit_gen_ref",
    "absl_random_distributions",
    "absl_random_random",
    "absl_span",
    "absl_status",
    "absl_statusor",
    "absl_str_format",
    "absl_strings",
    "absl_symbolize",
    "absl_synchronization",
    "absl_time",
    "absl_utility",
    "absl_variant",
    "benchmark",
    "gflags",
    "glog",
    "gmock",
    "grpcpp",
    "gtest",
    "gtest_main",
    "nlohmann_json",
    "protobuf",
    "rocksdb",
    "tcmalloc",
    "xxhash",
    "zlib",
]

# Present only where someone installed them; a target that uses one asks for it with select or a tag of its own.
_OPTIONAL_PKG_CONFIG = {
    "prometheus_core": "prometheus-cpp-core",
}

# Libraries without a pkg-config file: what to link, a header that shows the library to be there, other targets needed.
_PLAIN = {
    "boost": struct(header = "boost/asio.hpp", linkopts = [], deps = [":threads"]),
    "boost_beast": struct(header = "boost/beast.hpp", linkopts = [], deps = [":boost"]),
    "grpcpp_reflection": struct(
        header = "grpcpp/ext/proto_server_reflection_plugin.h",
        linkopts = ["-lgrpc++_reflection"],
        deps = [":grpcpp", ":protobuf"],
    ),
    "threads": struct(header = "pthread.h", linkopts = ["-pthread"], deps = []),
}

# Programs that the build runs; each becomes `@system//:NAME`.
_PROGRAMS = ["protoc", "grpc_cpp_plugin", "grpc_python_plugin"]

_HINT = "run tools/setup.sh, which installs what the build needs"

def _require_program(repository_ctx, name):
    path = repository_ctx.which(name)
    if not path:
        fail("{} is not installed: {}".format(name, _HINT))
    return path

def _ask_pkg_config(repository_ctx, pkg_config, package):
    """Returns pkg-config's flags for `package`, or None where it does not know the package."""
    result = repository_ctx.execute([pkg_config, "--cflags", "--libs", package])
    return result.stdout.strip().split(" ") if result.return_code == 0 else None

def _last_occurrences(flags):
    """Drops repeated -l flags, keeping the last of each, which is the one that link order needs."""
    kept = []
    seen = {}
    for flag in reversed(flags):
        if flag.startswith("-l"):
            if flag in seen:
                continue
            seen[flag] = True
        kept.append(flag)
    return reversed(kept)

def _pkg_config_target(repository_ctx, name, flags):
    """Turns pkg-config's flags into the text of a cc_library."""
    defines = []
    includes = []
    linkopts = []
    for flag in flags:
        if flag.startswith("-D"):
            defines.append(flag[2:])
        elif flag.startswith("-I"):
            folder = "include/{}_{}".format(name, len(includes))
            repository_ctx.symlink(flag[2:], folder)
            includes.append(folder)
        elif flag == "-pthread" or flag.startswith("-l") or flag.startswith("-L") or flag.startswith("-Wl,"):
            linkopts.append(flag)
    return _target(name, linkopts = _last_occurrences(linkopts), defines = defines, includes = includes)

def _target(name, linkopts = [], defines = [], includes = [], deps = []):
    headers = "glob({})".format([folder + "/**" for folder in includes]) if includes else "[]"
    return """
cc_library(
    name = "{}",
    hdrs = {},
    defines = {},
    includes = {},
    linkopts = {},
    deps = {},
)
""".format(name, headers, defines, includes, linkopts, deps)

def _header_exists(repository_ctx, header):
    return repository_ctx.path("/usr/include/" + header).exists

def _system_libraries_impl(repository_ctx):
    pkg_config = _require_program(repository_ctx, "pkg-config")
    targets = ['package(default_visibility = ["//visibility:public"])\n']
    missing = []
    for name in _PKG_CONFIG:
        package = _RENAMED.get(name, name)
        flags = _ask_pkg_config(repository_ctx, pkg_config, package)
        if flags == None:
            missing.append(package)
        else:
            targets.append(_pkg_config_target(repository_ctx, name, flags))
    for name, package in _OPTIONAL_PKG_CONFIG.items():
        flags = _ask_pkg_config(repository_ctx, pkg_config, package)
        if flags != None:
            targets.append(_pkg_config_target(repository_ctx, name, flags))
    for name, library in _PLAIN.items():
        if _header_exists(repository_ctx, library.header):
            targets.append(_target(name, linkopts = library.linkopts, deps = library.deps))
        else:
            missing.append(name)
    if missing:
        fail("the system lacks {}: {}".format(", ".join(missing), _HINT))
    for name in _PROGRAMS:
        repository_ctx.symlink(_require_program(repository_ctx, name), name)
    targets.append("\nexports_files({})\n".format(_PROGRAMS))
    repository_ctx.file("BUILD.bazel", "".join(targets))

system_libraries = repository_rule(
    doc = "Declares one cc_library for each library of the system that the project uses, and the code generators.",
    implementation = _system_libraries_impl,
    local = True,
)
