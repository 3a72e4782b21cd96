//! What a code brings begins a session only if both tokens are of this sign-in, this application and one person.

use std::{sync::Arc, time::Duration};

use http::Method;
use kinde_emulator::{Environment, Fault, Person};
use kinde_tests::site::{Browser, SCRIPT, Site};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Makes the token endpoint's answer: of who signs in, with the nonce of the sign-in, and of somebody else.
type Answer = fn(&Site, own: &Person, other: &Person) -> Value;

fn answer(access_token: &str, id_token: &str) -> Value {
    json!({
        "access_token": access_token, "id_token": id_token, "refresh_token": "of-this-answer",
        "token_type": "Bearer", "expires_in": 86_399, "scope": "openid profile email offline",
    })
}

fn without(mut answer: Value, member: &str) -> Value {
    answer.as_object_mut().unwrap().remove(member).unwrap();
    answer
}

fn both(person: &Person) -> Value {
    let access_token = person.access_token();
    answer(&access_token, &person.id_token_for(&access_token))
}

/// The person's access token with an ID token that says something else, and belongs to it otherwise.
fn with_id_token_of(own: &Person, other: &Person) -> Value {
    let access_token = own.access_token();
    answer(&access_token, &other.id_token_for(&access_token))
}

/// The person's ID token with another access token that it belongs to otherwise.
fn with_access_token_of(own: &Person, other: &Person) -> Value {
    let access_token = other.access_token();
    answer(&access_token, &own.id_token_for(&access_token))
}

/// An answer whose ID token has the signature of another token.
fn signed_as(mut answer: Value, other: &Value) -> Value {
    let (message, _) = answer["id_token"].as_str().unwrap().rsplit_once('.').unwrap();
    let (_, signature) = other.as_str().unwrap().rsplit_once('.').unwrap();
    answer["id_token"] = format!("{message}.{signature}").into();
    answer
}

const API: &str = "https://api.example.test";
const ELSEWHERE: &str = "https://somebody-else.kinde.com";
const OTHER_APPLICATION: &str = "0123456789abcdef0123456789abcdef";

const FOREIGN: [(&str, &str, Answer); 24] = [
    ("no ID token", "answer_malformed", |_, own, _| without(both(own), "id_token")),
    ("no access token", "answer_malformed", |_, own, _| without(both(own), "access_token")),
    ("an empty ID token", "answer_malformed", |_, own, _| answer(&own.access_token(), "")),
    ("ID token without a nonce", "token_refused", |_, own, _| {
        with_id_token_of(own, &own.without_claim("nonce"))
    }),
    ("ID token with an empty nonce", "token_refused", |_, own, _| {
        with_id_token_of(own, &own.with_claim("nonce", ""))
    }),
    ("ID token of another sign-in", "token_refused", |_, own, _| {
        with_id_token_of(own, &own.with_nonce("of-another-sign-in"))
    }),
    ("ID token of another issuer", "token_refused", |_, own, _| {
        with_id_token_of(own, &own.with_claim("iss", ELSEWHERE))
    }),
    ("ID token for another application", "token_refused", |_, own, _| {
        with_id_token_of(own, &own.with_claim("aud", json!([OTHER_APPLICATION])))
    }),
    ("ID token for nobody", "token_refused", |_, own, _| with_id_token_of(own, &own.without_claim("aud"))),
    ("ID token issued to another application", "token_refused", |_, own, _| {
        with_id_token_of(own, &own.with_claim("azp", OTHER_APPLICATION))
    }),
    ("ID token about nobody", "token_refused", |_, own, _| with_id_token_of(own, &own.without_claim("sub"))),
    ("ID token that expired", "token_refused", |_, own, _| with_id_token_of(own, &own.expired())),
    ("ID token of two hours ago", "token_refused", |site, own, _| {
        let old = own.issued_at(site.kinde.now() - 7_200).expires_in(Duration::from_secs(86_400));
        with_id_token_of(own, &old)
    }),
    ("ID token beside another access token", "token_refused", |_, own, _| {
        answer(&own.access_token(), &own.id_token())
    }),
    ("ID token that nobody signed", "token_refused", |_, own, _| signed_as(both(own), &Value::from(".."))),
    ("ID token with the signature of another", "token_refused", |_, own, other| {
        signed_as(both(own), &both(other)["id_token"])
    }),
    ("access token in the place of the ID token", "token_refused", |_, own, _| {
        answer(&own.access_token(), &own.access_token())
    }),
    ("access token of another issuer", "token_refused", |_, own, _| {
        with_access_token_of(own, &own.with_claim("iss", ELSEWHERE))
    }),
    ("access token of another application", "token_refused", |_, own, _| {
        with_access_token_of(own, &own.with_client_id(OTHER_APPLICATION))
    }),
    ("access token that expired", "token_refused", |_, own, _| with_access_token_of(own, &own.expired())),
    ("access token that a stranger signed", "token_refused", |_, own, _| {
        let access_token = own.wrong().other_key();
        answer(&access_token, &own.id_token_for(&access_token))
    }),
    ("access token of somebody else", "subject_mismatch", |_, own, other| with_access_token_of(own, other)),
    ("ID token of somebody else", "subject_mismatch", |_, own, other| with_id_token_of(own, other)),
    ("a token of another type", "answer_malformed", |_, own, _| {
        let mut answer = both(own);
        answer["token_type"] = "mac".into();
        answer
    }),
];

/// Signs somebody in with this answer of the token endpoint: with the code of the refusal, or an empty one.
async fn begins(site: &Site, name: &str, [own, other]: [&Person; 2], made: Answer, code: &str) {
    let mut browser = Browser::default();
    let started = browser.go(&format!("{}/api/auth/login", site.url)).await.location.unwrap();
    let nonce = started.split(['?', '&']).find_map(|part| part.strip_prefix("nonce=")).unwrap();
    let made = made(site, &own.with_nonce(nonce), &other.with_nonce(nonce));
    let callback = site.kinde.sign_in(&started, own).unwrap();
    site.kinde.reset_requests();
    site.kinde.fault("/oauth2/token", Fault::json(200, made.to_string()).times(1));
    let seen = browser.ask(Method::GET, &callback, &SCRIPT).await;
    assert_eq!(site.kinde.requests("/oauth2/token"), 1, "{name}: one exchange");
    let cookies = browser.cookies(&site.url);
    if code.is_empty() {
        assert_eq!((seen.status, cookies), (303, vec![site.login.session_cookie_name()]), "{name}: {seen:?}");
        return;
    }
    assert_eq!(seen.status, 502, "{name}: {seen:?}");
    assert_eq!(serde_json::from_str::<Value>(&seen.body).unwrap()["code"], code, "{name}: {}", seen.body);
    assert!(cookies.is_empty(), "{name}: no session, and the flow is over: {cookies:?}");
    assert_eq!(browser.go(&format!("{}/", site.url)).await.body, "nobody", "{name}");
}

/// covers: F7 F11
#[tokio::test]
async fn tokens_that_are_not_of_this_sign_in_and_of_one_person_begin_no_session() {
    let site = Site::start().await;
    let [alice, bob] = ["alice", "bob"].map(|name| site.kinde.person(name));
    let good: (_, _, Answer) = ("both of this sign-in", "", |_, own, _| both(own));
    for (name, code, made) in FOREIGN.into_iter().chain([good]) {
        begins(&site, name, [&alice, &bob], made, code).await;
    }
}

/// covers: F7
#[tokio::test]
async fn access_token_for_another_api_or_of_a_machine_begins_no_session() {
    let kinde = Arc::new(Environment::start().await);
    kinde.register_api(API, &[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let site = Site::start_at(kinde, url, listener, &[("KINDE_AUDIENCE", API)], |builder| builder);
    let [alice, bob] = ["alice", "bob"].map(|name| site.kinde.person(name).with_audience(API));
    let rows: [(_, _, Answer); 4] = [
        ("for no API", "token_refused", |_, own, _| {
            with_access_token_of(own, &own.with_claim("aud", json!([])))
        }),
        ("for another API", "token_refused", |_, own, _| {
            with_access_token_of(own, &own.with_claim("aud", json!(["https://other.example.test"])))
        }),
        ("of a machine", "subject_mismatch", |site, own, _| {
            let access_token = site.kinde.machine("worker").with_audience(API).access_token();
            answer(&access_token, &own.id_token_for(&access_token))
        }),
        ("for this API", "", |_, own, _| both(own)),
    ];
    for (name, code, made) in rows {
        begins(&site, name, [&alice, &bob], made, code).await;
    }
}

/// covers: F11
#[tokio::test]
async fn refresh_token_that_came_with_refused_tokens_is_revoked() {
    let site = Site::start().await;
    let [alice, bob] = ["alice", "bob"].map(|name| site.kinde.person(name));
    let mut browser = Browser::default();
    let started = browser.go(&format!("{}/api/auth/login", site.url)).await.location.unwrap();
    let callback = site.kinde.sign_in(&started, &alice).unwrap();
    let made = with_id_token_of(&alice, &bob);
    site.kinde.fault("/oauth2/token", Fault::json(200, made.to_string()).times(1));
    assert_eq!(browser.go(&callback).await.status, 502);
    let began = tokio::time::Instant::now();
    while site.kinde.requests("/oauth2/revoke") == 0 {
        assert!(began.elapsed().as_secs() < 20, "nobody waits for it, but it is revoked");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
