#!/usr/bin/env python3
"""Fails if a tracked file names something that belongs to one computer: a path of its disk or a registry's host.

The patterns are written so that this file does not match itself.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

FORBIDDEN = {
    "an absolute path of one computer": r"(?<![\w.:/-])/(?:[w]ork|[r]oot|[h]ome/\w+|[U]sers/\w+)/",
    "the host of a package registry": r"crates[.]io(?!-index)|(?:pypi|npmjs|deb)[.](?:org|com)|deb(?:ian)?[.]org",
}
# Cargo writes its registry into the lock file by itself.
EXEMPT = {"Cargo.lock"}


def main():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = 0
    for name in filter(None, tracked.split("\0")):
        path = ROOT / name
        if path.name in EXEMPT or not path.is_file():
            continue
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1):
            for what, pattern in FORBIDDEN.items():
                if re.search(pattern, line):
                    print(f"{name}:{number}: {what}: {line.strip()[:120]}")
                    found += 1
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
