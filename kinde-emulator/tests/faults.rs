//! What a client sees when an endpoint misbehaves.

use std::{io, time::Duration};

use kinde_emulator::{Environment, Fault};
use reqwest::{Client, Response, StatusCode, redirect::Policy};

const KEYS: &str = "/.well-known/jwks";

async fn ask(kinde: &Environment) -> reqwest::Result<Response> {
    let client = Client::builder().redirect(Policy::none()).no_proxy().build()?;
    client.get(format!("{}{KEYS}", kinde.url())).send().await
}

#[tokio::test]
async fn status_lasts_until_cleared() {
    let kinde = Environment::start().await;
    kinde.fault(KEYS, Fault::Status(502));
    for _ in 0..2 {
        assert_eq!(ask(&kinde).await.unwrap().status(), StatusCode::BAD_GATEWAY);
    }
    kinde.clear_faults();
    assert_eq!(ask(&kinde).await.unwrap().status(), StatusCode::OK);
    assert_eq!(kinde.requests(KEYS), 3);
}

#[tokio::test]
async fn limited_fault_ends_by_itself() {
    let kinde = Environment::start().await;
    kinde.fault(KEYS, Fault::Status(500).times(1));
    assert_eq!(ask(&kinde).await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(ask(&kinde).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn body_and_headers_are_what_the_test_says() {
    let kinde = Environment::start().await;
    kinde.fault(KEYS, Fault::json(200, "{\"keys\":[null]}"));
    let answer = ask(&kinde).await.unwrap();
    assert_eq!(answer.headers().get("content-type").unwrap(), "application/json");
    assert_eq!(answer.text().await.unwrap(), "{\"keys\":[null]}");
    kinde.clear_faults();
    kinde.fault(KEYS, Fault::Headers(vec![("retry-after".to_owned(), "17".to_owned())]));
    let answer = ask(&kinde).await.unwrap();
    assert_eq!(
        (answer.status(), answer.headers().get("retry-after").unwrap().as_bytes()),
        (StatusCode::OK, &b"17"[..])
    );
    kinde.fault(KEYS, Fault::Redirect("http://127.0.0.1:1/".to_owned()));
    let answer = ask(&kinde).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FOUND);
}

#[tokio::test]
async fn hanging_endpoint_never_answers() {
    let kinde = Environment::start().await;
    kinde.fault(KEYS, Fault::Hang);
    let asked = async {
        while kinde.requests(KEYS) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // It arrived; now there is time for an answer.
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    tokio::select! {
        answer = ask(&kinde) => panic!("{answer:?}"),
        () = asked => {}
    }
    assert_eq!(kinde.requests(KEYS), 1);
}

#[tokio::test]
async fn delayed_endpoint_answers_late() {
    let kinde = Environment::start().await;
    kinde.fault(KEYS, Fault::Delay(Duration::from_millis(150)));
    assert!(tokio::time::timeout(Duration::from_millis(50), ask(&kinde)).await.is_err());
    assert_eq!(ask(&kinde).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn reset_connection_gives_no_answer() {
    let kinde = Environment::start().await;
    kinde.fault(KEYS, Fault::Reset.times(1));
    let error = ask(&kinde).await.unwrap_err();
    let mut causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    let is_reset = causes.any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionReset)
    });
    assert!(is_reset, "{error:?}");
    assert_eq!(ask(&kinde).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn truncated_body_ends_in_an_error() {
    let kinde = Environment::start().await;
    kinde.fault(KEYS, Fault::TruncatedBody);
    let answer = ask(&kinde).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn endless_body_goes_on_and_ends_with_its_reader() {
    let kinde = Environment::start().await;
    kinde.fault(KEYS, Fault::EndlessBody);
    let mut answer = ask(&kinde).await.unwrap();
    let mut received = 0;
    while received < 4_000_000 {
        let chunk = answer.chunk().await.unwrap().unwrap();
        assert!(chunk.iter().all(|byte| *byte == b' '));
        received += chunk.len();
    }
    drop(answer);
    kinde.stop().await;
}
