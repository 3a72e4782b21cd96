//! The program from outside: it ends well, and the table is what the story says.

use std::process::Command;

/// covers: H7 H8
#[test]
fn person_arrives_in_the_table_changes_and_leaves_a_tombstone() {
    let output = Command::new(env!("CARGO_BIN_EXE_example-webhook-axum"))
        .env_remove("KINDE_ISSUER_URL")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let chapters: Vec<_> = text.split("\n\n").collect();
    assert_eq!(chapters.len(), 5, "{text}");
    let last_line = |chapter: usize| chapters[chapter].trim_end().lines().last().unwrap().to_owned();
    assert!(last_line(1).contains("alice@") && last_line(1).ends_with("| - | - | false |"), "{text}");
    assert!(last_line(2).contains("+49 30 1234 | org_"), "{text}");
    // Sent again, the oldest last: nothing runs, nothing changes.
    assert_eq!(last_line(3), last_line(2));
    assert!(!chapters[3].contains("->"), "{text}");
    assert!(last_line(4).ends_with("| - | - | - | true |"), "{text}");
}
