#!/usr/bin/env python3
"""Prints facts about the workspace, one a line: published | features | fuzz-targets | rust-version."""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def packages():
    """The members of the workspace, as cargo metadata describes them."""
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    text = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return json.loads(text)["packages"]


def published():
    """The members that are made to be published: `publish` is not `false`."""
    return [package for package in packages() if package["publish"] is None]


def main():
    match sys.argv[1:]:
        case ["published"]:
            print(*(package["name"] for package in published()), sep="\n")
        case ["features"]:
            for package in published():
                print(package["name"])
                for feature in sorted(set(package["features"]) - {"default"}):
                    print(package["name"], feature)
        case ["fuzz-targets"]:
            print(*sorted(file.stem for file in (ROOT / "fuzz" / "fuzz_targets").glob("*.rs")), sep="\n")
        case ["rust-version"]:
            print(published()[0]["rust_version"])
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
