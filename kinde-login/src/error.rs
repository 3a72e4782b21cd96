//! Why a sign-in, a session or a call to Kinde came to nothing.

use std::{fmt, sync::Arc};

use kinde_core::{AuthError, FetchError, UntrustedText};

/// Why a sign-in, a session or a call to Kinde came to nothing.
///
/// `kind()` decides what the browser is told; `reason()` says exactly what happened, for logs. Neither holds a token,
/// a code or a secret.
#[derive(Clone, Debug)]
pub struct LoginError {
    reason: Arc<LoginReason>,
}

impl LoginError {
    /// Tells which answer the browser gets.
    pub fn kind(&self) -> LoginErrorKind {
        self.reason.kind()
    }

    /// Tells exactly what was expected and found.
    pub fn reason(&self) -> &LoginReason {
        &self.reason
    }

    /// Gives the stable code, for example `flow_unknown`.
    pub fn code(&self) -> &'static str {
        self.reason.code()
    }

    /// Gives one sentence on what to do about it, for the operator's log.
    pub fn fix(&self) -> &'static str {
        self.reason.fix()
    }
}

impl From<LoginReason> for LoginError {
    fn from(reason: LoginReason) -> Self {
        Self { reason: Arc::new(reason) }
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} [{}]", self.reason, self.code())
    }
}

impl std::error::Error for LoginError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.reason() {
            LoginReason::TokenRefused(error) | LoginReason::KeysUnavailable(error) => Some(error),
            LoginReason::Unreachable(error) => Some(error),
            _ => None,
        }
    }
}

/// What the browser is told. Complete by nature: each kind is one row of the answer table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginErrorKind {
    /// The request to us makes no sense: 400.
    InvalidRequest,
    /// The person or a policy said no: 403.
    Denied,
    /// Nobody is signed in, and the question needs somebody: 401.
    SignedOut,
    /// The flow cannot be finished; starting again can help: 400.
    StaleFlow,
    /// Kinde answered something that cannot be used: 502.
    BadGateway,
    /// Kinde, its keys or the session store cannot be reached: 503 with `Retry-After`.
    Unavailable,
    /// A posted form is too large: 413.
    ContentTooLarge,
    /// What was posted is no form: 415.
    UnsupportedMediaType,
    /// The session does not fit where it shall be kept, or a setting is wrong: 500, explained in the log.
    Misconfigured,
}

/// Exactly what happened. Each reason has a stable code; `docs/errors.md` has an anchor of that name.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginReason {
    /// The authorization response has a parameter twice, or neither a code nor an error.
    ResponseMalformed {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No flow of this browser has the state of the response: another browser, a bookmark, a second visit, or ten
    /// minutes are over.
    FlowUnknown,
    /// As [`FlowUnknown`](Self::FlowUnknown), and the site was opened under another host than its own, for which a
    /// browser keeps other cookies.
    HostMismatch {
        /// The site's own origin, as configured.
        site: String,
        /// What the browser or a proxy said. It decides nothing.
        found: UntrustedText,
    },
    /// As [`FlowUnknown`](Self::FlowUnknown), and the site was opened without https, or with it against its settings.
    SchemeMismatch {
        /// The site's own origin, as configured.
        site: String,
        /// What a proxy said. It decides nothing.
        found: UntrustedText,
    },
    /// The authorization response was posted by another site's form, which brings no `SameSite=Lax` cookie.
    ResponsePosted,
    /// The response names another issuer (RFC 9207).
    IssuerMismatch {
        /// The issuer that the response names.
        found: UntrustedText,
    },
    /// Kinde reports an error instead of a code.
    Provider {
        /// The error code, as in RFC 6749 §4.1.2.1.
        error: UntrustedText,
        /// What Kinde says about it.
        description: Option<UntrustedText>,
    },
    /// The browser started to sign in too often in a short time: something sends it back each time.
    TooManyStarts {
        /// How often it started within a minute.
        starts: u32,
        /// How often it finished and came back to start again.
        finished: u32,
    },
    /// The session would be of another organization than the one that was asked for.
    OrgMismatch {
        /// The org code that was asked for.
        expected: UntrustedText,
        /// The org code of the token.
        found: UntrustedText,
    },
    /// A parameter of the request is not what it may be.
    ParameterInvalid {
        /// The parameter.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
    },
    /// A posted form is longer than any form of these routes.
    FormTooLarge {
        /// How long it may be.
        limit_bytes: usize,
    },
    /// What was posted is not `application/x-www-form-urlencoded`.
    FormMediaType,
    /// A posted form did not arrive.
    FormUnreadable {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A script, a frame or an element of a page asks for a route that a browser has to go to.
    NotNavigation,
    /// The request comes from another site, or a script of it, and would change something.
    CrossSite,
    /// Nobody is signed in.
    SignedOut,
    /// A token of the answer is not good.
    TokenRefused(AuthError),
    /// The keys to judge a token by cannot be had now.
    KeysUnavailable(AuthError),
    /// The token endpoint refused the code or the refresh token.
    GrantRefused {
        /// The error code, as in RFC 6749 §5.2.
        error: UntrustedText,
    },
    /// The token endpoint refused the application itself, or what it may ask for: a setting is wrong, here or in Kinde.
    ClientRefused {
        /// The error code, as in RFC 6749 §5.2.
        error: UntrustedText,
    },
    /// Kinde's answer cannot be read.
    AnswerMalformed {
        /// What was asked for.
        what: &'static str,
        /// What is wrong with the answer.
        problem: &'static str,
    },
    /// Kinde answered with a status that is none of the protocol's.
    Status {
        /// What was asked for.
        what: &'static str,
        /// The status.
        status: u16,
    },
    /// The person of the answer is not the one of the session.
    SubjectMismatch {
        /// What was asked for.
        what: &'static str,
    },
    /// Kinde could not be reached in time.
    Unreachable(FetchError),
    /// The session needs new tokens that cannot be had now; it waits, and its cookie stays.
    RefreshPutOff {
        /// The code of what went wrong, or what is waited for.
        cause: &'static str,
    },
    /// The session store cannot be reached, or holds something that is none of ours.
    StoreUnavailable {
        /// What the store said, without any session's content.
        problem: String,
    },
    /// The sealed session is larger than the cookie's budget.
    SessionTooLarge {
        /// How large it is, in bytes.
        bytes: usize,
        /// How large it may be, in bytes.
        budget: usize,
        /// What takes how many bytes.
        parts: String,
    },
}

impl LoginReason {
    /// Tells which answer the browser gets.
    pub fn kind(&self) -> LoginErrorKind {
        match self {
            Self::ResponseMalformed { .. }
            | Self::ParameterInvalid { .. }
            | Self::ResponsePosted
            | Self::IssuerMismatch { .. }
            | Self::FormUnreadable { .. }
            | Self::NotNavigation => LoginErrorKind::InvalidRequest,
            Self::FlowUnknown
            | Self::HostMismatch { .. }
            | Self::SchemeMismatch { .. }
            | Self::TooManyStarts { .. } => LoginErrorKind::StaleFlow,
            Self::Provider { error, .. } => match error.as_str() {
                "server_error" | "temporarily_unavailable" => LoginErrorKind::BadGateway,
                _ => LoginErrorKind::Denied,
            },
            Self::OrgMismatch { .. } | Self::CrossSite => LoginErrorKind::Denied,
            Self::SignedOut => LoginErrorKind::SignedOut,
            Self::TokenRefused(_)
            | Self::GrantRefused { .. }
            | Self::AnswerMalformed { .. }
            | Self::Status { .. }
            | Self::SubjectMismatch { .. } => LoginErrorKind::BadGateway,
            Self::KeysUnavailable(_)
            | Self::Unreachable(_)
            | Self::RefreshPutOff { .. }
            | Self::StoreUnavailable { .. } => LoginErrorKind::Unavailable,
            Self::FormTooLarge { .. } => LoginErrorKind::ContentTooLarge,
            Self::FormMediaType => LoginErrorKind::UnsupportedMediaType,
            Self::ClientRefused { .. } | Self::SessionTooLarge { .. } => LoginErrorKind::Misconfigured,
        }
    }

    /// Gives the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ResponseMalformed { .. } => "response_malformed",
            Self::FlowUnknown => "flow_unknown",
            Self::HostMismatch { .. } => "host_mismatch",
            Self::SchemeMismatch { .. } => "scheme_mismatch",
            Self::ResponsePosted => "response_posted",
            Self::IssuerMismatch { .. } => "response_issuer_mismatch",
            Self::Provider { .. } => "provider_error",
            Self::TooManyStarts { .. } => "too_many_starts",
            Self::OrgMismatch { .. } => "org_mismatch",
            Self::ParameterInvalid { .. } => "parameter_invalid",
            Self::FormTooLarge { .. } => "form_too_large",
            Self::FormMediaType => "form_media_type",
            Self::FormUnreadable { .. } => "form_unreadable",
            Self::NotNavigation => "not_a_navigation",
            Self::CrossSite => "cross_site",
            Self::SignedOut => "signed_out",
            Self::TokenRefused(_) => "token_refused",
            Self::KeysUnavailable(_) => "login_keys_unavailable",
            Self::GrantRefused { .. } => "grant_refused",
            Self::ClientRefused { .. } => "client_refused",
            Self::AnswerMalformed { .. } => "answer_malformed",
            Self::Status { .. } => "answer_status",
            Self::SubjectMismatch { .. } => "subject_mismatch",
            Self::Unreachable(_) => "provider_unreachable",
            Self::RefreshPutOff { .. } => "refresh_put_off",
            Self::StoreUnavailable { .. } => "store_unavailable",
            Self::SessionTooLarge { .. } => "session_too_large",
        }
    }

    fn fix(&self) -> &'static str {
        match self {
            Self::ResponseMalformed { .. } => {
                "start again at the application; nothing but Kinde should call this route"
            }
            Self::FlowUnknown => {
                "start again in the same browser; the site must be opened under KINDE_SITE_URL, cookies allowed"
            }
            Self::HostMismatch { .. } => {
                "open the site under KINDE_SITE_URL, or set KINDE_SITE_URL to where it is opened and register its callback"
            }
            Self::SchemeMismatch { .. } => {
                "redirect http to https before the application, or correct the scheme of KINDE_SITE_URL"
            }
            Self::ResponsePosted => "take response_mode=form_post out of what is sent to Kinde",
            Self::IssuerMismatch { .. } => {
                "compare KINDE_ISSUER_URL with the issuer of the Kinde environment"
            }
            Self::Provider { .. } => {
                "the error is Kinde's: see the application's settings and policies there"
            }
            Self::TooManyStarts { .. } => {
                "find what sends a signed-in browser to the login route: a refused session, a missing right"
            }
            Self::OrgMismatch { .. } => {
                "the person has to be a member of the organization that was asked for"
            }
            Self::ParameterInvalid { .. } => "write the link with Login::links()",
            Self::FormTooLarge { .. } => "post only the parameters of the route",
            Self::FormMediaType => {
                "leave the form's enctype as it is, or write the parameters into the address"
            }
            Self::FormUnreadable { .. } => "see whether a proxy keeps the body of the request back",
            Self::NotNavigation => "follow a link or set location.href; fetch and prefetch cannot sign in",
            Self::CrossSite => "call it from a page of this site, or by a form with POST",
            Self::SignedOut => "sign in first",
            Self::TokenRefused(error) => error.fix(),
            Self::KeysUnavailable(error) => error.fix(),
            Self::GrantRefused { .. } => {
                "sign in again; if it comes back, compare KINDE_CLIENT_ID and the registered callback URL"
            }
            Self::ClientRefused { .. } => {
                "compare KINDE_CLIENT_ID and KINDE_CLIENT_SECRET with the application in Kinde, and what it may use there: grants, APIs, scopes"
            }
            Self::AnswerMalformed { .. } | Self::Status { .. } => {
                "see whether a proxy answers in the place of Kinde"
            }
            Self::SubjectMismatch { .. } => "sign in again; somebody exchanged tokens",
            Self::Unreachable(_) => "see whether this machine reaches KINDE_ISSUER_URL",
            Self::RefreshPutOff { .. } => {
                "nothing, if it passes; the warning before it says what Kinde answered"
            }
            Self::StoreUnavailable { .. } => "see whether the session store runs",
            Self::SessionTooLarge { .. } => {
                "keep sessions in a store (Login::builder().with_store), or customise the token to hold less"
            }
        }
    }
}

impl fmt::Display for LoginReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResponseMalformed { problem } => {
                write!(formatter, "the authorization response is malformed: {problem}")
            }
            Self::FlowUnknown => {
                formatter.write_str("no sign-in of this browser is waiting for this response")
            }
            Self::HostMismatch { site, found } => write!(
                formatter,
                "no sign-in of this browser is waiting for this response: the site was opened as {found}, its own \
                 address is {site}, and a browser keeps their cookies apart"
            ),
            Self::SchemeMismatch { site, found } => write!(
                formatter,
                "no sign-in of this browser is waiting for this response: the site was opened as {found}, its own \
                 address is {site}, and a browser keeps no secure cookie of the former"
            ),
            Self::ResponsePosted => formatter.write_str("the authorization response was posted"),
            Self::IssuerMismatch { found } => {
                write!(formatter, "the authorization response names the issuer {found}")
            }
            Self::Provider { error, description: None } => write!(formatter, "Kinde answered {error}"),
            Self::Provider { error, description: Some(description) } => {
                write!(formatter, "Kinde answered {error}: {description}")
            }
            Self::TooManyStarts { starts, finished } => write!(
                formatter,
                "the browser started to sign in {starts} times within a minute, and finished {finished} times"
            ),
            Self::OrgMismatch { expected, found } => {
                write!(formatter, "asked for the organization {expected}, the token is of {found}")
            }
            Self::ParameterInvalid { name, expected } => {
                write!(formatter, "the parameter {name} must be {expected}")
            }
            Self::FormTooLarge { limit_bytes } => {
                write!(formatter, "the posted form has more than {limit_bytes} bytes")
            }
            Self::FormMediaType => {
                formatter.write_str("what was posted is not application/x-www-form-urlencoded")
            }
            Self::FormUnreadable { problem } => {
                write!(formatter, "the posted form could not be read: {problem}")
            }
            Self::NotNavigation => formatter.write_str("it is not a navigation of the whole page"),
            Self::CrossSite => formatter.write_str("another site asked for it"),
            Self::SignedOut => formatter.write_str("nobody is signed in"),
            Self::TokenRefused(_) => formatter.write_str("a token of Kinde's answer is refused"),
            Self::KeysUnavailable(_) => {
                formatter.write_str("the keys to judge Kinde's answer by are unavailable")
            }
            Self::GrantRefused { error } => write!(formatter, "the token endpoint answered {error}"),
            Self::ClientRefused { error } => {
                write!(formatter, "the token endpoint refuses this application: {error}")
            }
            Self::AnswerMalformed { what, problem } => {
                write!(formatter, "the answer to the {what} is malformed: {problem}")
            }
            Self::Status { what, status } => {
                write!(formatter, "the {what} was answered with status {status}")
            }
            Self::SubjectMismatch { what } => write!(formatter, "the {what} is about another person"),
            Self::Unreachable(_) => formatter.write_str("Kinde cannot be reached"),
            Self::RefreshPutOff { cause } => write!(formatter, "the session waits for new tokens: {cause}"),
            Self::StoreUnavailable { problem } => {
                write!(formatter, "the session store is unavailable: {problem}")
            }
            Self::SessionTooLarge { bytes, budget, parts } => {
                write!(
                    formatter,
                    "the sealed session has {bytes} bytes, the cookie's budget is {budget}: {parts}"
                )
            }
        }
    }
}
