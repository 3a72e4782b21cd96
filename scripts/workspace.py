#!/usr/bin/env python3
"""Prints facts about the workspace, one a line.

published | features | fuzz-targets | rust-version
newer-packages: folders of members that need a newer Rust than the published crates
minimum-selection: options that select what the minimum Rust version must build
too-new-for-minimum: locked dependencies that need a newer Rust
"""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Features that need a newer Rust than their crate without them, as the documentation of each says.
NEWER_FEATURES = {"kinde-login": {"postgres"}, "kinde-webhook": {"postgres", "sqlite"}}
# Not for users; it turns every feature on.
TESTS = "kinde-tests"


def packages(*options):
    """What cargo metadata describes: by default the members of the workspace."""
    command = ["cargo", "metadata", "--format-version", "1", *(options or ("--locked", "--no-deps"))]
    text = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return json.loads(text)["packages"]


def published():
    """The members that are made to be published: `publish` is not `false`."""
    return [package for package in packages() if package["publish"] is None]


def needs(package):
    """The Rust version that a package asks for, in an order."""
    return tuple(int(part) for part in (package["rust_version"] or "0").split("."))[:2]


def minimum_selection():
    """Members that the minimum Rust version builds, with their features but for those that need more."""
    minimum = needs(published()[0])
    chosen = [package for package in packages() if needs(package) <= minimum and package["name"] != TESTS]
    for package in chosen:
        yield f"-p {package['name']}"
        for feature in sorted(set(package["features"]) - NEWER_FEATURES.get(package["name"], set())):
            yield f"-F {package['name']}/{feature}"


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
        case ["newer-packages"]:
            folders = (pathlib.Path(p["manifest_path"]).parent for p in packages() if needs(p) > needs(published()[0]))
            print(*(folder.relative_to(ROOT) for folder in folders), sep="\n")
        case ["minimum-selection"]:
            print(*minimum_selection(), sep="\n")
        case ["too-new-for-minimum"]:
            # Not --locked: dependencies of members that were taken out leave the lock file with this.
            everything = packages("--all-features")
            minimum = needs(next(package for package in everything if package["name"] == "kinde-core"))
            found = (p for p in everything if p["source"] and needs(p) > minimum)
            print(*(f"{package['name']}@{package['version']}" for package in found), sep="\n")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
