//! The rules between crates: who may depend on whom, what every manifest says, how files are named and how long they are.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The import table of docs/architecture.md: a published crate, the siblings it may use, what it must never see.
///
/// Dev-dependencies are free: an example in a doc comment may use what the library may not.
const IMPORT_TABLE: &[(&str, &[&str], &[&str])] = &[
    (
        "kinde-core",
        &[],
        &["tower", "tower-layer", "tower-service", "tower-http", "axum", "axum-core", "cookie"],
    ),
    ("kinde-tower", &["kinde-core"], &["axum", "axum-core", "reqwest"]),
    ("kinde-axum", &["kinde-core", "kinde-tower", "kinde-webhook", "kinde-login"], &["axum", "reqwest"]),
    ("kinde-webhook", &["kinde-core"], &["axum", "kinde-tower"]),
    ("kinde-login", &["kinde-core"], &["axum", "kinde-tower"]),
    ("kinde-emulator", &[], &[]),
];

/// Names that say nothing about what is inside.
const MODULE_NAMES_WITHOUT_MEANING: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "misc", "types", "manager"];

/// Crates whose types must not be part of our public API, as they are written in Rust.
const PRIVATE_DEPENDENCIES: &[&str] = &[
    "reqwest",
    "moka",
    "jsonwebtoken",
    "aws_lc_rs",
    "arc_swap",
    "redis",
    "sqlx",
    "base64",
    "serde_json",
    "foldhash",
];

/// The only public signatures that may name one of [`PRIVATE_DEPENDENCIES`]: they take the user's own client or pool,
/// or give the connection of a transaction in which the user's handler writes (docs/decisions/0009-inbox-stores.md).
const ALLOWED_SIGNATURES: &[(&str, &str)] = &[
    ("kinde-core/src/http_client.rs", "pub fn with_reqwest(client: reqwest::Client) -> Self {"),
    ("kinde-login/src/session/postgres.rs", "pub fn new(pool: sqlx::PgPool) -> Self {"),
    // Modules of ours that are called as the client is.
    ("kinde-login/src/session/mod.rs", "pub use self::redis::RedisStore;"),
    ("kinde-webhook/src/inbox/mod.rs", "pub use self::redis::RedisInbox;"),
    ("kinde-webhook/src/inbox/postgres.rs", "pub fn new(pool: sqlx::PgPool) -> Self {"),
    (
        "kinde-webhook/src/inbox/postgres.rs",
        "pub async fn confirm_in(&self, lease: &Lease, joined: &mut sqlx::PgConnection) -> Result<(), InboxError> {",
    ),
    (
        "kinde-webhook/src/inbox/postgres/joined.rs",
        "pub fn connection(&mut self) -> &mut sqlx::PgConnection {",
    ),
    ("kinde-webhook/src/sync/postgres.rs", "pub fn new(pool: sqlx::PgPool) -> Self {"),
    ("kinde-webhook/src/sync/sqlite.rs", "pub fn new(pool: sqlx::SqlitePool) -> Self {"),
];

/// How many lines a source file may have before its tests.
const LINE_LIMIT: usize = 400;

/// Files that may be longer, each with the reason.
const LONGER_FILES: &[(&str, &str)] = &[
    ("kinde-core/src/error.rs", "one list of reasons with their codes and texts, read from top to bottom"),
    ("kinde-login/src/error.rs", "one list of reasons with their codes and texts, read from top to bottom"),
];

/// covers: K5
#[test]
fn published_crates_use_only_the_siblings_and_crates_of_the_import_table() {
    let mut problems = Vec::new();
    for package in published() {
        let Some((_, siblings, never)) = IMPORT_TABLE.iter().find(|(name, ..)| *name == package.name) else {
            problems.push(format!("{} has no row in the import table", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind != "dev") {
            let name = dependency.name.as_str();
            if name.starts_with("kinde-") && !siblings.contains(&name) || never.contains(&name) {
                problems.push(format!("{} must not depend on {name}", package.name));
            }
        }
    }
    report(&problems);
}

#[test]
fn published_crates_share_one_version_and_pin_their_siblings_exactly() {
    let members = members();
    let version = &published()[0].version;
    let mut problems = Vec::new();
    for package in &members {
        if package.version != *version {
            problems.push(format!("{} has version {}, the others {version}", package.name, package.version));
        }
        for dependency in
            package.dependencies.iter().filter(|dependency| dependency.name.starts_with("kinde-"))
        {
            if dependency.requirement != format!("={version}") {
                problems.push(format!(
                    "{} asks for {} {}, not ={version}",
                    package.name, dependency.name, dependency.requirement
                ));
            }
        }
    }
    report(&problems);
}

/// covers: K6
#[test]
fn published_manifests_say_what_a_registry_and_docs_rs_need() {
    let mut problems = Vec::new();
    for package in published() {
        for field in ["description", "license", "rust_version", "repository", "readme"] {
            if package.metadata[field].as_str().is_none_or(str::is_empty) {
                problems.push(format!("{}: no {field}", package.name));
            }
        }
        for field in ["keywords", "categories"] {
            if !package.metadata[field].as_array().is_some_and(|list| (1..=5).contains(&list.len())) {
                problems.push(format!("{}: 1 to 5 {field} are needed", package.name));
            }
        }
        if package.metadata["metadata"]["docs"]["rs"]["all-features"] != true {
            problems.push(format!("{}: [package.metadata.docs.rs] must set all-features", package.name));
        }
    }
    report(&problems);
}

/// covers: K2 J4
#[test]
fn every_crate_forbids_unsafe_code() {
    let root = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lints = root.split("[workspace.lints.rust]").nth(1).unwrap_or_default();
    assert!(lints.trim_start().starts_with("unsafe_code = \"forbid\""), "the workspace's own lint table");
    let mut problems = Vec::new();
    for package in members() {
        let manifest = fs::read_to_string(&package.manifest).unwrap();
        let inherits = manifest.contains("[lints]\nworkspace = true");
        let is_published = package.metadata["publish"].is_null();
        if !inherits && (is_published || !manifest.contains("unsafe_code = \"forbid\"")) {
            problems.push(format!("{}: no [lints] workspace = true", package.name));
        }
    }
    report(&problems);
}

#[test]
fn modules_are_named_after_what_they_hold() {
    let problems: Vec<_> = source_files()
        .into_iter()
        .filter(|file| {
            let parts = file.with_extension("");
            let mut parts = parts.iter().filter_map(|part| part.to_str());
            parts.any(|part| MODULE_NAMES_WITHOUT_MEANING.contains(&part))
        })
        .map(|file| format!("{}: the name says nothing about what is inside", file.display()))
        .collect();
    report(&problems);
}

#[test]
fn source_files_are_short_enough_to_read() {
    let mut problems = Vec::new();
    for file in library_files() {
        let lines = lines_before_tests(&read(&file));
        let is_excused = LONGER_FILES.iter().any(|(name, _)| Path::new(name) == file);
        match (lines > LINE_LIMIT, is_excused) {
            (true, false) => {
                problems
                    .push(format!("{}: {lines} lines without tests, at most {LINE_LIMIT}", file.display()));
            }
            (false, true) => {
                problems.push(format!("{}: need not be in LONGER_FILES any more", file.display()))
            }
            _ => {}
        }
    }
    report(&problems);
}

#[test]
fn public_signatures_name_no_private_dependency() {
    let mut problems = Vec::new();
    for file in library_files() {
        for signature in public_signatures(&read(&file)) {
            let is_allowed = ALLOWED_SIGNATURES
                .iter()
                .any(|(allowed_file, allowed)| Path::new(allowed_file) == file && *allowed == signature);
            let named = PRIVATE_DEPENDENCIES.iter().find(|name| signature.contains(&format!("{name}::")));
            if let (Some(name), false) = (named, is_allowed) {
                problems.push(format!("{}: {name} in `{signature}`", file.display()));
            }
        }
    }
    report(&problems);
}

/// covers: K4
#[test]
fn every_direct_dependency_has_a_line_that_says_why() {
    let document = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let rows: BTreeMap<_, _> = document.lines().filter_map(dependency_row).collect();
    let mut used = BTreeSet::new();
    let mut problems = Vec::new();
    for package in members() {
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.is_sibling()) {
            used.insert(dependency.name.clone());
            let user = package.row_name();
            match rows.get(dependency.name.as_str()) {
                None => problems.push(format!("{} of {} has no row", dependency.name, package.name)),
                Some(users) if !users.contains(&user) => {
                    problems.push(format!("the row of {} does not name {user} as its user", dependency.name));
                }
                Some(_) => {}
            }
        }
    }
    problems.extend(
        rows.keys().filter(|name| !used.contains(**name)).map(|name| format!("nobody uses {name} any more")),
    );
    report(&problems);
}

#[test]
fn documents_name_only_source_files_that_exist() {
    let mut problems = Vec::new();
    for file in files_below(&root().join("docs"), "md") {
        let text = fs::read_to_string(&file).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            let Some((folder, _)) = quoted.split_once('/') else { continue };
            let is_ours = folder.starts_with("kinde-") && root().join(folder).is_dir();
            if is_ours && quoted.ends_with(".rs") && !root().join(quoted).is_file() {
                problems.push(format!("{}: there is no {quoted}", file.display()));
            }
        }
    }
    report(&problems);
}

/// A member of the workspace.
struct Package {
    name: String,
    version: String,
    manifest: PathBuf,
    dependencies: Vec<Dependency>,
    metadata: Value,
}

impl Package {
    /// How docs/dependencies.md calls it: all examples are one word.
    fn row_name(&self) -> &str {
        match self.name.as_str() {
            name if name.starts_with("example-") || !name.starts_with("kinde-") => "examples",
            name => name.trim_start_matches("kinde-"),
        }
    }
}

struct Dependency {
    name: String,
    kind: String,
    requirement: String,
}

impl Dependency {
    fn is_sibling(&self) -> bool {
        self.name.starts_with("kinde-") || self.name.starts_with("example-")
    }
}

fn published() -> Vec<Package> {
    members().into_iter().filter(|package| package.metadata["publish"].is_null()).collect()
}

fn members() -> Vec<Package> {
    let cargo = env!("CARGO");
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let dependency = |value: &Value| Dependency {
        name: text(&value["name"]),
        kind: text(&value["kind"]),
        requirement: text(&value["req"]),
    };
    let package = |value: &Value| Package {
        name: text(&value["name"]),
        version: text(&value["version"]),
        manifest: text(&value["manifest_path"]).into(),
        dependencies: value["dependencies"].as_array().unwrap().iter().map(dependency).collect(),
        metadata: value.clone(),
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

/// A row reads `| name | used by | why | replaces | costs | kept by |`; gives name and users.
fn dependency_row(line: &str) -> Option<(&str, Vec<&str>)> {
    let cells: Vec<_> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
    let name = cells.first()?.strip_prefix('`')?.strip_suffix('`')?;
    let is_complete = cells.len() == 7 && cells[..6].iter().all(|cell| !cell.is_empty());
    assert!(is_complete, "docs/dependencies.md: six cells are needed: {line}");
    let users = cells[1].split(", ").map(|user| user.trim_end_matches(" (dev)")).collect();
    Some((name, users))
}

/// Statements that begin with `pub `, each on one line up to its body; private fields are not among them.
fn public_signatures(source: &str) -> Vec<String> {
    let mut signatures = Vec::new();
    let mut lines = source.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if !line.starts_with("pub ") {
            continue;
        }
        let mut signature = line.to_owned();
        while !signature.contains(['{', ';']) && !signature.ends_with(',') {
            let Some(next) = lines.next() else { break };
            signature.push(' ');
            signature.push_str(next);
        }
        signatures.push(signature);
    }
    signatures
}

fn lines_before_tests(source: &str) -> usize {
    let lines: Vec<_> = source.lines().collect();
    let is_tests = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ");
    lines.windows(2).position(is_tests).unwrap_or(lines.len())
}

/// The sources of the published crates, without files that hold only tests.
fn library_files() -> Vec<PathBuf> {
    let is_test = |part: &std::ffi::OsStr| part == "tests" || part == "tests.rs";
    source_files()
        .into_iter()
        .filter(|file| file.iter().nth(1).is_some_and(|part| part == "src"))
        .filter(|file| file.to_string_lossy().starts_with("kinde-") && !file.iter().any(is_test))
        .collect()
}

/// Every Rust file of the repository, relative to its root.
fn source_files() -> Vec<PathBuf> {
    let root = root();
    files_below(&root, "rs").into_iter().map(|file| file.strip_prefix(&root).unwrap().to_owned()).collect()
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name();
            let is_hidden =
                name.to_string_lossy().starts_with('.') || name == "target" || name == "node_modules";
            if path.is_dir() && !is_hidden {
                waiting.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(file: &Path) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn report(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}
