//! To-do items in memory, each owned by a person.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use kinde_tower::kinde_core::AccessToken;

use crate::messages::Todo;

/// Every method takes the verified token of the owner, so that an id the client sent cannot be passed.
#[derive(Clone, Debug, Default)]
pub struct Store {
    by_owner: Arc<Mutex<HashMap<String, Vec<Todo>>>>,
}

impl Store {
    /// Gives the owner's items, oldest first.
    pub fn list(&self, owner: &AccessToken) -> Vec<Todo> {
        let by_owner = self.by_owner.lock().unwrap_or_else(PoisonError::into_inner);
        by_owner.get(owner.id()).cloned().unwrap_or_default()
    }

    /// Adds an item to the owner's.
    pub fn create(&self, owner: &AccessToken, title: String) -> Todo {
        let mut by_owner = self.by_owner.lock().unwrap_or_else(PoisonError::into_inner);
        let todos = by_owner.entry(owner.id().to_owned()).or_default();
        let todo = Todo { id: todos.len() as u64 + 1, title };
        todos.push(todo.clone());
        todo
    }
}
