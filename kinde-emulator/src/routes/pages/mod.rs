//! The pages a person sees: plain HTML without a script, one column, landmarks and labels for screen readers.

mod after;
mod document;
mod notices;
mod sign_in;

pub(crate) use after::{ConsentPage, new_organization, organizations, user_code};
pub(crate) use document::document;
pub(crate) use notices::{
    device_connected, error, expired, message, posted, signed_out, success, wrong_address,
};
pub(crate) use sign_in::SignInPage;
