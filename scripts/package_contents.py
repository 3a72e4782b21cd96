#!/usr/bin/env python3
"""Reviews what each published crate would ship (requirement K10): no keys, fixtures or local files."""

import pathlib
import re
import subprocess
import sys

import workspace

# What a package may hold; anything else is a finding.
ALLOWED = re.compile(
    r"""^(?:
        Cargo\.toml(?:\.orig)? | Cargo\.lock | \.cargo_vcs_info\.json | README\.md | CHANGELOG\.md | LICENSE-(?:MIT|APACHE)
        | src/.+\.rs | (?:tests|examples|benches)/.+\.rs | docs/.+\.md | src/.+\.md
    )$""",
    re.VERBOSE,
)
# The emulator's development keys are published on purpose: kinde-core refuses them for any issuer that is not loopback.
ALSO_ALLOWED = {
    "kinde-emulator": re.compile(r"^src/(?:development_key(?:_\d)?|stranger_key)\.pem$|^(?:src|schema|tests)/.+\.(?:json|toml|css|html)$"),
    "kinde-axum": re.compile(r"^tests/.+\.stderr$"),
    "kinde-login": re.compile(r"^migrations/\d{4}_\w+\.sql$"),
    "kinde-webhook": re.compile(r"^migrations/\d{4}_\w+\.sql$"),
}
SECRET = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----[\\rn\s]*[A-Za-z0-9+/]{40}")
# Every one of these must be there.
REQUIRED = {"Cargo.toml", "README.md", "src/lib.rs"}


def main():
    problems = []
    for package in workspace.published():
        name = package["name"]
        folder = pathlib.Path(package["manifest_path"]).parent
        command = ["cargo", "package", "--locked", "--allow-dirty", "--list", "-p", name]
        listed = subprocess.run(command, cwd=workspace.ROOT, check=True, capture_output=True, text=True).stdout.split()
        also = ALSO_ALLOWED.get(name)
        for file in listed:
            expected = also is not None and also.match(file)
            if not ALLOWED.match(file) and not expected:
                problems.append(f"{name}: {file} should not be in the package")
            if (folder / file).is_file() and not expected and SECRET.search((folder / file).read_bytes()):
                problems.append(f"{name}: {file} holds a private key")
        problems += [f"{name}: {file} is missing from the package" for file in sorted(REQUIRED - set(listed))]
        print(f"{name}: {len(listed)} files")
    print(*problems, sep="\n")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
