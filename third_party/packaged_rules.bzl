"""Makes rule sets that the system ships as folders available as external repositories."""

def _packaged_rules_impl(repository_ctx):
    for folder in repository_ctx.attr.folders:
        path = repository_ctx.path(folder)
        if path.exists:
            for entry in path.readdir():
                repository_ctx.symlink(entry, entry.basename)
            return
    fail("none of {} exists: run tools/setup.sh, which installs what the build needs".format(
        ", ".join(repository_ctx.attr.folders),
    ))

packaged_rules = repository_rule(
    doc = "The first of `folders` that exists, as a repository. Releases of Debian differ in where they put them.",
    implementation = _packaged_rules_impl,
    attrs = {"folders": attr.string_list(mandatory = True)},
    local = True,
)
