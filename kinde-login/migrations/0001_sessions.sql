-- Sessions of browsers: sealed, under an id from which no cookie can be made.
create table kinde_sessions (
    id bytea primary key,
    version bigint not null,
    data bytea not null,
    -- Moved on with use; the session is over when it is past.
    idle_until timestamptz not null,
    -- Never moved.
    ends_at timestamptz not null
);

create index kinde_sessions_over on kinde_sessions (idle_until);
