//! kinde-emulator.
