//! The stable codes: each has a section in docs/errors.md, each section a code, and each code is provoked here.

#[path = "../story/capture.rs"]
mod capture;
mod configuration;
mod document;
mod login;
mod requests;
mod webhooks;
