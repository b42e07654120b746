"""Whether a result file is of the run that is asked for. It needs no other module, so that any Python can tell.

Usage: as_asked.py FILE --qps N --num_keys N --duration SECONDS --read_target T [--emulate DELAYS]

Exit status: 0 it is; 1 it is not, and the text on standard output says why; 2 wrong usage.
"""

import argparse
import json
import sys

# Those of a run that was measured to its end: valid or shared, and void.
_FINISHED = (0, 3)
# Phases begin and end at whole seconds of the schedule, but for the time that a thread takes to notice.
_SECONDS_TOLERANCE = 0.5


def parse_arguments(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--qps", type=int, required=True)
    parser.add_argument("--num_keys", type=int, required=True)
    parser.add_argument("--duration", type=int, required=True)
    parser.add_argument("--read_target", required=True)
    parser.add_argument("--emulate", default="")
    return parser.parse_args(arguments)


def measured_seconds(run):
    """The length of the phases that count, of which merged runs may have several; None where the file does not tell."""
    lengths = [phase["end"] - phase["start"] for phase in run["phases"] if phase["name"] == "measure"]
    return sum(lengths) if lengths else None


def difference(result, asked):
    """Why a result is not the one that is asked for; "" where it is."""
    run, exit_code = result["run"], result["verdict"]["exit_code"]
    if exit_code not in _FINISHED:
        return f"its run ended with exit status {exit_code}"
    seconds = measured_seconds(run)
    if seconds is None or abs(seconds - asked.duration) > _SECONDS_TOLERANCE:
        return f"it was measured for {'an unknown time' if seconds is None else f'{seconds:.4g} s'}"
    for name, found, wanted in (
        ("qps", run["workload"]["qps"], asked.qps), ("num_keys", run["workload"]["num_keys"], asked.num_keys),
        ("read_target", run["workload"]["read_target"], asked.read_target),
        ("emulate", run["cluster"]["emulate"], asked.emulate),
    ):
        if found != wanted:
            return f"its {name} is {found!r}"
    return ""


def main(arguments):
    asked = parse_arguments(arguments)
    try:
        with open(asked.file, encoding="utf-8") as file:
            reason = difference(json.load(file), asked)
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        reason = "it does not tell how it was made"
    if reason:
        print(reason)
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
