//! The guide docs/testing.md, run as a reader runs it: its files, with their own test runners.
#![cfg(all(unix, feature = "cli"))]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(clippy::print_stderr, reason = "a test that cannot run says so")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Returns the guide's blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let guide = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/testing.md")).unwrap();
    let fence = format!("```{language}\n");
    guide.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

fn is_there(program: &str) -> bool {
    let is_there =
        Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("NOT RUN: {program} is not installed");
    }
    is_there
}

/// Writes a file into a directory of its own.
fn written(name: &str, text: &str) -> (PathBuf, PathBuf) {
    let directory = std::env::temp_dir().join(format!("kinde-emulator-guide-{}-{name}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join(name);
    fs::write(&file, text).unwrap();
    (directory, file)
}

fn passes(command: &mut Command, directory: &Path, expected: &str) {
    let command = command.env("KINDE_EMULATOR", env!("CARGO_BIN_EXE_kinde-emulator")).current_dir(directory);
    let output = command.output().unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    fs::remove_dir_all(directory).unwrap();
    assert!(output.status.success() && told.contains(expected), "{told}");
}

#[test]
fn node_file_of_the_guide_passes() {
    let blocks = blocks("js");
    assert_eq!(blocks.len(), 1);
    if is_there("node") {
        let (directory, file) = written("app.test.mjs", &blocks[0]);
        passes(Command::new("node").arg("--test").arg(file), &directory, "pass 3");
    }
}

#[test]
fn python_file_of_the_guide_passes() {
    let blocks = blocks("python");
    assert_eq!(blocks.len(), 2);
    if is_there("python3") {
        let (directory, _) = written("test_app.py", &blocks[0]);
        passes(Command::new("python3").args(["-m", "unittest", "test_app"]), &directory, "Ran 3 tests");
    }
}

#[test]
fn pytest_fixture_of_the_guide_gives_an_emulator() {
    let blocks = blocks("python");
    let test = "def test_fixture(kinde):\n    assert kinde.control('mint', person='alice')['token']\n";
    let has_pytest = Command::new("python3").args(["-c", "import pytest"]).output();
    if !has_pytest.is_ok_and(|output| output.status.success()) {
        eprintln!("NOT RUN: pytest is not installed");
        // At least it is Python.
        if is_there("python3") {
            let (directory, file) = written("fixture.py", &blocks[1]);
            passes(Command::new("python3").args(["-m", "py_compile"]).arg(file), &directory, "");
        }
        return;
    }
    let (directory, _) = written("test_fixture.py", &format!("{}\n{}\n{test}", blocks[0], blocks[1]));
    passes(Command::new("python3").args(["-m", "pytest", "-k", "test_fixture"]), &directory, "1 passed");
}
