//! Starts the program as a newcomer does who has no database yet. With one, it is tested in `tests/tests/worker`.

use std::process::Command;

#[test]
fn program_without_a_database_says_what_to_install_and_to_write() {
    let output = Command::new(env!("CARGO_BIN_EXE_example-webhook-worker")).env_clear().output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for word in ["DATABASE_URL", "apt install postgresql", "createdb webhooks"] {
        assert!(told.contains(word), "{told}");
    }
}
