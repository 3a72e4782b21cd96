#!/usr/bin/env python3
"""Lists the public API of each published crate and compares it with docs/public-api/ (requirement K3).

`--write` writes the listing instead. What is public comes from rustdoc's JSON; how it reads comes from the source, up to
the body. An item that stands in our own private module is listed under the path by which users reach it.
"""

import difflib
import json
import os
import pathlib
import re
import subprocess
import sys

import workspace

LISTINGS = workspace.ROOT / "docs" / "public-api"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", workspace.ROOT / "target"))


def write_json():
    """Documents the workspace's libraries as JSON, in a folder of its own beside the pages."""
    command = ["cargo", "doc", "--quiet", "--locked", "--workspace", "--lib", "--no-deps", "--all-features"]
    wrapper = workspace.ROOT / "scripts" / "rustdoc-json"
    environment = os.environ | {"RUSTDOC": str(wrapper), "RUSTDOCFLAGS": "--cfg public_api_listing"}
    subprocess.run(command, cwd=workspace.ROOT, env=environment, check=True)


class Listing:
    """The public items of one crate."""

    def __init__(self, crate):
        self.document = json.loads((TARGET / "doc" / f"{crate}.json").read_text())
        self.index = self.document["index"]
        self.lines = set()
        self.module(self.item(self.document["root"]), crate)

    def item(self, identifier):
        return self.index.get(str(identifier))

    def module(self, module, path):
        for child in module["inner"]["module"]["items"]:
            self.visit(self.item(child), path)

    def visit(self, item, path, name=None):
        if item is None or item["visibility"] != "public" and "variant" not in item["inner"]:
            return
        (kind, inner), = item["inner"].items()
        here = f"{path}::{name or item['name']}"
        if kind == "use":
            self.reexport(inner, path)
        elif kind == "module":
            self.lines.add(f"{here}: mod")
            self.module(item, here)
        else:
            self.lines.add(f"{here}: {signature(item)}")
            self.parts(kind, inner, here)

    def reexport(self, use, path):
        target = self.item(use["id"])
        if target is None or use["is_glob"] and "module" not in target["inner"]:
            self.lines.add(f"{path}::{use['name']}: use {use['source']}")
        elif use["is_glob"]:
            self.module(target, path)
        else:
            self.visit(target, path, use["name"])

    def parts(self, kind, inner, here):
        """Fields, variants, methods and trait implementations of a type or trait."""
        if kind == "trait":
            for child in map(self.item, inner["items"]):
                self.lines.add(f"{here}::{child['name']}: {signature(child)}")
        for child in map(self.item, fields(kind, inner)):
            if child is not None and child["visibility"] == "public":
                self.lines.add(f"{here}.{child['name']}: {signature(child)}")
        for child in map(self.item, inner.get("variants", []) if kind == "enum" else []):
            self.lines.add(f"{here}::{child['name']}: {signature(child)}")
        for block in map(self.item, inner.get("impls", []) if isinstance(inner, dict) else []):
            if block is not None:
                self.implementation(block, here)

    def implementation(self, block, here):
        inner = block["inner"]["impl"]
        if inner["is_synthetic"] or inner["blanket_impl"] is not None:
            return
        if inner["trait"] is not None:
            self.lines.add(f"{here}: impl {inner['trait']['path']}{arguments(inner['trait']['args'])}")
            return
        for child in map(self.item, inner["items"]):
            if child is not None and child["visibility"] == "public":
                self.lines.add(f"{here}::{child['name']}: {signature(child)}")


def fields(kind, inner):
    """The identifiers of a struct's fields."""
    if kind != "struct" or inner["kind"] == "unit":
        return []
    shape = inner["kind"]
    return shape["plain"]["fields"] if "plain" in shape else [field for field in shape["tuple"] if field is not None]


def arguments(args):
    """The names in a trait's arguments: enough to tell `From<A>` from `From<B>`."""
    names = re.findall(r'"(?:path|primitive|generic)": "([^"]+)"', json.dumps(args))
    return f"<{', '.join(names)}>" if names else ""


def signature(item):
    """The item's source up to its body, on one line."""
    span = item["span"]
    (kind, inner), = item["inner"].items()
    if span is None or kind == "macro":
        return kind
    lines = (workspace.ROOT / span["filename"]).read_text().splitlines()[span["begin"][0] - 1:span["end"][0]]
    lines = [line.strip() for line in lines]
    code = [line for line in lines if line and not line.startswith(("//", "#["))]
    text = re.sub(r"\s+", " ", " ".join(code))
    if "non_exhaustive" in json.dumps(item["attrs"]):
        text = f"#[non_exhaustive] {text}"
    if kind == "variant":
        return text.rstrip(",")
    if kind == "struct" and isinstance(inner["kind"], dict) and "tuple" in inner["kind"]:
        return text.split("(")[0]
    text = re.split(r" ?\{|;", text)[0].strip().rstrip(",")
    return text.split(" = ")[0] if kind in ("constant", "static", "assoc_const") else text


def main():
    write = sys.argv[1:] == ["--write"]
    write_json()
    LISTINGS.mkdir(parents=True, exist_ok=True)
    differs = False
    for package in workspace.published():
        listing = Listing(package["name"].replace("-", "_"))
        now = "".join(f"{line}\n" for line in sorted(listing.lines))
        file = LISTINGS / f"{package['name']}.txt"
        before = file.read_text() if file.exists() else ""
        if write:
            file.write_text(now)
        else:
            names = (f"docs/public-api/{file.name}", "the sources")
            difference = list(difflib.unified_diff(before.splitlines(), now.splitlines(), *names, n=0, lineterm=""))
            print(*difference, sep="\n", end="\n" if difference else "")
            differs |= bool(difference)
        print(f"{package['name']}: {len(listing.lines)} public items")
    if differs:
        sys.exit("the public API changed: review it, then python3 scripts/public_api.py --write")


if __name__ == "__main__":
    main()
