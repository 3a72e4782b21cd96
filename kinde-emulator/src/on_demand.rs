//! Refusals and wrong answers that a test asked for, each of which happens once.

use std::{collections::VecDeque, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{environment::Environment, guarded::Guarded, routes::OAuthError};

/// Something wrong with the answer to an otherwise good sign-in: what a client has to notice.
///
/// Asked for by [`Environment::answer_wrongly`]; as text, as in the control API, each has its name in small letters:
/// `wrong_state`, `foreign_code`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WrongAnswer {
    /// The callback has another `state`.
    WrongState,
    /// The callback has no `state`.
    MissingState,
    /// The callback has a second, different `state`.
    RepeatedState,
    /// The callback has no `code`.
    MissingCode,
    /// The code was given to another application, so exchanging it is `invalid_grant`.
    ForeignCode,
    /// The ID token has another `nonce`.
    WrongNonce,
    /// The ID token has no `nonce`.
    MissingNonce,
    /// Both tokens name somebody else's environment as their issuer.
    ForeignIssuer,
    /// Both tokens are for somebody else's API and application.
    ForeignAudience,
    /// The token response has no `id_token`.
    MissingIdToken,
    /// The token response has no `access_token`.
    MissingAccessToken,
}

impl WrongAnswer {
    /// Every one there is.
    pub const ALL: &'static [Self] = &[
        Self::WrongState,
        Self::MissingState,
        Self::RepeatedState,
        Self::MissingCode,
        Self::ForeignCode,
        Self::WrongNonce,
        Self::MissingNonce,
        Self::ForeignIssuer,
        Self::ForeignAudience,
        Self::MissingIdToken,
        Self::MissingAccessToken,
    ];

    /// Returns its name, as in the control API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongState => "wrong_state",
            Self::MissingState => "missing_state",
            Self::RepeatedState => "repeated_state",
            Self::MissingCode => "missing_code",
            Self::ForeignCode => "foreign_code",
            Self::WrongNonce => "wrong_nonce",
            Self::MissingNonce => "missing_nonce",
            Self::ForeignIssuer => "foreign_issuer",
            Self::ForeignAudience => "foreign_audience",
            Self::MissingIdToken => "missing_id_token",
            Self::MissingAccessToken => "missing_access_token",
        }
    }

    const fn is_of_the_callback(self) -> bool {
        matches!(
            self,
            Self::WrongState
                | Self::MissingState
                | Self::RepeatedState
                | Self::MissingCode
                | Self::ForeignCode
        )
    }
}

impl fmt::Display for WrongAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for WrongAnswer {
    type Err = UnknownWrongAnswer;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().find(|known| known.name() == name);
        known.copied().ok_or_else(|| UnknownWrongAnswer { name: name.to_owned() })
    }
}

/// No [`WrongAnswer`] has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no wrong answer is called {name}")]
pub struct UnknownWrongAnswer {
    /// The name.
    pub name: String,
}

/// Sign-ins and token requests that go wrong.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # use kinde_emulator::WrongAnswer;
/// # let kinde = kinde_emulator::Environment::start().await;
/// kinde.refuse_next_sign_in("access_denied", "The user cancelled");
/// kinde.fail_next_token_request("invalid_grant", "The refresh token was revoked.");
/// kinde.answer_wrongly(WrongAnswer::WrongState);
/// # }
/// ```
impl Environment {
    /// Answers the next good authorization request with this error, at the application's callback and without a page.
    ///
    /// Any error can be named. With `login_link_expired` an application that sent `supports_reauth=true` also gets
    /// a `reauth_state`. Calls add up: two of them refuse two requests.
    pub fn refuse_next_sign_in(&self, error: &str, description: &str) {
        self.provider.on_demand.refuse_sign_in(error, description);
    }

    /// Answers the next good authorization request with a page that shows one of Kinde's numbers, so that the
    /// application never hears of it: 1706 for a workflow that stopped, 4032 for an identity provider that is down.
    pub fn show_error_at_next_sign_in(&self, code: u16) {
        self.provider.on_demand.show_error(code);
    }

    /// Answers the next request to the token endpoint with this error, whatever is asked; nothing is used up by it.
    ///
    /// The status is 401 for `invalid_client`, 500 for `server_error`, 503 for `temporarily_unavailable` and 400 for
    /// any other.
    pub fn fail_next_token_request(&self, error: &str, description: &str) {
        self.provider.on_demand.fail_token_request(error, description);
    }

    /// Makes one thing wrong with the next sign-in that succeeds, in its callback or in its tokens.
    pub fn answer_wrongly(&self, wrong: WrongAnswer) {
        self.provider.on_demand.answer_wrongly(wrong);
    }

    /// Forgets what [`refuse_next_sign_in`](Self::refuse_next_sign_in) and its siblings asked for and has not happened.
    pub fn answer_rightly(&self) {
        self.provider.on_demand.clear();
    }
}

/// What was asked for and has not happened yet.
#[derive(Debug, Default)]
pub(crate) struct OnDemand {
    sign_ins: Guarded<VecDeque<SignInRefusal>>,
    token_errors: Guarded<VecDeque<OAuthError>>,
    wrong_answers: Guarded<Vec<WrongAnswer>>,
}

/// How a sign-in is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignInRefusal {
    Callback { error: String, description: String },
    Page { code: u16 },
}

/// What a snapshot keeps.
#[derive(Clone, Debug)]
pub(crate) struct Demanded {
    sign_ins: VecDeque<SignInRefusal>,
    token_errors: VecDeque<OAuthError>,
    wrong_answers: Vec<WrongAnswer>,
}

impl OnDemand {
    pub(crate) fn refuse_sign_in(&self, error: &str, description: &str) {
        let (error, description) = (error.to_owned(), description.to_owned());
        self.sign_ins.lock().push_back(SignInRefusal::Callback { error, description });
    }

    pub(crate) fn show_error(&self, code: u16) {
        self.sign_ins.lock().push_back(SignInRefusal::Page { code });
    }

    pub(crate) fn fail_token_request(&self, error: &str, description: &str) {
        self.token_errors.lock().push_back(OAuthError::new(error.to_owned(), description));
    }

    pub(crate) fn answer_wrongly(&self, wrong: WrongAnswer) {
        self.wrong_answers.lock().push(wrong);
    }

    pub(crate) fn state(&self) -> Demanded {
        Demanded {
            sign_ins: self.sign_ins.lock().clone(),
            token_errors: self.token_errors.lock().clone(),
            wrong_answers: self.wrong_answers.lock().clone(),
        }
    }

    pub(crate) fn restore(&self, earlier: &Demanded) {
        self.sign_ins.lock().clone_from(&earlier.sign_ins);
        self.token_errors.lock().clone_from(&earlier.token_errors);
        self.wrong_answers.lock().clone_from(&earlier.wrong_answers);
    }

    pub(crate) fn take_sign_in(&self) -> Option<SignInRefusal> {
        self.sign_ins.lock().pop_front()
    }

    pub(crate) fn take_token_error(&self) -> Option<OAuthError> {
        self.token_errors.lock().pop_front()
    }

    /// Takes everything that is to be wrong with this callback.
    pub(crate) fn take_for_callback(&self) -> Vec<WrongAnswer> {
        self.take(WrongAnswer::is_of_the_callback)
    }

    /// Takes everything that is to be wrong with these tokens.
    pub(crate) fn take_for_tokens(&self) -> Vec<WrongAnswer> {
        self.take(|wrong| !wrong.is_of_the_callback())
    }

    pub(crate) fn clear(&self) {
        self.sign_ins.lock().clear();
        self.token_errors.lock().clear();
        self.wrong_answers.lock().clear();
    }

    fn take(&self, is_wanted: impl Fn(WrongAnswer) -> bool) -> Vec<WrongAnswer> {
        let mut wrong_answers = self.wrong_answers.lock();
        let taken = wrong_answers.iter().copied().filter(|wrong| is_wanted(*wrong)).collect();
        wrong_answers.retain(|wrong| !is_wanted(*wrong));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_answer_is_found_by_its_name() {
        for wrong in WrongAnswer::ALL {
            assert_eq!(wrong.name().parse(), Ok(*wrong));
            assert_eq!(serde_json::to_value(wrong).unwrap(), wrong.name());
        }
        assert_eq!("wrong_colour".parse::<WrongAnswer>().unwrap_err().name, "wrong_colour");
    }

    #[test]
    fn wrong_answer_happens_once_and_in_its_place() {
        let asked = OnDemand::default();
        asked.wrong_answers.lock().extend([WrongAnswer::WrongNonce, WrongAnswer::WrongState]);
        assert_eq!(asked.take_for_callback(), [WrongAnswer::WrongState]);
        assert!(asked.take_for_callback().is_empty());
        assert_eq!(asked.take_for_tokens(), [WrongAnswer::WrongNonce]);
    }
}
