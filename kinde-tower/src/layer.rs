//! Authentication: turns the credential of a request into a proven identity.

use std::sync::Arc;

use bytes::Bytes;
use http::{
    HeaderMap, Method, Request, Response,
    header::{ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, ORIGIN},
};
use kinde_core::{
    AuthError, AuthErrorKind, AuthReason, AuthState, Credential, CredentialSource, Identity, RefusedSession,
    Secret, Verifier,
};
use tower_layer::Layer;

use crate::{
    KindeService,
    credential::{self, Presented},
    event::{self, Observer, Outcome},
    rejection::{RefusalStyle, RenderRefusal},
};

/// Authenticates every request of the service it wraps.
///
/// By default a credential is required: without one the answer is 401. With
/// [`optional`](KindeLayer::optional) a request without a credential goes on as anonymous; one with a
/// credential that is refused never does. Behind the layer, [`identity`](crate::identity),
/// [`check`](crate::check), [`RequireLayer`](crate::RequireLayer) and kinde-axum's extractors read what it
/// proved.
///
/// Put a CORS layer outside of this one: a preflight carries no credential.
#[derive(Clone, Debug)]
pub struct KindeLayer {
    admission: Arc<Admission>,
}

impl KindeLayer {
    /// Creates a layer that requires a credential which `verifier` accepts.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            admission: Arc::new(Admission {
                verifier,
                is_required: true,
                accepts_machines: false,
                passes_preflight: false,
                style: None,
                observer: None,
            }),
        }
    }

    /// Creates a layer from the environment variables of Kinde's SDKs, `KINDE_ISSUER_URL` first.
    ///
    /// `KINDE_AUDIENCE` binds it by audience; without one, `KINDE_CLIENT_ID` binds it by application.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the variables, at once.
    #[cfg(feature = "reqwest")]
    pub fn from_env() -> Result<Self, kinde_core::ConfigError> {
        Ok(Self::new(kinde_core::Kinde::from_env()?.verifier().build()?))
    }

    /// Gives the verifier, to warm its key sets up before serving or to read their health.
    pub fn verifier(&self) -> &Verifier {
        &self.admission.verifier
    }

    /// Lets requests without a credential pass as anonymous. A refused header is still refused.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.change().is_required = false;
        self
    }

    /// Accepts machine-to-machine tokens as well. Default: refused as the wrong kind.
    ///
    /// They need a verifier that is bound by audience. Handlers then ask for `Caller` or `AuthMachine`;
    /// where a person is asked for, a machine gets 403.
    #[must_use]
    pub fn accept_machines(mut self) -> Self {
        if !self.admission.verifier.has_audience() {
            event::machines_without_audience();
        }
        self.change().accepts_machines = true;
        self
    }

    /// Lets CORS preflights pass as anonymous, for a CORS layer inside of this one.
    ///
    /// Default off: the better place for a CORS layer is outside, where refusals get its headers as well.
    ///
    /// # Security
    ///
    /// Without a CORS layer inside, such `OPTIONS` requests reach the handlers as anonymous.
    #[must_use]
    pub fn pass_cors_preflight(mut self) -> Self {
        self.change().passes_preflight = true;
        self
    }

    /// Sets the realm of the challenge. Default `api`. Quotes, backslashes and control characters are dropped.
    #[must_use]
    pub fn with_realm(mut self, realm: &str) -> Self {
        let style = self.admission.style().with_realm(realm);
        self.change().style = Some(style);
        self
    }

    /// Adds `resource_metadata` to the challenge: the URL of RFC 9728 metadata. Default none.
    #[must_use]
    pub fn with_resource_metadata(mut self, url: &str) -> Self {
        let style = self.admission.style().with_resource_metadata(url);
        self.change().style = Some(style);
        self
    }

    /// Renders refusals in a way of your own; gates and extractors behind the layer follow.
    #[must_use]
    pub fn with_renderer(mut self, renderer: impl RenderRefusal) -> Self {
        let style = self.admission.style().with_renderer(renderer);
        self.change().style = Some(style);
        self
    }

    /// Calls `observe` with the outcome of every request at this layer, for metrics. It must not block.
    ///
    /// A refusal by a gate or an extractor further in is in the response's extensions, as an
    /// [`AuthError`].
    #[must_use]
    pub fn with_observer(mut self, observe: impl Fn(&Outcome<'_>) + Send + Sync + 'static) -> Self {
        self.change().observer = Some(Observer(Arc::new(observe)));
        self
    }
}

impl KindeLayer {
    /// Gives the settings to a setter: a clone of the layer keeps its own.
    fn change(&mut self) -> &mut Admission {
        Arc::make_mut(&mut self.admission)
    }
}

impl<S> Layer<S> for KindeLayer {
    type Service = KindeService<S>;

    fn layer(&self, inner: S) -> KindeService<S> {
        KindeService::new(inner, Arc::clone(&self.admission))
    }
}

/// Which requests are let in, and how the others are answered.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    verifier: Verifier,
    is_required: bool,
    accepts_machines: bool,
    passes_preflight: bool,
    /// `None` is the default style: nothing then needs to be left in the request but the mark.
    style: Option<RefusalStyle>,
    observer: Option<Observer>,
}

/// What becomes of a request, as far as it can be told without waiting.
pub(crate) enum Admitted {
    /// Go on; the error is of a session that was refused and is over.
    Pass(AuthState, Option<Box<AuthError>>),
    /// Answer; the second error is of a session that was refused and is over.
    Refuse(AuthError, Option<Box<AuthError>>),
    /// Keys must be fetched to judge this token.
    Wait(Secret, CredentialSource),
}

impl Admission {
    /// Looks at a request without waiting.
    pub(crate) fn look<B>(&self, request: &mut Request<B>) -> Admitted {
        // The token must not show where headers are logged, nor enter an HTTP/2 header table. A second value
        // is not marked: such a request goes no further.
        let header = request.headers_mut().get_mut(AUTHORIZATION);
        let has_header = header.map(|value| value.set_sensitive(true)).is_some();
        let is_preflight = is_cors_preflight(request.method(), request.headers());
        // Fetch standard: a preflight never carries credentials, so one that does is judged like any request.
        if is_preflight && self.passes_preflight && !has_header {
            return Admitted::Pass(AuthState::Anonymous, None);
        }
        let presented =
            if has_header { credential::presented(request.headers()) } else { Presented::Nothing };
        let (token, source) = match presented {
            Presented::Malformed(reason) => return Admitted::Refuse(reason.into(), None),
            Presented::Bearer(token) => (token, CredentialSource::Header),
            Presented::Nothing => match request.extensions().get::<Credential>() {
                Some(credential) => (credential.untrusted_token().expose(), credential.source()),
                None => return self.without_credential(is_preflight),
            },
        };
        match self.verifier.verify_at_hand(token) {
            // Only what is no compact JWS at all can be no token68 either.
            Some(Err(error)) if source == CredentialSource::Header && is_unread(&error) => {
                let error = credential::check_token68(token).map_or_else(AuthError::from, |()| error);
                Admitted::Refuse(error, None)
            }
            Some(judged) => self.settle(judged, source),
            None => Admitted::Wait(Secret::new(token), source),
        }
    }

    /// Verifies a token, waiting for keys.
    pub(crate) async fn wait(self: Arc<Self>, token: Secret, source: CredentialSource) -> Admitted {
        let judged = self.verifier.verify(token.expose()).await;
        self.settle(judged, source)
    }

    /// Leaves the mark in the request, and the style where it is not the default.
    pub(crate) fn mark<B>(&self, request: &mut Request<B>, state: AuthState, ended: Option<&AuthError>) {
        if let Some(observe) = &self.observer {
            observe.tell(&match (ended, state.identity()) {
                (Some(error), _) => Outcome::SessionRefused(error),
                (None, Ok(identity)) => Outcome::Authenticated(identity),
                (None, Err(_)) => Outcome::Anonymous,
            });
        }
        let extensions = request.extensions_mut();
        let is_inside_another = extensions.insert(state).is_some();
        match &self.style {
            Some(style) => drop(extensions.insert(style.clone())),
            // The layer outside may have left its own.
            None if is_inside_another => drop(extensions.remove::<RefusalStyle>()),
            None => {}
        }
    }

    /// Tells the observer of a refusal and writes the answer.
    pub(crate) fn refuse<B>(
        &self,
        error: AuthError,
        ended_session: Option<Box<AuthError>>,
        request: &mut Request<B>,
    ) -> Response<Bytes> {
        if let Some(observe) = &self.observer {
            observe.tell(&Outcome::Refused(&error));
        }
        let style = self.style.as_ref().unwrap_or(RefusalStyle::default_ref());
        let mut response = style.respond_to(error, request);
        if let Some(error) = ended_session {
            response.extensions_mut().insert(RefusedSession::new(*error));
        }
        response
    }

    fn style(&self) -> RefusalStyle {
        self.style.clone().unwrap_or_default()
    }

    fn without_credential(&self, is_preflight: bool) -> Admitted {
        if !self.is_required {
            return Admitted::Pass(AuthState::Anonymous, None);
        }
        if is_preflight {
            event::preflight_inside();
        }
        Admitted::Refuse(AuthReason::CredentialMissing.into(), None)
    }

    fn settle(&self, judged: Result<Identity, AuthError>, source: CredentialSource) -> Admitted {
        let judged = match judged {
            Ok(identity) if !self.accepts_machines => identity.into_user().map(Identity::User),
            judged => judged,
        };
        match (judged, source) {
            (Ok(identity), _) => Admitted::Pass(AuthState::Authenticated(identity), None),
            // A changed audience, issuer or key must not lock a browser out: the session is over, no more.
            (Err(error), CredentialSource::Session) if error.kind() == AuthErrorKind::InvalidToken => {
                event::refused(&error);
                let ended_session = Some(Box::new(error));
                match self.is_required {
                    false => Admitted::Pass(AuthState::Anonymous, ended_session),
                    true => Admitted::Refuse(AuthReason::CredentialMissing.into(), ended_session),
                }
            }
            (Err(error), CredentialSource::Header | CredentialSource::Session) => {
                Admitted::Refuse(error, None)
            }
        }
    }
}

/// Tells whether a token was refused for its form, before anything in it was read.
fn is_unread(error: &AuthError) -> bool {
    matches!(
        error.reason(),
        AuthReason::TokenMalformed { .. } | AuthReason::TokenTooLong { .. } | AuthReason::TokenEncrypted
    )
}

/// A preflight as the Fetch standard defines it.
fn is_cors_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}
