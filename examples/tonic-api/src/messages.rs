//! The messages of `todos.proto`.

/// Asks for the caller's items; whose they are, the token says.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct ListRequest {}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ListResponse {
    #[prost(message, repeated, tag = "1")]
    pub todos: Vec<Todo>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CreateRequest {
    #[prost(string, tag = "1")]
    pub title: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Todo {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(string, tag = "2")]
    pub title: String,
}
