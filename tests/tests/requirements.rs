//! The requirement trace: every rule of docs/requirements.md has a test or a step of `./check`, or says that it has none.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// Rules whose letters belong to a crate that may not exist yet.
const RULES_OF_LATER_CRATES: &[(char, &str)] = &[('F', "kinde-login"), ('G', "kinde-login")];

#[test]
fn every_requirement_has_a_test_a_check_step_or_stands_under_pending() {
    let document = Document::read();
    let tests = tests_by_requirement();
    let mut problems = Vec::new();
    for (id, rule) in &document.rules {
        let is_covered = tests.contains_key(id) || !rule.steps.is_empty();
        let is_pending = document.pending.contains_key(id);
        if !is_covered && !is_pending && !is_of_a_later_crate(id) {
            problems.push(format!("{id} has no test: {}", rule.sentence));
        }
        if is_covered && is_pending {
            problems.push(format!("{id} is covered and must leave the pending list"));
        }
    }
    problems.extend(
        document
            .pending
            .keys()
            .filter(|id| !document.rules.contains_key(*id))
            .map(|id| format!("the pending list names {id}, which is no requirement")),
    );
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
    println!("{}", trace(&document, &tests));
}

#[test]
fn no_test_covers_a_requirement_that_does_not_exist() {
    let document = Document::read();
    let unknown: Vec<_> = tests_by_requirement()
        .into_iter()
        .filter(|(id, _)| !document.rules.contains_key(id))
        .map(|(id, tests)| format!("{id}: {}", tests.join(", ")))
        .collect();
    assert!(unknown.is_empty(), "\n{}\n", unknown.join("\n"));
}

#[test]
fn requirements_name_only_steps_that_exist() {
    let check = fs::read_to_string(root().join("check")).unwrap();
    for (id, rule) in Document::read().rules {
        for step in rule.steps {
            assert!(check.contains(&format!("\nstep_{step}() ")), "{id} names the step {step}");
        }
    }
}

#[test]
fn requirements_are_complete_and_in_order() {
    let numbers = |letter: char| {
        let mut numbers: Vec<u32> =
            Document::read().rules.keys().filter(|id| id.letter == letter).map(|id| id.number).collect();
        numbers.sort_unstable();
        numbers
    };
    for (letter, last) in "ABCDEFGHIJK".chars().zip([12, 19, 8, 5, 7, 18, 10, 10, 6, 9, 10]) {
        assert_eq!(numbers(letter), (1..=last).collect::<Vec<_>>(), "the rules of {letter}");
    }
}

/// covers: K9
#[test]
fn security_policy_has_promises_non_promises_versions_and_disclosure() {
    let policy = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    for heading in ["Reporting", "Supported versions", "What is promised", "What is not promised"] {
        assert!(policy.contains(&format!("\n## {heading}")), "SECURITY.md has no section {heading}");
    }
}

/// The identifier of a rule, ordered as a reader expects: A2 before A10.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    letter: char,
    number: u32,
}

impl Id {
    fn parse(text: &str) -> Option<Self> {
        let letter = text.chars().next().filter(char::is_ascii_uppercase)?;
        let number = text.get(1..)?.parse().ok()?;
        Some(Self { letter, number })
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(&format!("{}{}", self.letter, self.number))
    }
}

struct Rule {
    sentence: String,
    steps: Vec<String>,
}

/// docs/requirements.md: rules, and what is not traced yet with the reason.
struct Document {
    rules: BTreeMap<Id, Rule>,
    pending: BTreeMap<Id, String>,
}

impl Document {
    fn read() -> Self {
        let text = fs::read_to_string(root().join("docs/requirements.md")).unwrap();
        let (rules, pending) = text.split_once("\n## Pending\n").unwrap();
        let mut document = Self { rules: BTreeMap::new(), pending: BTreeMap::new() };
        for (id, text) in rules.lines().filter_map(entry) {
            let (sentence, steps) = match text.split_once(" (check: ") {
                Some((sentence, steps)) => (sentence, steps.strip_suffix(')').unwrap()),
                None => (text, ""),
            };
            let steps = steps.split_whitespace().map(str::to_owned).collect();
            let earlier = document.rules.insert(id, Rule { sentence: sentence.to_owned(), steps });
            assert!(earlier.is_none(), "{id} is listed twice");
        }
        for (id, reason) in pending.lines().filter_map(entry) {
            document.pending.insert(id, reason.to_owned());
        }
        document
    }
}

/// Reads `- A6 text`.
fn entry(line: &str) -> Option<(Id, &str)> {
    let (id, text) = line.strip_prefix("- ")?.split_once(' ')?;
    Some((Id::parse(id)?, text))
}

fn is_of_a_later_crate(id: &Id) -> bool {
    RULES_OF_LATER_CRATES.iter().any(|(letter, folder)| *letter == id.letter && !root().join(folder).exists())
}

/// The tests whose documentation comment says `covers:` with the rule.
fn tests_by_requirement() -> BTreeMap<Id, Vec<String>> {
    let mut tests: BTreeMap<Id, Vec<String>> = BTreeMap::new();
    let root = root();
    for file in rust_files(&root) {
        let source = fs::read_to_string(&file).unwrap();
        let lines: Vec<_> = source.lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate() {
            let Some(ids) = line.strip_prefix("/// covers: ") else { continue };
            let place = file.strip_prefix(&root).unwrap().display();
            let name = lines[index..].iter().find_map(|line| function_name(line));
            let name = name.unwrap_or_else(|| panic!("{place}: no test follows line {}", index + 1));
            for id in ids.split([' ', ',']).filter(|id| !id.is_empty()) {
                let id = Id::parse(id).unwrap_or_else(|| panic!("{place}:{}: `{id}` is no rule", index + 1));
                tests.entry(id).or_default().push(format!("{place} {name}"));
            }
        }
    }
    tests
}

fn function_name(line: &str) -> Option<&str> {
    let after = line.strip_prefix("fn ").or_else(|| line.split_once(" fn ").map(|(_, after)| after))?;
    let is_code = !line.starts_with("//");
    after.split(['(', '<']).next().filter(|_| is_code)
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let is_built = path.file_name().is_some_and(|name| name == "target" || name == ".git");
            if path.is_dir() && !is_built {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn trace(document: &Document, tests: &BTreeMap<Id, Vec<String>>) -> String {
    let mut text = String::new();
    let mut covered = BTreeSet::new();
    for (id, rule) in &document.rules {
        writeln!(text, "{id:4} {}", rule.sentence).unwrap();
        for test in tests.get(id).into_iter().flatten() {
            writeln!(text, "     {test}").unwrap();
            covered.insert(id);
        }
        for step in &rule.steps {
            writeln!(text, "     ./check {step}").unwrap();
            covered.insert(id);
        }
        if let Some(reason) = document.pending.get(id) {
            writeln!(text, "     PENDING: {reason}").unwrap();
        } else if !covered.contains(id) {
            writeln!(text, "     its crate does not exist yet").unwrap();
        }
    }
    let is_later = |id: &&Id| is_of_a_later_crate(id) && !covered.contains(id);
    let later = document.rules.keys().filter(is_later).count();
    let (all, pending) = (document.rules.len(), document.pending.len());
    writeln!(
        text,
        "{all} rules: {} covered, {pending} pending, {later} of crates that do not exist yet",
        covered.len()
    )
    .unwrap();
    text
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
