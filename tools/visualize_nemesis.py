#!/usr/bin/env python3
"""Draws runs against faults: availability and latency over time, with the faults as shaded bands.

    bazel run //tests/nemesis -- --strategy=leaderless --seed=1 --length=5m --simulate --output=/tmp/run
    /usr/bin/python3 tools/visualize_nemesis.py --output /tmp/pictures /tmp/run/series.json

Writes for each file NAME.json a picture NAME.png and its numbers, NAME.csv, into the output folder, and prints what it
has written. Where several files have one name, or a picture of another run has it there, the names of the folders that
they are in stand before it, as far as it takes: FOLDER-NAME.png.

Exit status: 0 done; 1 a file was no run (the others are drawn), or the folder cannot be made; 2 wrong usage.
"""

import argparse
import collections
import hashlib
import json
import os
import sys

try:
    from plots import nemesis, style
except ModuleNotFoundError as missing:
    sys.exit(f"visualize_nemesis: {missing.name} is not installed for {sys.executable}: run tools/setup.sh and call this "
             "with /usr/bin/python3, or pip3 install -r requirements.txt")


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="series of runs, as --output of the nemesis or its long test leaves them")
    parser.add_argument("--output", default="visualizations", help="folder for pictures (default: visualizations)")
    return parser.parse_args(arguments)


def possible_names(path):
    """The names that a file's picture may have, the shortest first: ever more of the end of its path."""
    parts = os.path.splitext(os.path.abspath(path))[0].split(os.sep)
    return ["-".join(parts[-length:]) for length in range(1, len(parts) + 1)]


def picture_names(paths):
    """path -> possible names of its picture, without those that it would share with another one."""
    names = {path: possible_names(path) for path in paths}
    while True:
        times = collections.Counter(left[0] for left in names.values())
        shared = [left for left in names.values() if times[left[0]] > 1 and len(left) > 1]
        if not shared:
            return names
        for left in shared:
            del left[0]


def run_id(run):
    """What a picture says of the run that it shows, so that a later call can tell whether it shows another one."""
    return "run " + hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()


def is_free(place, comment):
    """Whether there is no picture yet, or one of the same run."""
    try:
        with open(f"{place}.png", "rb") as file:
            return comment.encode() in file.read()
    except FileNotFoundError:
        return True


def free_place(output, names, comment):
    """Where a picture hides none of another run. Its longest name is a whole path, so what is there is of that file."""
    places = [os.path.join(output, name) for name in names]
    return next((place for place in places if is_free(place, comment)), places[-1])


def draw(path, names, output):
    """Draws the run in a file, and returns where. OSError or NotARun where it cannot be done."""
    run = nemesis.read_run(path)
    comment = run_id(run)
    place = free_place(output, names, comment)
    picture = nemesis.nemesis_picture(os.path.basename(place), run)
    style.to_png(picture.figure, f"{place}.png", picture.caption, comment)
    with open(f"{place}.csv", "w", encoding="utf-8") as file:
        file.write(picture.drawn.as_csv())
    return f"{place}.png"


def main(arguments):
    options = parse_arguments(arguments)
    try:
        os.makedirs(options.output, exist_ok=True)
    except OSError as error:
        print(f"visualize_nemesis: cannot create {options.output}: {error.strerror}", file=sys.stderr)
        return 1
    status = 0
    # One file may be named twice, in different ways.
    paths = list({os.path.abspath(path): path for path in options.files}.values())
    for path, names in picture_names(paths).items():
        try:
            print(draw(path, names, options.output))
        except (OSError, nemesis.NotARun) as error:
            print(f"visualize_nemesis: {path}: {error}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
