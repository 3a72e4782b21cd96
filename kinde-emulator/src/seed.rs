//! What an environment contains when it starts.

use crate::{application::Application, directory::Directory};

/// What an environment contains when it starts.
#[derive(Clone, Debug, Default)]
pub struct Seed {}

impl Seed {
    pub(crate) fn plant(&self, _directory: &mut Directory, _now: u64) {}

    pub(crate) fn first_web_application(&self) -> Option<Application> {
        None
    }
}
