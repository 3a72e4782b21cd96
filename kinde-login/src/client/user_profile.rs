//! The user profile that Kinde answers now, beside what the ID token said at sign-in.

use bytes::Bytes;
use http::{Request, Response};
use kinde_core::Secret;
use serde::Deserialize;

use super::{OAuthClient, answer};
use crate::error::{LoginError, LoginReason};

/// A person's profile at this moment (`/oauth2/v2/user_profile`).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UserProfile {
    /// The person's id, equal to the access token's `sub`.
    pub sub: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
    /// The URL of a picture.
    pub picture: Option<String>,
}

impl OAuthClient {
    /// Writes the request for the profile of whom an access token is about.
    pub fn user_profile_request(&self, access_token: &Secret) -> Request<Bytes> {
        answer::with_bearer(self.endpoints().userinfo_endpoint(), access_token)
    }

    /// Reads the profile; it must be about `subject` (OpenID Connect Core §5.3.2).
    ///
    /// # Errors
    ///
    /// [`SubjectMismatch`](LoginReason::SubjectMismatch), [`Status`](LoginReason::Status) or
    /// [`AnswerMalformed`](LoginReason::AnswerMalformed).
    pub fn user_profile_answer(answer: &Response<Bytes>, subject: &str) -> Result<UserProfile, LoginError> {
        let both: Both = answer::json(WHAT, answer)?;
        let Both { sub, id, email, given_name, family_name, picture } = both;
        let Some(sub) = sub.or(id).filter(|sub| sub == subject) else {
            return Err(LoginReason::SubjectMismatch { what: WHAT }.into());
        };
        Ok(UserProfile { sub, email, given_name, family_name, picture })
    }

    /// Asks for the profile.
    ///
    /// # Errors
    ///
    /// As [`user_profile_answer`](Self::user_profile_answer), and [`Unreachable`](LoginReason::Unreachable).
    pub async fn user_profile(
        &self,
        access_token: &Secret,
        subject: &str,
    ) -> Result<UserProfile, LoginError> {
        Self::user_profile_answer(&self.send(self.user_profile_request(access_token)).await?, subject)
    }
}

/// Kinde answers `sub` and `id`; an alias would refuse an answer with both.
#[derive(Deserialize)]
struct Both {
    sub: Option<String>,
    id: Option<String>,
    email: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    picture: Option<String>,
}

const WHAT: &str = "user profile request";

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: F13
    #[test]
    fn profile_of_another_person_is_refused() {
        let answer = |body: &str| Response::new(Bytes::from(body.to_owned()));
        let read = |body: &str| OAuthClient::user_profile_answer(&answer(body), "kp_1");
        let profile = read(r#"{"sub":"kp_1","id":"kp_1","email":"a@example.test","updated_at":1}"#).unwrap();
        assert_eq!(profile.email.as_deref(), Some("a@example.test"));
        for other in
            [r#"{"sub":"kp_2","id":"kp_1"}"#, r#"{"email":"a@example.test"}"#, "{}", r#"{"sub":null}"#]
        {
            assert_eq!(read(other).unwrap_err().code(), "subject_mismatch", "{other}");
        }
    }
}
