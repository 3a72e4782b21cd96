//! Two emulators with the same keys, people and client ID: only the issuer tells them apart.

use axum::{Router, body::Body, http::Request};
use example_two_environments::{app, app_during_a_move};
use http_body_util::BodyExt;
use kinde_axum::AuthError;
use tower::ServiceExt;

struct Answer {
    status: u16,
    challenge: Option<String>,
    code: Option<&'static str>,
    body: String,
}

async fn get(app: &Router, path: &str, token: &str) -> Answer {
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let challenge = response.headers().get("www-authenticate");
    Answer {
        status: response.status().as_u16(),
        challenge: challenge.map(|value| value.to_str().unwrap().to_owned()),
        code: response.extensions().get::<AuthError>().map(AuthError::code),
        body: String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap(),
    }
}

#[tokio::test]
async fn token_of_one_environment_is_refused_by_the_other() {
    let (dev, dev_emulator) = example_environment::emulated().await.unwrap();
    let (prod, prod_emulator) = example_environment::emulated().await.unwrap();
    let app = app(&dev, &prod).unwrap();
    for (own, other, emulator) in [("dev", "prod", dev_emulator), ("prod", "dev", prod_emulator)] {
        let alice = emulator.person("alice").access_token();
        assert_eq!(get(&app, &format!("/{own}/me"), &alice).await.status, 200, "{own}");
        let refused = get(&app, &format!("/{other}/me"), &alice).await;
        let challenge = format!(r#"Bearer realm="{other}", error="invalid_token""#);
        assert_eq!((refused.status, refused.challenge), (401, Some(challenge)), "{own}");
        assert_eq!(refused.code, Some("issuer_mismatch"), "{own}");
    }
}

#[tokio::test]
async fn same_subject_in_both_environments_is_two_people() {
    let (dev, dev_emulator) = example_environment::emulated().await.unwrap();
    let (prod, prod_emulator) = example_environment::emulated().await.unwrap();
    let app = app(&dev, &prod).unwrap();
    let [in_dev, in_prod] = [&dev_emulator, &prod_emulator].map(|emulator| emulator.person("alice"));
    assert_eq!(in_dev.id(), in_prod.id());
    let in_dev = get(&app, "/dev/me", &in_dev.access_token()).await.body;
    let in_prod = get(&app, "/prod/me", &in_prod.access_token()).await.body;
    assert_ne!(in_dev, in_prod);
}

#[tokio::test]
async fn tokens_of_both_hosts_are_accepted_during_a_move_and_no_others() {
    let (old, old_emulator) = example_environment::emulated().await.unwrap();
    let (new, new_emulator) = example_environment::emulated().await.unwrap();
    let (_, stranger) = example_environment::emulated().await.unwrap();
    let app = app_during_a_move(&old, &new).unwrap();
    for emulator in [&old_emulator, &new_emulator] {
        let alice = emulator.person("alice");
        let answer = get(&app, "/me", &alice.access_token()).await;
        assert_eq!((answer.status, answer.body), (200, format!("{} of {}\n", alice.id(), emulator.issuer())));
    }
    let refused = get(&app, "/me", &stranger.person("alice").access_token()).await;
    assert_eq!((refused.status, refused.code), (401, Some("issuer_mismatch")));
}
