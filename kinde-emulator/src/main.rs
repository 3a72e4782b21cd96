//! The `kinde-emulator` program.

fn main() {}
