//! The OAuth client: every request to Kinde that sign-in and sessions need, usable alone.

mod answer;
mod authorization;
mod portal;
mod token;
mod user_profile;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use kinde_core::{Endpoints, FetchError, FetchErrorKind, HttpFetch, Secret};

pub use authorization::AuthorizationRequest;
pub(crate) use authorization::code_challenge;
pub use portal::PortalPage;
pub use token::TokenAnswer;
pub(crate) use token::ends_session;
pub use user_profile::UserProfile;

use crate::error::{LoginError, LoginReason};

/// Talks to one Kinde environment for one application.
///
/// Each exchange is a pair: one function writes the request, one reads the answer, and neither needs a network; the
/// asynchronous method of the same name runs both. No redirect is followed, answers are read up to 256 KiB, and a
/// deadline holds for the whole exchange. Cheap to clone.
///
/// What an answer holds is unproven until a verifier of `kinde-core` has seen it.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    endpoints: Endpoints,
    client_id: Arc<str>,
    client_secret: Option<Secret>,
    http: Arc<dyn HttpFetch>,
    deadline: Duration,
}

impl OAuthClient {
    /// Creates a client for an application; without a secret for a public one, which proves itself by PKCE alone.
    pub fn new(
        endpoints: Endpoints,
        client_id: impl Into<Arc<str>>,
        client_secret: Option<Secret>,
        http: impl HttpFetch,
    ) -> Self {
        Self {
            endpoints,
            client_id: client_id.into(),
            client_secret,
            http: Arc::new(http),
            deadline: DEFAULT_DEADLINE,
        }
    }

    /// Sets how long one exchange may take. Default 8 s, so that a callback is answered within 10 s; zero leaves no
    /// time, so that hardly an exchange succeeds.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Gives the endpoints it talks to.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Gives the client ID.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Sends a request that one of this type's functions wrote.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, LoginError> {
        let answer = tokio::time::timeout(self.deadline, self.http.fetch(request, ANSWER_LIMIT_BYTES)).await;
        let answer = answer.unwrap_or_else(|_| Err(FetchError::new(FetchErrorKind::Deadline)));
        answer.map_err(|error| LoginReason::Unreachable(error).into())
    }

    /// Writes a form for one of Kinde's endpoints, with the application's own credentials in it (RFC 6749 §2.3.1;
    /// Kinde's discovery lists `client_secret_post` only).
    fn form(&self, url: &str, fields: &[(&str, &str)]) -> Request<Bytes> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields).append_pair("client_id", &self.client_id);
        if let Some(secret) = &self.client_secret {
            form.append_pair("client_secret", secret.expose());
        }
        let mut request = Request::new(Bytes::from(form.finish()));
        *request.method_mut() = http::Method::POST;
        answer::address(&mut request, url);
        let headers = request.headers_mut();
        headers.insert(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        headers.insert(http::header::ACCEPT, http::HeaderValue::from_static("application/json"));
        request
    }
}

const DEFAULT_DEADLINE: Duration = Duration::from_secs(8);
const ANSWER_LIMIT_BYTES: usize = 256 * 1024;
