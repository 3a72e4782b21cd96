//! The service over loopback HTTP, with tokens of an emulator.

use example_axum_api::app;
use kinde_axum::KindeLayer;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Serves the to-do service on a free port.
async fn serve(layer: KindeLayer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/todos", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app(layer)).await });
    url
}

async fn send(method: Method, url: &str, token: Option<&str>) -> Response {
    let client = Client::builder().no_proxy().build().unwrap();
    let mut request = client.request(method.clone(), url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if method == Method::POST {
        // The owner is not the client's to choose.
        request =
            request.json(&json!({"title": "Buy milk", "owner": "somebody else", "sub": "somebody else"}));
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn request_without_a_token_gets_401() {
    let (kinde, _emulator) = example_environment::emulated().await.unwrap();
    let url = serve(KindeLayer::new(kinde.verifier().build().unwrap())).await;
    for method in [Method::GET, Method::POST] {
        let response = send(method, &url, None).await;
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api""#);
    }
}

#[tokio::test]
async fn person_without_the_permission_may_list_and_gets_403_for_creating() {
    let (kinde, emulator) = example_environment::emulated().await.unwrap();
    let url = serve(KindeLayer::new(kinde.verifier().build().unwrap())).await;
    let bob = emulator.person("bob").in_org("acme").with("read:todos").access_token();
    assert_eq!(send(Method::GET, &url, Some(&bob)).await.status(), 200);
    let refused = send(Method::POST, &url, Some(&bob)).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.headers()["www-authenticate"], r#"Bearer realm="api", error="insufficient_scope""#);
    assert_eq!(send(Method::GET, &url, Some(&bob)).await.json::<Value>().await.unwrap(), json!([]));
}

#[tokio::test]
async fn people_see_their_own_items_only() {
    let (kinde, emulator) = example_environment::emulated().await.unwrap();
    let url = serve(KindeLayer::new(kinde.verifier().build().unwrap())).await;
    let [alice, bob] =
        ["alice", "bob"].map(|name| emulator.person(name).in_org("acme").with("create:todos").access_token());
    assert_eq!(send(Method::POST, &url, Some(&alice)).await.status(), 201);
    let listed = |token: String| {
        let url = url.clone();
        async move { send(Method::GET, &url, Some(&token)).await.json::<Value>().await.unwrap() }
    };
    assert_eq!(listed(alice).await, json!([{"id": 1, "title": "Buy milk"}]));
    assert_eq!(listed(bob).await, json!([]));
}
