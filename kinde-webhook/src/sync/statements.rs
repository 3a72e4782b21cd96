//! Which rows an event changes, as statements that PostgreSQL and SQLite both understand. Pure: no database here.

use std::time::Duration;

use kinde_core::AccessToken;

use crate::{
    Event, EventPayload, MalformedPayload,
    payload::{
        Organization, OrganizationCreated, OrganizationDeleted, OrganizationUpdated, User, UserCreated,
        UserDeleted, UserOrganization, UserUpdated,
    },
};

/// What one event changes, part by part: an event that is silent on a part leaves that to the newest that is not.
pub(super) type Plan = Vec<Part>;

/// One part: the rest is done only if the guard wrote a row, for then the event is the newest about it.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    pub(super) guard: Statement,
    pub(super) rest: Vec<Statement>,
}

/// A statement with the values of its parameters.
#[derive(Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Text(Option<String>),
    Integer(i64),
    Boolean(bool),
}

/// Plans what an event changes; `None` when it is not about people or organizations.
pub(super) fn plan(event: &Event) -> Result<Option<Plan>, MalformedPayload> {
    let version = Version::of(event);
    Ok(Some(match event.event_type() {
        UserCreated::TYPE => write_user(&event.read::<UserCreated>()?.user, &version),
        UserUpdated::TYPE => write_user(&event.read::<UserUpdated>()?.user, &version),
        UserDeleted::TYPE => delete_user(event.read::<UserDeleted>()?.user.id(), &version),
        OrganizationCreated::TYPE => {
            write_organization(&event.read::<OrganizationCreated>()?.organization, &version)
        }
        OrganizationUpdated::TYPE => {
            write_organization(&event.read::<OrganizationUpdated>()?.organization, &version)
        }
        OrganizationDeleted::TYPE => {
            delete_organization(event.read::<OrganizationDeleted>()?.organization.code(), &version)
        }
        _ => return Ok(None),
    }))
}

/// Plans what a token tells of a person who is not known yet, or whose e-mail address it knows better.
pub(super) fn plan_user_of(token: &AccessToken, email: Option<String>) -> Statement {
    let known_since = email_known_since(token, email.as_deref());
    Statement {
        sql: ENSURE_USER,
        values: vec![text(token.id()), Value::Text(email), Value::Integer(known_since)],
    }
}

/// Tells since when a token knows the address: never, if it has none.
pub(super) fn email_known_since(token: &AccessToken, email: Option<&str>) -> i64 {
    match (email, token.issued_at()) {
        (Some(_), Some(issued_at)) => micros(issued_at),
        _ => 0,
    }
}

/// The order of events about one subject: by time, then by id, so that every order of arrival ends the same.
struct Version {
    changed_at: i64,
    changed_by: String,
}

impl Version {
    fn of(event: &Event) -> Self {
        Self { changed_at: micros(event.happened_at()), changed_by: event.id().to_owned() }
    }

    fn values(&self) -> [Value; 2] {
        [Value::Integer(self.changed_at), text(&self.changed_by)]
    }
}

fn write_user(user: &User, version: &Version) -> Plan {
    let person = [
        text(user.id()),
        optional(user.email()),
        optional(user.first_name()),
        optional(user.last_name()),
        optional(user.username()),
        optional(user.phone()),
    ];
    // The first also makes the row that the others change.
    let mut plan = vec![Part::alone(WRITE_USER, person, version)];
    if let Some(is_suspended) = user.is_suspended() {
        plan.push(Part::alone(SUSPEND_USER, [text(user.id()), Value::Boolean(is_suspended)], version));
    }
    if let Some(organizations) = memberships(user) {
        let mut part = Part::alone(RENEW_MEMBERSHIPS, [text(user.id())], version);
        part.rest.push(Statement { sql: DELETE_MEMBERSHIPS, values: vec![text(user.id())] });
        part.rest.extend(organizations.iter().map(|organization| Statement {
            sql: WRITE_MEMBERSHIP,
            values: vec![
                text(user.id()),
                text(organization.code()),
                keys(organization.roles().iter().map(|role| role.key())),
                keys(organization.permissions().iter().map(|permission| permission.key())),
            ],
        }));
        plan.push(part);
    }
    plan
}

/// Gives the organizations of a person: none where Kinde writes `null`, as it does for lists without an entry; unknown
/// where it writes nothing.
fn memberships(user: &User) -> Option<&[UserOrganization]> {
    let is_null = matches!(user.others().get("organizations"), Some(serde_json::Value::Null));
    user.organizations().or(is_null.then_some(&[]))
}

fn delete_user(id: &str, version: &Version) -> Plan {
    let mut part = Part::alone(DELETE_USER, [text(id)], version);
    part.rest.push(Statement { sql: DELETE_MEMBERSHIPS, values: vec![text(id)] });
    vec![part]
}

fn write_organization(organization: &Organization, version: &Version) -> Plan {
    let facts = [
        text(organization.code()),
        optional(organization.name()),
        optional(organization.handle()),
        optional(organization.external_id()),
    ];
    vec![Part::alone(WRITE_ORGANIZATION, facts, version)]
}

fn delete_organization(code: &str, version: &Version) -> Plan {
    vec![Part::alone(DELETE_ORGANIZATION, [text(code)], version)]
}

impl Part {
    /// A guard without more to do: its parameters are the values, then the version.
    fn alone(sql: &'static str, values: impl IntoIterator<Item = Value>, version: &Version) -> Self {
        let values = values.into_iter().chain(version.values()).collect();
        Self { guard: Statement { sql, values }, rest: Vec::new() }
    }
}

fn text(text: &str) -> Value {
    optional(Some(text))
}

/// PostgreSQL takes no NUL in a text, and nobody's name has one: a hostile one must not make an event fail for ever.
fn optional(text: Option<&str>) -> Value {
    Value::Text(text.map(|text| text.replace('\0', "")))
}

/// Writes keys as a JSON list, which both databases can search.
fn keys<'k>(keys: impl Iterator<Item = Option<&'k str>>) -> Value {
    let keys: Vec<_> = keys.flatten().collect();
    Value::Text(Some(serde_json::Value::from(keys).to_string()))
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// The tables, each of them made only where it is not there.
pub(super) const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS kinde_users (
        id TEXT PRIMARY KEY,
        email TEXT,
        first_name TEXT,
        last_name TEXT,
        username TEXT,
        phone TEXT,
        is_suspended BOOLEAN NOT NULL DEFAULT FALSE,
        is_deleted BOOLEAN NOT NULL DEFAULT FALSE,
        changed_at BIGINT NOT NULL DEFAULT 0,
        changed_by TEXT NOT NULL DEFAULT '',
        email_changed_at BIGINT NOT NULL DEFAULT 0,
        suspended_changed_at BIGINT NOT NULL DEFAULT 0,
        suspended_changed_by TEXT NOT NULL DEFAULT '',
        memberships_changed_at BIGINT NOT NULL DEFAULT 0,
        memberships_changed_by TEXT NOT NULL DEFAULT ''
    )",
    "CREATE TABLE IF NOT EXISTS kinde_organizations (
        code TEXT PRIMARY KEY,
        name TEXT,
        handle TEXT,
        external_id TEXT,
        is_deleted BOOLEAN NOT NULL,
        changed_at BIGINT NOT NULL,
        changed_by TEXT NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS kinde_memberships (
        user_id TEXT NOT NULL,
        org_code TEXT NOT NULL,
        roles TEXT NOT NULL,
        permissions TEXT NOT NULL,
        PRIMARY KEY (user_id, org_code)
    )",
];

const WRITE_USER: &str = "
    INSERT INTO kinde_users (id, email, first_name, last_name, username, phone, changed_at, changed_by,
        email_changed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7)
    ON CONFLICT (id) DO UPDATE SET
        email = CASE WHEN kinde_users.email_changed_at <= $7 THEN excluded.email ELSE kinde_users.email END,
        email_changed_at =
            CASE WHEN kinde_users.email_changed_at <= $7 THEN $7 ELSE kinde_users.email_changed_at END,
        first_name = excluded.first_name,
        last_name = excluded.last_name,
        username = excluded.username,
        phone = excluded.phone,
        changed_at = excluded.changed_at,
        changed_by = excluded.changed_by
    WHERE NOT kinde_users.is_deleted
        AND (kinde_users.changed_at, kinde_users.changed_by) < (excluded.changed_at, excluded.changed_by)";

const SUSPEND_USER: &str = "
    UPDATE kinde_users SET is_suspended = $2, suspended_changed_at = $3, suspended_changed_by = $4
    WHERE id = $1 AND NOT is_deleted AND (suspended_changed_at, suspended_changed_by) < ($3, $4)";

/// Its row lock keeps two events about one person from writing memberships at the same moment.
const RENEW_MEMBERSHIPS: &str = "
    UPDATE kinde_users SET memberships_changed_at = $2, memberships_changed_by = $3
    WHERE id = $1 AND NOT is_deleted AND (memberships_changed_at, memberships_changed_by) < ($2, $3)";

/// A tombstone: an older event that comes later must not bring the person back. What was known of them is erased.
const DELETE_USER: &str = "
    INSERT INTO kinde_users (id, is_deleted, changed_at, changed_by) VALUES ($1, TRUE, $2, $3)
    ON CONFLICT (id) DO UPDATE SET
        email = NULL, first_name = NULL, last_name = NULL, username = NULL, phone = NULL,
        is_suspended = FALSE, is_deleted = TRUE,
        changed_at = excluded.changed_at, changed_by = excluded.changed_by,
        email_changed_at = 0,
        suspended_changed_at = 0, suspended_changed_by = '',
        memberships_changed_at = 0, memberships_changed_by = ''
    WHERE NOT kinde_users.is_deleted
        OR (kinde_users.changed_at, kinde_users.changed_by) < (excluded.changed_at, excluded.changed_by)";

const DELETE_MEMBERSHIPS: &str = "DELETE FROM kinde_memberships WHERE user_id = $1";

const WRITE_MEMBERSHIP: &str = "
    INSERT INTO kinde_memberships (user_id, org_code, roles, permissions) VALUES ($1, $2, $3, $4)
    ON CONFLICT (user_id, org_code) DO UPDATE SET roles = excluded.roles, permissions = excluded.permissions";

const WRITE_ORGANIZATION: &str = "
    INSERT INTO kinde_organizations (code, name, handle, external_id, is_deleted, changed_at, changed_by)
    VALUES ($1, $2, $3, $4, FALSE, $5, $6)
    ON CONFLICT (code) DO UPDATE SET
        name = excluded.name, handle = excluded.handle, external_id = excluded.external_id,
        changed_at = excluded.changed_at, changed_by = excluded.changed_by
    WHERE NOT kinde_organizations.is_deleted
        AND (kinde_organizations.changed_at, kinde_organizations.changed_by)
            < (excluded.changed_at, excluded.changed_by)";

const DELETE_ORGANIZATION: &str = "
    INSERT INTO kinde_organizations (code, is_deleted, changed_at, changed_by) VALUES ($1, TRUE, $2, $3)
    ON CONFLICT (code) DO UPDATE SET
        name = NULL, handle = NULL, external_id = NULL, is_deleted = TRUE,
        changed_at = excluded.changed_at, changed_by = excluded.changed_by
    WHERE NOT kinde_organizations.is_deleted
        OR (kinde_organizations.changed_at, kinde_organizations.changed_by)
            < (excluded.changed_at, excluded.changed_by)";

pub(super) const FIND_USER: &str =
    "SELECT is_suspended, is_deleted, email_changed_at FROM kinde_users WHERE id = $1";

const ENSURE_USER: &str = "
    INSERT INTO kinde_users (id, email, email_changed_at) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET email = excluded.email, email_changed_at = excluded.email_changed_at
    WHERE NOT kinde_users.is_deleted AND kinde_users.email_changed_at < excluded.email_changed_at";
