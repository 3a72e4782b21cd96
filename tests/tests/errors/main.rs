//! The stable codes: each has a section in docs/errors.md, each section a code, and each code is provoked here.

mod configuration;
mod document;
mod requests;
