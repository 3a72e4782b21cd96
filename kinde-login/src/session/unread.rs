//! Ends a session by its name alone: one that this version cannot read, or that is over already.

use http::HeaderMap;

use super::{
    keeper::{Keeper, Place, unavailable},
    record::SessionId,
};
use crate::error::LoginError;

impl Keeper {
    /// Deletes the record that a request's cookie names, whoever wrote it: an id is all that it takes. Its refresh token
    /// cannot be read and so not be revoked; it runs out by itself. A session in a cookie ends with the cookie.
    pub(crate) async fn end_unread(&self, headers: &HeaderMap) -> Result<(), LoginError> {
        let Place::Store(store) = &self.place else { return Ok(()) };
        let named = self.cookies.joined_session(headers).and_then(|cookie| SessionId::parse(&cookie));
        let Some(id) = named else { return Ok(()) };
        store.delete(id.key()).await.map_err(unavailable)
    }
}
