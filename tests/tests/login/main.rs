//! People sign in and out in a browser: the whole way over real HTTP, with the emulator as Kinde.

mod callback;
mod machine;
mod race;
mod refresh;
mod sign_in;
mod stores;
