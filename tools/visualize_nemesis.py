#!/usr/bin/env python3
"""Draws runs against faults: availability and latency over time, with the faults as shaded bands.

    bazel run //tests/nemesis -- --strategy=leaderless --seed=1 --length=5m --simulate --output=/tmp/run
    /usr/bin/python3 tools/visualize_nemesis.py --output /tmp/pictures /tmp/run/series.json

Writes for each file NAME.json a picture NAME.png and its numbers, NAME.csv, into the output folder. Where several files
have one name, those of the folders that they are in stand before it, as far as it takes: FOLDER-NAME.png.

Exit status: 0 done; 1 a file was no run (the others are drawn); 2 wrong usage.
"""

import argparse
import collections
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


def picture_names(paths):
    """path -> name of its picture: as much of the end of the path as tells it from those of all others."""
    parts = {path: os.path.splitext(os.path.abspath(path))[0].split(os.sep) for path in paths}
    lengths = dict.fromkeys(parts, 1)
    while True:
        names = {path: "-".join(parts[path][-length:]) for path, length in lengths.items()}
        times = collections.Counter(names.values())
        longer = [path for path, name in names.items() if times[name] > 1 and lengths[path] < len(parts[path])]
        if not longer:
            return names
        for path in longer:
            lengths[path] += 1


def main(arguments):
    options = parse_arguments(arguments)
    os.makedirs(options.output, exist_ok=True)
    status = 0
    # One file may be named twice, in different ways.
    paths = list({os.path.abspath(path): path for path in options.files}.values())
    for path, name in picture_names(paths).items():
        try:
            picture = nemesis.nemesis_picture(name, nemesis.read_run(path))
        except (OSError, nemesis.NotARun) as error:
            print(f"visualize_nemesis: {path}: {error}", file=sys.stderr)
            status = 1
            continue
        place = os.path.join(options.output, picture.name)
        style.to_png(picture.figure, f"{place}.png", picture.caption)
        with open(f"{place}.csv", "w", encoding="utf-8") as file:
            file.write(picture.drawn.as_csv())
        print(f"{place}.png")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
