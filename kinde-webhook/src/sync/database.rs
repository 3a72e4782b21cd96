//! What both databases do in the same way: sqlx gives each of them types of its own.

/// Writes what is the same of a sync, given its type and those of its database; how a transaction begins there it says
/// itself.
macro_rules! in_database {
    ($Sync:ident, $Connection:ty, $Database:ty, $Arguments:ty) => {
        impl $Sync {
            /// Applies an event in a transaction of its own.
            ///
            /// Once begun it runs to its end, even if it is not waited for any longer: a connection that went back to
            /// the pool in the middle of its BEGIN would carry the open transaction to whoever has it next.
            ///
            /// # Errors
            ///
            /// Permanent for a payload of another shape, retryable when the database fails.
            pub async fn apply(
                &self,
                event: &$crate::Event,
            ) -> Result<$crate::sync::Applied, $crate::HandlerError> {
                let (this, event) = (self.clone(), event.clone());
                let applying = async move {
                    let mut transaction = this.begin().await?;
                    let applied = this.apply_in(&mut transaction, &event).await?;
                    transaction.commit().await?;
                    Ok(applied)
                };
                tokio::spawn(applying).await?
            }

            /// Applies an event in a transaction of the caller's. In the inbox's, it is applied exactly once.
            ///
            /// # Errors
            ///
            /// As [`apply`](Self::apply).
            pub async fn apply_in(
                &self,
                transaction: &mut $Connection,
                event: &$crate::Event,
            ) -> Result<$crate::sync::Applied, $crate::HandlerError> {
                use $crate::sync::{Applied, statements};

                let plan = statements::plan(event).map_err($crate::HandlerError::permanent)?;
                let mut applied = if plan.is_some() { Applied::Outdated } else { Applied::NotSynced };
                for part in plan.iter().flatten() {
                    if bound(&part.guard).execute(&mut *transaction).await?.rows_affected() == 0 {
                        continue;
                    }
                    applied = Applied::Written;
                    for statement in &part.rest {
                        bound(statement).execute(&mut *transaction).await?;
                    }
                }
                Ok(applied)
            }

            /// Makes sure that whoever calls has a row, and tells what is known of them.
            ///
            /// One query for a person who is known.
            ///
            /// # Errors
            ///
            /// [`SyncError`](crate::sync::SyncError) when the database does not answer. Refuse the request then: it is
            /// not known whether the person was deleted.
            pub async fn ensure_user(
                &self,
                token: &kinde_core::AccessToken,
            ) -> Result<$crate::sync::UserState, $crate::sync::SyncError> {
                $crate::sync::ensure::ensure_user(self, token).await.map_err(failed)
            }
        }

        impl $crate::sync::ensure::Users for $Sync {
            type Error = sqlx::Error;

            async fn find(&self, id: &str) -> Result<Option<($crate::sync::UserState, i64)>, sqlx::Error> {
                use sqlx::Row;

                let query = sqlx::query($crate::sync::statements::FIND_USER).bind(id);
                query
                    .fetch_optional(&self.pool)
                    .await?
                    .map(|row| {
                        let (is_suspended, is_deleted) =
                            (row.try_get("is_suspended")?, row.try_get("is_deleted")?);
                        let state = $crate::sync::UserState::of(is_suspended, is_deleted);
                        Ok((state, row.try_get("email_changed_at")?))
                    })
                    .transpose()
            }

            async fn write(
                &self,
                statement: &$crate::sync::statements::Statement,
            ) -> Result<(), sqlx::Error> {
                bound(statement).execute(&self.pool).await.map(drop)
            }
        }

        fn bound(
            statement: &$crate::sync::statements::Statement,
        ) -> sqlx::query::Query<'_, $Database, $Arguments> {
            use $crate::sync::statements::Value;

            statement.values.iter().fold(sqlx::query(statement.sql), |query, value| match value {
                Value::Text(text) => query.bind(text.as_deref()),
                Value::Integer(number) => query.bind(*number),
                Value::Boolean(flag) => query.bind(*flag),
            })
        }

        fn failed(error: sqlx::Error) -> $crate::sync::SyncError {
            $crate::sync::SyncError(error.into())
        }
    };
}

pub(super) use in_database;
