//! The one table of variable names: what each means here, and which are refused with what instead.

/// One name that this library or another Kinde SDK reads.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) role: Role,
}

impl Variable {
    /// Tells what the variable says, for a reader who mistyped its name.
    pub(super) fn meaning(&self) -> String {
        match self.role {
            Role::Honoured { meaning, .. } => meaning.to_owned(),
            Role::AliasOf(setting) | Role::HostAliasOf(setting) => format!("another spelling of {setting}"),
            Role::Refused { .. } => "known from another SDK and refused here".to_owned(),
            Role::NotRead => "for another program".to_owned(),
        }
    }
}

/// What happens when the variable is set.
#[derive(Debug)]
pub(super) enum Role {
    /// It is a setting.
    Honoured { shape: Shape, meaning: &'static str },
    /// It is another spelling of that setting.
    AliasOf(&'static str),
    /// As `AliasOf`, and a host without a scheme is taken for `https://`: the SDKs that read these names take both.
    HostAliasOf(&'static str),
    /// It is a problem, except for the values that ask for what happens anyway (compared without case).
    Refused { harmless: &'static [&'static str], is_secret: bool, fix: &'static str },
    /// It is for another program, and reported by name.
    NotRead,
}

/// How two spellings of one setting are compared, and whether the value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Paths are added to it: one trailing slash does not count.
    Base,
    /// White space and commas separate.
    List,
    /// Every byte counts.
    Text,
    /// As `Text`, and never shown.
    Secret,
}

/// Finds the row of a name.
pub(super) fn find(name: &str) -> Option<&'static Variable> {
    TABLE.iter().find(|variable| variable.name == name)
}

const fn honoured(name: &'static str, shape: Shape, meaning: &'static str) -> Variable {
    Variable { name, role: Role::Honoured { shape, meaning } }
}

const fn alias(name: &'static str, of: &'static str) -> Variable {
    Variable { name, role: Role::AliasOf(of) }
}

const fn host_alias(name: &'static str, of: &'static str) -> Variable {
    Variable { name, role: Role::HostAliasOf(of) }
}

const fn refused(name: &'static str, harmless: &'static [&'static str], fix: &'static str) -> Variable {
    Variable { name, role: Role::Refused { harmless, is_secret: false, fix } }
}

const fn refused_secret(name: &'static str, fix: &'static str) -> Variable {
    Variable { name, role: Role::Refused { harmless: &[], is_secret: true, fix } }
}

const fn not_read(name: &'static str) -> Variable {
    Variable { name, role: Role::NotRead }
}

pub(super) const ISSUER: &str = "KINDE_ISSUER_URL";
pub(super) const CLIENT_ID: &str = "KINDE_CLIENT_ID";
pub(super) const CLIENT_SECRET: &str = "KINDE_CLIENT_SECRET";
pub(super) const AUDIENCE: &str = "KINDE_AUDIENCE";
pub(super) const SITE_URL: &str = "KINDE_SITE_URL";
pub(super) const SCOPE: &str = "KINDE_SCOPE";
pub(super) const POST_LOGIN_REDIRECT_URL: &str = "KINDE_POST_LOGIN_REDIRECT_URL";
pub(super) const POST_LOGOUT_REDIRECT_URL: &str = "KINDE_POST_LOGOUT_REDIRECT_URL";
pub(super) const AUTH_API_PATH: &str = "KINDE_AUTH_API_PATH";
pub(super) const REDIRECT_URI: &str = "KINDE_REDIRECT_URI";
pub(super) const SESSION_SECRET: &str = "SESSION_SECRET";
pub(super) const COOKIE_MAX_AGE: &str = "KINDE_COOKIE_MAX_AGE";
pub(super) const LANG: &str = "KINDE_LANG";
pub(super) const ORG_CODE: &str = "KINDE_ORG_CODE";

/// Every name, in the order in which problems are reported; `docs/configuration.md` lists the same names.
pub(super) const TABLE: &[Variable] = &[
    honoured(ISSUER, Shape::Base, "the issuer, for example https://acme.kinde.com"),
    alias("NEXT_PUBLIC_KINDE_ISSUER_URL", ISSUER),
    host_alias("KINDE_DOMAIN", ISSUER),
    host_alias("KINDE_HOST", ISSUER),
    honoured(CLIENT_ID, Shape::Text, "the application's client ID"),
    alias("NEXT_PUBLIC_KINDE_CLIENT_ID", CLIENT_ID),
    honoured(CLIENT_SECRET, Shape::Secret, "the application's client secret"),
    honoured(AUDIENCE, Shape::List, "the audiences of your API"),
    honoured(SITE_URL, Shape::Base, "the site's own origin"),
    alias("NEXT_PUBLIC_KINDE_SITE_URL", SITE_URL),
    honoured(SCOPE, Shape::List, "the requested scopes"),
    alias("KINDE_SCOPES", SCOPE),
    honoured(POST_LOGIN_REDIRECT_URL, Shape::Text, "where a browser goes after sign-in"),
    alias("KINDE_POST_LOGIN_URL_REDIRECT_URL", POST_LOGIN_REDIRECT_URL),
    honoured(POST_LOGOUT_REDIRECT_URL, Shape::Text, "where a browser goes after sign-out"),
    alias("KINDE_LOGOUT_REDIRECT_URI", POST_LOGOUT_REDIRECT_URL),
    honoured(AUTH_API_PATH, Shape::Base, "the path of the sign-in routes"),
    // The Next.js SDK lets this spelling win; here the two agree or neither is taken.
    alias("NEXT_PUBLIC_KINDE_AUTH_API_PATH", AUTH_API_PATH),
    honoured("KINDE_AUTH_LOGIN_ROUTE", Shape::Text, "the name of a sign-in route"),
    honoured("KINDE_AUTH_LOGOUT_ROUTE", Shape::Text, "the name of a sign-in route"),
    honoured("KINDE_AUTH_REGISTER_ROUTE", Shape::Text, "the name of a sign-in route"),
    honoured("KINDE_AUTH_CREATEORG_ROUTE", Shape::Text, "the name of a sign-in route"),
    honoured("KINDE_AUTH_HEALTH_ROUTE", Shape::Text, "the name of a sign-in route"),
    honoured("KINDE_AUTH_SETUP_ROUTE", Shape::Text, "the name of a sign-in route"),
    honoured("KINDE_AUTH_PORTAL_ROUTE", Shape::Text, "the name of a sign-in route"),
    honoured("KINDE_AUTH_ENDSESSION_ROUTE", Shape::Text, "the name of a sign-in route"),
    honoured(REDIRECT_URI, Shape::Text, "the redirect URI, which must equal the derived one"),
    alias("KINDE_REDIRECT_URL", REDIRECT_URI),
    honoured(SESSION_SECRET, Shape::Secret, "the secret that seals session cookies"),
    honoured(COOKIE_MAX_AGE, Shape::Text, "the longest life of a session cookie, in seconds"),
    honoured(LANG, Shape::Text, "the language of the sign-in pages"),
    honoured(ORG_CODE, Shape::Text, "the org code that sign-in asks for"),
    refused(
        "KINDE_COOKIE_DOMAIN",
        &[],
        "remove it: a cookie with a Domain reaches every subdomain and loses the __Host- prefix; who accepts that \
         calls insecure_cookie_domain() at the sign-in builder",
    ),
    refused(
        "KINDE_POST_LOGIN_ALLOWED_URL_REGEX",
        &[],
        "remove it: an expression without anchors opens redirects to any site; list the allowed URLs at the \
         sign-in builder (paths of your own site need no entry)",
    ),
    refused("KINDE_DEBUG_MODE", &["false", "0"], "remove it and set RUST_LOG=kinde_core=debug"),
    refused(
        "KINDE_DEBUG",
        &["false", "0"],
        "remove it and set RUST_LOG=kinde_core=debug; the health route is always on and shows no settings",
    ),
    refused("KINDE_OPENID_ENDPOINT", &[], ENDPOINT_FIX),
    refused("KINDE_AUTHORIZATION_ENDPOINT", &[], ENDPOINT_FIX),
    refused("KINDE_TOKEN_ENDPOINT", &[], ENDPOINT_FIX),
    refused("KINDE_LOGOUT_ENDPOINT", &[], ENDPOINT_FIX),
    refused(
        "KINDE_PROTOCOL",
        &["https", "https://"],
        "remove it and write the scheme in KINDE_ISSUER_URL; plain http is accepted for a loopback host only",
    ),
    refused(
        "KINDE_GRANT_TYPE",
        &["code", "authorization_code", "pkce"],
        "remove it: sign-in uses the authorization code grant with PKCE, and machine tokens are requested in code",
    ),
    refused("KINDE_AUTH_WITH_PKCE", &["true", "1"], "remove it: PKCE is always used"),
    refused(
        "KINDE_HAS_SUCCESS_PAGE",
        &["false", "0"],
        "remove it: Kinde's success page is for native applications; a browser is sent back to your site",
    ),
    refused(
        "KINDE_FORCE_API",
        &["false", "0"],
        "remove it: checks read the verified token; ask the Account API in code where a fresh answer matters",
    ),
    refused_secret(
        "KINDE_WEBHOOK_SECRET",
        "remove it: Kinde has no webhook secret; a webhook is a JWT signed with the keys of the issuer and is \
         verified with KINDE_ISSUER_URL alone",
    ),
    refused_secret(
        "NEXT_PUBLIC_KINDE_CLIENT_SECRET",
        "remove it and rotate the client secret: a NEXT_PUBLIC_ value is built into pages that anyone can read; \
         set KINDE_CLIENT_SECRET",
    ),
    refused_secret(
        "VITE_KINDE_CLIENT_SECRET",
        "remove it and rotate the client secret: a VITE_ value is built into pages that anyone can read; set \
         KINDE_CLIENT_SECRET",
    ),
    not_read("KINDE_MANAGEMENT_CLIENT_ID"),
    not_read("KINDE_MANAGEMENT_CLIENT_SECRET"),
    not_read("KINDE_MANAGEMENT_ACCESS_TOKEN"),
    not_read("KINDE_WF_M2M_CLIENT_ID"),
    not_read("KINDE_WF_M2M_CLIENT_SECRET"),
    not_read("VITE_KINDE_CLIENT_ID"),
    not_read("VITE_KINDE_DOMAIN"),
    not_read("VITE_KINDE_REDIRECT_URL"),
    not_read("VITE_KINDE_LOGOUT_URL"),
    not_read("VITE_KINDE_AUDIENCE"),
    not_read("SECRET_KEY"),
    not_read("SESSION_TYPE"),
    not_read("SESSION_FILE_DIR"),
];

const ENDPOINT_FIX: &str =
    "remove it: every endpoint follows from KINDE_ISSUER_URL, and credentials go to that origin only";
