//! docs/errors.md and the codes in the sources: each has a section, and each section a code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use kinde_core::AuthErrorKind;

use crate::{requests, webhooks};

#[test]
fn every_code_has_a_section_and_every_section_a_code() {
    let sections: BTreeSet<_> = sections().into_keys().collect();
    let mut codes = codes_of_reasons();
    codes.extend(codes_of_problems());
    codes.extend(codes_of_webhooks());
    codes.extend(codes_of_logins());
    codes.extend(codes_of_events());
    let without_section: Vec<_> = codes.difference(&sections).collect();
    let without_code: Vec<_> = sections.difference(&codes).collect();
    assert!(without_section.is_empty() && without_code.is_empty(), "{without_section:?} {without_code:?}");
}

#[tokio::test]
async fn sections_say_what_happened_the_answer_the_fix_and_where_to_read_on() {
    let sections = sections();
    for (code, text) in &sections {
        for part in ["What happened", "Answer", "Fix", "See"] {
            assert_eq!(text.matches(&format!("- **{part}:** ")).count(), 1, "{part} of {code}");
        }
    }
    for (code, kind, _) in requests::provoked().await {
        let answer = answer_of(&sections[code]);
        let status = match kind {
            AuthErrorKind::CredentialMissing => "401, challenge without an error code",
            AuthErrorKind::InvalidRequest => "400 `invalid_request`",
            AuthErrorKind::InvalidToken => "401 `invalid_token`",
            AuthErrorKind::InsufficientScope => "403 `insufficient_scope`",
            AuthErrorKind::KeysUnavailable => "503 with `Retry-After`, no challenge",
            AuthErrorKind::Misconfigured => "500, no challenge",
        };
        assert!(answer.contains(status), "{code}: {answer}");
    }
    for (code, kind, _) in webhooks::provoked().await {
        let (answer, status) = (answer_of(&sections[code]), webhooks::answer(kind));
        assert!(answer.starts_with(status), "{code}: {answer}");
        assert!(answer.contains("Kinde"), "{code} does not say what Kinde does next: {answer}");
    }
}

/// What every section says under *Answer*, by code.
pub(crate) fn answers() -> BTreeMap<String, String> {
    sections().into_iter().map(|(code, text)| (code, answer_of(&text))).collect()
}

/// What a section says under *Answer*, on one line.
fn answer_of(section: &str) -> String {
    let answer = section.split("- **Answer:** ").nth(1).unwrap().split("- **Fix:**").next().unwrap();
    answer.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn links_of_the_document_lead_somewhere() {
    let document = document();
    let (defined, used): (Vec<_>, Vec<_>) = document
        .match_indices('[')
        .filter_map(|(at, _)| document[at + 1..].split_once(']'))
        .filter(|(name, rest)| rest.starts_with(": https://") || document.contains(&format!("][{name}]")))
        .map(|(name, rest)| (name.to_owned(), rest.starts_with(':')))
        .partition(|(_, is_definition)| *is_definition);
    let names = |list: Vec<(String, bool)>| list.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    assert!(!defined.is_empty());
    assert_eq!(names(defined), names(used));
}

/// The sections of docs/errors.md by their code.
fn sections() -> BTreeMap<String, String> {
    let document = document();
    let sections = document.split("\n### ").skip(1);
    let named = sections.map(|section| section.split_once('\n').unwrap());
    let mut found = BTreeMap::new();
    for (code, text) in named {
        assert!(found.insert(code.to_owned(), text.to_owned()).is_none(), "{code} has two sections");
    }
    found
}

fn document() -> String {
    fs::read_to_string(root().join("docs/errors.md")).unwrap()
}

/// The codes in the one table of `AuthReason`.
pub(crate) fn codes_of_reasons() -> BTreeSet<String> {
    let source = library_source("kinde-core/src/error.rs");
    let table = source.split_once("fn row(").unwrap().1;
    texts(table)
        .into_iter()
        .filter(|(before, text)| before.ends_with('(') && is_code(text))
        .map(|row| row.1)
        .collect()
}

/// The first argument of each `ConfigProblem`, and whatever is named like the codes that are passed on.
pub(crate) fn codes_of_problems() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    let folders = ["kinde-core/src", "kinde-webhook/src", "kinde-login/src"];
    for file in folders.map(|folder| rust_files(&root().join(folder))).concat() {
        let source = library_source(&file);
        for (before, text) in texts(&source) {
            let is_first = ["ConfigProblem::new(", "self.problem("].iter().any(|call| before.ends_with(call));
            let is_passed_on = ["env_", "jwks_", "http_client_"].iter().any(|start| text.starts_with(start));
            if is_code(&text) && (is_first || is_passed_on) {
                codes.insert(text);
            }
        }
    }
    codes.remove("jwks_uri");
    codes
}

/// The codes of `WebhookError::code` that are not those of the token in it.
pub(crate) fn codes_of_webhooks() -> BTreeSet<String> {
    let source = library_source("kinde-webhook/src/error.rs");
    let table = source.split_once("pub fn code(").unwrap().1.split("pub fn ").next().unwrap();
    let rows = texts(table).into_iter().filter(|(before, _)| before.ends_with("=> "));
    rows.map(|(_, text)| text).collect()
}

/// The codes of `LoginReason`; the source has `code` of the error first, which asks the reason.
pub(crate) fn codes_of_logins() -> BTreeSet<String> {
    let source = library_source("kinde-login/src/error.rs");
    let table = source.rsplit_once("pub fn code(").unwrap().1.split("fn fix(").next().unwrap();
    let rows = texts(table).into_iter().filter(|(before, _)| before.ends_with("=> "));
    rows.map(|(_, text)| text).collect()
}

/// The codes that are logged beside those of refusals.
fn codes_of_events() -> BTreeSet<String> {
    let folders = ["kinde-tower/src", "kinde-webhook/src", "kinde-login/src"]
        .map(|folder| rust_files(&root().join(folder)));
    let sources = folders.concat().into_iter().map(library_source);
    let texts = sources.flat_map(|source| texts(&source));
    texts.filter(|(before, _)| before.ends_with("code = ")).map(|(_, text)| text).collect()
}

/// Every text literal with what stands before it, white space left out.
fn texts(source: &str) -> Vec<(String, String)> {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: Vec<_> = lines.map(str::trim).collect();
    let code = code.join(" ").replace("( ", "(");
    let mut parts = code.split('"');
    let mut before = parts.next().unwrap_or_default().to_owned();
    let mut texts = Vec::new();
    while let (Some(text), Some(after)) = (parts.next(), parts.next()) {
        texts.push((before, text.to_owned()));
        before = after.to_owned();
    }
    texts
}

fn is_code(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// A source file without its tests and without escaped quotes, which are in no code.
fn library_source(path: impl AsRef<Path>) -> String {
    let source = fs::read_to_string(root().join(path)).unwrap();
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.replace("\\\"", "").replace("'\"'", "")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
