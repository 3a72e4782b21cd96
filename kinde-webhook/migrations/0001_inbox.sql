-- One row for each event at each endpoint. Text compares by bytes: no locale, and nothing to rebuild when one changes.
create table kinde_webhook_inbox (
    environment text collate "C" not null,
    endpoint text collate "C" not null,
    event_id text collate "C" not null,
    state text collate "C" not null check (state in ('reserved', 'handled', 'parked')),
    -- Distinguishes reservations of one event; only the holder of the current one may write an outcome.
    nonce bytea not null,
    reserved_at timestamptz not null,
    -- Until when the reservation holds; of a parked event, until when somebody who reopened it works on it.
    lease_until timestamptz not null,
    -- Until when the outcome must be remembered. A parked event stays until it is settled.
    keep_until timestamptz not null,
    parked_at timestamptz,
    -- The JWT of a parked event: it holds personal data.
    token text,
    reason text,
    primary key (environment, endpoint, event_id),
    check ((state = 'parked') = (token is not null and reason is not null and parked_at is not null))
) with (fillfactor = 85);

-- No index names the state: confirming an event then touches no index.
create index kinde_webhook_inbox_keep_until on kinde_webhook_inbox (keep_until);
create index kinde_webhook_inbox_parked_at on kinde_webhook_inbox (parked_at) where parked_at is not null;
