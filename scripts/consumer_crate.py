#!/usr/bin/env python3
"""Builds a crate outside the workspace from the packaged crates, with the README's programs as its only sources.

The programs are the ```rust blocks of README.md that have a `main`, byte for byte. Their dependencies are the ```toml block
of the README that holds `[dependencies]`, if there is one, else DEPENDENCIES below.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

import workspace

DEPENDENCIES = """\
[dependencies]
axum = "0.8"
kinde-axum = "{version}"
tokio = {{ version = "1", features = ["full"] }}
"""


def blocks(text, language, holding):
    """The fenced blocks of this language that hold a text."""
    found = re.findall(rf"^```{language}[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [body for body in found if holding in body]


def packaged(into):
    """Packages every published crate and unpacks it; returns name -> folder."""
    members = workspace.published()
    chosen = [option for member in members for option in ("-p", member["name"])]
    command = ["cargo", "package", "--quiet", "--locked", "--allow-dirty", "--no-verify", *chosen]
    subprocess.run(command, cwd=workspace.ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", workspace.ROOT / "target"))
    folders = {}
    for member in members:
        stem = f"{member['name']}-{member['version']}"
        with tarfile.open(target / "package" / f"{stem}.crate") as archive:
            archive.extractall(into, filter="data")
        folders[member["name"]] = into / stem
    return folders


def dependencies(readme, version, folders):
    """The README's own lines for installing, with places of our crates replaced by their versions."""
    written = blocks(readme, "toml", "[dependencies]")
    if not written:
        return DEPENDENCIES.format(version=version)
    text = written[0][written[0].index("[dependencies]"):]
    for name in folders:
        text = re.sub(rf"(?m)^({name} *= *\{{.*?)\b(?:git|path) *= *\"[^\"]*\"", rf'\1version = "{version}"', text)
        text = re.sub(rf"(?m)^({name}\b.*?), *(?:tag|rev|branch) *= *\"[^\"]*\"", r"\1", text)
    return text


def main():
    readme = (workspace.ROOT / "README.md").read_text()
    programs = blocks(readme, "rust", "fn main()")
    if not programs:
        sys.exit("README.md has no ```rust block with a main")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        folders = packaged(scratch)
        version = workspace.published()[0]["version"]
        consumer = scratch / "consumer"
        (consumer / "src" / "bin").mkdir(parents=True)
        for number, program in enumerate(programs, 1):
            (consumer / "src" / "bin" / f"program{number}.rs").write_text(program)
        patches = "".join(f'{name} = {{ path = "{folder}" }}\n' for name, folder in folders.items())
        (consumer / "Cargo.toml").write_text(
            '[package]\nname = "consumer"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n'
            f"{dependencies(readme, version, folders)}\n[patch.crates-io]\n{patches}"
            '\n[profile.dev.package."*"]\ndebug = false\n'
        )
        # The same versions as everywhere, so that what is built can be used again.
        shutil.copy(workspace.ROOT / "Cargo.lock", consumer / "Cargo.lock")
        subprocess.run(["cargo", "check", "--quiet"], cwd=consumer, check=True)
    lines = sum(program.count("\n") for program in programs)
    print(f"{len(programs)} programs of README.md, {lines} lines, compile against {', '.join(folders)}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, error.cmd))}: exit {error.returncode}")
