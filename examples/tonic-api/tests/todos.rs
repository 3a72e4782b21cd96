//! The service over loopback HTTP/2, called by the generated client with tokens of an emulator.

use example_tonic_api::{
    app,
    messages::{CreateRequest, ListRequest, Todo},
    todos_client::TodosClient,
};
use kinde_tower::KindeLayer;
use tokio::net::TcpListener;
use tonic::{
    Code, Request, Status,
    transport::{Channel, server::TcpIncoming},
};

/// Serves the to-do service on a free port and connects to it.
async fn connect(layer: KindeLayer) -> TodosClient<Channel> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(app(layer).serve_with_incoming(TcpIncoming::from(listener)));
    TodosClient::new(Channel::from_shared(url).unwrap().connect().await.unwrap())
}

fn call<T>(message: T, token: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    request
}

fn milk() -> CreateRequest {
    CreateRequest { title: "Buy milk".to_owned() }
}

fn told(status: Status) -> (i32, String) {
    (status.code() as i32, status.message().to_owned())
}

#[tokio::test]
async fn call_without_a_token_gets_status_16() {
    let (kinde, _emulator) = example_environment::emulated().await.unwrap();
    let mut todos = connect(KindeLayer::new(kinde.verifier().build().unwrap())).await;
    let refused = todos.list(call(ListRequest {}, None)).await.unwrap_err();
    assert_eq!(told(refused), (Code::Unauthenticated as i32, "credential missing".to_owned()));
    let refused = todos.create(call(milk(), Some("not.a.token"))).await.unwrap_err();
    assert_eq!(told(refused), (16, "invalid credential".to_owned()));
}

#[tokio::test]
async fn person_without_the_permission_may_list_and_gets_status_7_for_creating() {
    let (kinde, emulator) = example_environment::emulated().await.unwrap();
    let mut todos = connect(KindeLayer::new(kinde.verifier().build().unwrap())).await;
    let bob = emulator.person("bob").in_org("acme").with("read:todos").access_token();
    let refused = todos.create(call(milk(), Some(&bob))).await.unwrap_err();
    assert_eq!(told(refused), (Code::PermissionDenied as i32, "permission denied".to_owned()));
    let listed = todos.list(call(ListRequest {}, Some(&bob))).await.unwrap();
    assert_eq!(listed.into_inner().todos, []);
}

#[tokio::test]
async fn people_see_their_own_items_only() {
    let (kinde, emulator) = example_environment::emulated().await.unwrap();
    let mut todos = connect(KindeLayer::new(kinde.verifier().build().unwrap())).await;
    let [alice, bob] =
        ["alice", "bob"].map(|name| emulator.person(name).in_org("acme").with("create:todos").access_token());
    let milk = todos.create(call(milk(), Some(&alice))).await.unwrap().into_inner();
    assert_eq!(milk, Todo { id: 1, title: "Buy milk".to_owned() });
    let alices = todos.list(call(ListRequest {}, Some(&alice))).await.unwrap();
    assert_eq!(alices.into_inner().todos, [milk]);
    let bobs = todos.list(call(ListRequest {}, Some(&bob))).await.unwrap();
    assert_eq!(bobs.into_inner().todos, []);
}
