//! A requirement of nothing, which would grant everything.

use kinde_axum::{All, Policy};

fn main() {
    let _ = <All<()> as Policy>::requirement();
}
