//! Describes the service of `todos.proto` in Rust, so that no `protoc` is needed.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let todos = Service::builder()
        .package("todos.v1")
        .name("Todos")
        .comment("The signed-in person's to-do items.")
        .method(method("list", "List", "ListRequest", "ListResponse"))
        .method(method("create", "Create", "CreateRequest", "Todo"))
        .build();
    Builder::new().compile(&[todos]);
}

fn method(name: &str, route: &str, input: &str, output: &str) -> Method {
    Method::builder()
        .name(name)
        .route_name(route)
        .input_type(format!("crate::messages::{input}"))
        .output_type(format!("crate::messages::{output}"))
        .codec_path("tonic_prost::ProstCodec")
        .build()
}
