//! Decides from times alone: use the held keys, refresh them, wait for a fetch, or refuse.

use std::time::Duration;

/// When a held key set was loaded, asks to be refreshed, and stops being used; monotonic times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lifetime {
    pub(super) loaded_at: Duration,
    pub(super) refresh_due: Duration,
    pub(super) unusable_from: Duration,
}

impl Lifetime {
    /// Plans the life of a set loaded `now`; `draw` (0.0..1.0) spreads the refreshes of a fleet.
    pub(super) fn starting(now: Duration, soft_age: Duration, max_stale: Duration, draw: f64) -> Self {
        let tenth = soft_age.checked_div(10).unwrap_or_default();
        // `as` saturates: a draw that is not a number, negative or above one still lands in range.
        let thousandths = ((draw * 1000.0) as u32).min(1000);
        let spread = tenth.checked_div(1000).unwrap_or_default().saturating_mul(thousandths);
        let refresh_after = soft_age.saturating_sub(tenth).saturating_add(spread);
        Self {
            loaded_at: now,
            refresh_due: now.saturating_add(refresh_after),
            unusable_from: now.saturating_add(soft_age).saturating_add(max_stale),
        }
    }

    /// The life of a set that is never fetched.
    pub(super) fn endless(now: Duration) -> Self {
        Self { loaded_at: now, refresh_due: Duration::MAX, unusable_from: Duration::MAX }
    }

    pub(super) fn is_usable(&self, now: Duration) -> bool {
        now < self.unusable_from || self.unusable_from == Duration::MAX
    }

    fn is_refresh_due(&self, now: Duration) -> bool {
        now >= self.refresh_due
    }
}

/// Chooses the soft age: the explicit setting, else the provider's `max-age` in bounds, else the default.
pub(super) fn soft_age(explicit: Option<Duration>, max_age: Option<Duration>) -> Duration {
    let from_provider = || max_age.map(|age| age.clamp(PROVIDER_AGE_MIN, PROVIDER_AGE_MAX));
    explicit.or_else(from_provider).unwrap_or(SOFT_AGE_DEFAULT)
}

/// What is known of fetches; monotonic times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FetchHistory {
    pub(super) is_in_flight: bool,
    /// When the most recent attempt ended; absent if that one succeeded or none was made.
    pub(super) failed_at: Option<Duration>,
    /// When a fetch for an unknown `kid` last started, whatever became of it.
    pub(super) kid_fetch_started_at: Option<Duration>,
}

impl FetchHistory {
    /// Gives the rest of the pause after a failure, if there is any.
    fn pause_after_failure(&self, now: Duration, cooldown: Duration) -> Option<Duration> {
        rest(self.failed_at, now, cooldown)
    }

    /// Gives the time until an unknown `kid` may start a fetch again, if there is any.
    pub(super) fn pause_for_kids(&self, now: Duration, cooldown: Duration) -> Option<Duration> {
        rest(self.kid_fetch_started_at, now, cooldown)
    }
}

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// A usable set: its `kid` is in the held one, or the token has none, or nobody asks for a key.
    Set,
    /// A `kid` that the held set lacks.
    UnknownKid {
        /// Whether the provider need not be asked for it: it was, either by this request or, within the
        /// cooldown, by another.
        is_asked: bool,
    },
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Use the held set.
    Use,
    /// Use the held set and start a fetch that nobody waits for.
    UseAndRefresh,
    /// Wait for the fetch in flight.
    Join,
    /// Start this fetch and wait for it.
    Start(Purpose),
    /// The provider does not list this `kid`.
    RefuseUnknown,
    /// Nothing can be decided now.
    RefuseUnavailable {
        /// When asking again can help.
        retry_after: Duration,
    },
}

/// What a fetch is for: fetches for an unknown `kid` have a budget of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Load,
    UnknownKid,
}

/// Decides for one request, or for the refresh timer, without reading anything but its arguments.
pub(super) fn decide(
    held: Option<&Lifetime>,
    history: &FetchHistory,
    want: Want,
    now: Duration,
    cooldown: Duration,
) -> Decision {
    let pause_after_failure = history.pause_after_failure(now, cooldown);
    let Some(lifetime) = held.filter(|lifetime| lifetime.is_usable(now)) else {
        return match pause_after_failure {
            _ if history.is_in_flight => Decision::Join,
            None => Decision::Start(Purpose::Load),
            Some(retry_after) => Decision::RefuseUnavailable { retry_after },
        };
    };
    let may_refresh = lifetime.is_refresh_due(now) && !history.is_in_flight && pause_after_failure.is_none();
    let pause_for_kids = history.pause_for_kids(now, cooldown);
    match want {
        Want::Set if may_refresh => Decision::UseAndRefresh,
        Want::Set => Decision::Use,
        Want::UnknownKid { is_asked: false } if history.is_in_flight => Decision::Join,
        Want::UnknownKid { is_asked: false } if may_refresh => Decision::Start(Purpose::Load),
        Want::UnknownKid { is_asked: false } if pause_for_kids.is_none() => {
            Decision::Start(Purpose::UnknownKid)
        }
        // A provider that does not answer cannot deny a key: the caller shall come again.
        Want::UnknownKid { .. } if history.failed_at.is_some() => Decision::RefuseUnavailable {
            retry_after: pause_for_kids.or(pause_after_failure).unwrap_or(cooldown),
        },
        Want::UnknownKid { .. } => Decision::RefuseUnknown,
    }
}

fn rest(since: Option<Duration>, now: Duration, cooldown: Duration) -> Option<Duration> {
    let rest = cooldown.saturating_sub(now.saturating_sub(since?));
    (!rest.is_zero()).then_some(rest)
}

/// The soft age without a setting and without `Cache-Control`: a withdrawn key dies within it.
pub(super) const SOFT_AGE_DEFAULT: Duration = Duration::from_secs(5 * 60);
/// The least that a provider's `max-age` can ask for.
pub(super) const PROVIDER_AGE_MIN: Duration = Duration::from_secs(60);
/// The most that a provider's `max-age` can ask for.
pub(super) const PROVIDER_AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    const COOLDOWN: Duration = Duration::from_secs(30);
    const UNKNOWN: Want = Want::UnknownKid { is_asked: false };
    const ASKED: Want = Want::UnknownKid { is_asked: true };
    const FRESH: u64 = 1_100;
    const DUE: u64 = 1_300;
    const TOO_OLD: u64 = 2_000;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Loaded at 1000 s, due at 1300 s, unusable from 2000 s.
    fn held() -> Option<Lifetime> {
        Some(Lifetime { loaded_at: at(1_000), refresh_due: at(DUE), unusable_from: at(TOO_OLD) })
    }

    fn history(is_in_flight: bool, failed_at: Option<u64>, kid_fetch: Option<u64>) -> FetchHistory {
        FetchHistory { is_in_flight, failed_at: failed_at.map(at), kid_fetch_started_at: kid_fetch.map(at) }
    }

    fn decided(held: Option<Lifetime>, history: FetchHistory, want: Want, now: Duration) -> Decision {
        decide(held.as_ref(), &history, want, now, COOLDOWN)
    }

    fn unavailable(seconds: u64) -> Decision {
        Decision::RefuseUnavailable { retry_after: at(seconds) }
    }

    /// covers: B13 B14
    #[test]
    fn held_set_is_used_until_the_hard_bound_and_refreshed_when_due() {
        let quiet = history(false, None, None);
        for (name, now, decision) in [
            ("just loaded", at(1_000), Decision::Use),
            ("just before due", at(DUE).saturating_sub(Duration::from_nanos(1)), Decision::Use),
            ("just due", at(DUE), Decision::UseAndRefresh),
            ("last moment", at(TOO_OLD).saturating_sub(Duration::from_nanos(1)), Decision::UseAndRefresh),
            ("too old", at(TOO_OLD), Decision::Start(Purpose::Load)),
            ("clock went back", at(1), Decision::Use),
            ("clock at its end", Duration::MAX, Decision::Start(Purpose::Load)),
        ] {
            assert_eq!(decided(held(), quiet, Want::Set, now), decision, "{name}");
        }
    }

    /// covers: B11 B13 B16
    #[test]
    fn due_refresh_starts_once_and_pauses_after_a_failure() {
        for (name, history, decision) in [
            ("in flight", history(true, None, None), Decision::Use),
            ("failed just now", history(false, Some(DUE), None), Decision::Use),
            ("failed 29 s ago", history(false, Some(DUE - 29), None), Decision::Use),
            ("failed 30 s ago", history(false, Some(DUE - 30), None), Decision::UseAndRefresh),
            ("kid fetch just now", history(false, None, Some(DUE)), Decision::UseAndRefresh),
        ] {
            assert_eq!(decided(held(), history, Want::Set, at(DUE)), decision, "{name}");
        }
    }

    /// covers: B11 B14 B16
    #[test]
    fn without_a_usable_set_requests_wait_for_a_fetch_or_are_refused_as_unavailable() {
        for (name, history, decision) in [
            ("never asked", history(false, None, None), Decision::Start(Purpose::Load)),
            ("in flight", history(true, Some(TOO_OLD), None), Decision::Join),
            ("failed just now", history(false, Some(TOO_OLD), None), unavailable(30)),
            ("failed 29 s ago", history(false, Some(TOO_OLD - 29), None), unavailable(1)),
            ("failed 30 s ago", history(false, Some(TOO_OLD - 30), None), Decision::Start(Purpose::Load)),
            ("kid fetch just now", history(false, None, Some(TOO_OLD)), Decision::Start(Purpose::Load)),
            ("failure in the future", history(false, Some(TOO_OLD + 9), None), unavailable(30)),
        ] {
            for want in [Want::Set, UNKNOWN, ASKED] {
                assert_eq!(decided(None, history, want, at(TOO_OLD)), decision, "none held: {name}");
                assert_eq!(decided(held(), history, want, at(TOO_OLD)), decision, "too old: {name}");
            }
        }
    }

    /// covers: B12
    #[test]
    fn unknown_kid_starts_one_fetch_per_cooldown() {
        for (name, history, decision) in [
            ("never", history(false, None, None), Decision::Start(Purpose::UnknownKid)),
            ("just now", history(false, None, Some(FRESH)), Decision::RefuseUnknown),
            ("29 s ago", history(false, None, Some(FRESH - 29)), Decision::RefuseUnknown),
            ("30 s ago", history(false, None, Some(FRESH - 30)), Decision::Start(Purpose::UnknownKid)),
            ("in flight", history(true, None, Some(FRESH)), Decision::Join),
            ("in flight after a failure", history(true, Some(FRESH), None), Decision::Join),
            ("load failed", history(false, Some(FRESH), None), Decision::Start(Purpose::UnknownKid)),
            ("kid fetch failed", history(false, Some(FRESH), Some(FRESH - 5)), unavailable(25)),
            ("failed long ago", history(false, Some(FRESH - 90), Some(FRESH - 1)), unavailable(29)),
        ] {
            assert_eq!(decided(held(), history, UNKNOWN, at(FRESH)), decision, "{name}");
        }
    }

    /// covers: B12
    #[test]
    fn kid_that_was_asked_for_never_waits_and_never_starts_a_fetch() {
        for (name, history, decision) in [
            ("budget left", history(false, None, None), Decision::RefuseUnknown),
            ("in flight", history(true, None, None), Decision::RefuseUnknown),
            ("load failed", history(false, Some(FRESH - 10), None), unavailable(20)),
            ("failed long ago", history(false, Some(FRESH - 90), None), unavailable(30)),
        ] {
            assert_eq!(decided(held(), history, ASKED, at(FRESH)), decision, "{name}");
        }
    }

    /// covers: B12 B13
    #[test]
    fn unknown_kid_takes_the_due_refresh_before_it_spends_the_budget_for_kids() {
        for (name, history, decision) in [
            ("due", history(false, None, None), Decision::Start(Purpose::Load)),
            ("due, budget spent", history(false, None, Some(DUE)), Decision::Start(Purpose::Load)),
            ("refresh failed", history(false, Some(DUE), None), Decision::Start(Purpose::UnknownKid)),
            ("refresh in flight", history(true, None, None), Decision::Join),
        ] {
            assert_eq!(decided(held(), history, UNKNOWN, at(DUE)), decision, "{name}");
        }
    }

    /// covers: B12
    #[test]
    fn cooldown_of_zero_never_pauses() {
        let history = history(false, Some(FRESH), Some(FRESH));
        let decision = |want| decide(held().as_ref(), &history, want, at(FRESH), Duration::ZERO);
        assert_eq!(decision(UNKNOWN), Decision::Start(Purpose::UnknownKid));
        assert_eq!(
            decide(None, &history, Want::Set, at(FRESH), Duration::ZERO),
            Decision::Start(Purpose::Load)
        );
    }

    /// covers: B13
    #[test]
    fn refresh_is_due_in_the_last_tenth_of_the_soft_age_whatever_is_drawn() {
        for (draw, due) in [
            (0.0, 900_000),
            (0.5, 950_000),
            (0.999, 999_900),
            (1.0, 1_000_000),
            (-3.0, 900_000),
            (f64::NAN, 900_000),
            (f64::INFINITY, 1_000_000),
        ] {
            let lifetime = Lifetime::starting(at(5), at(1_000), at(7), draw);
            assert_eq!(lifetime.refresh_due, at(5) + Duration::from_millis(due), "{draw}");
            assert_eq!(lifetime.unusable_from, at(1_012), "{draw}");
        }
    }

    /// covers: B14 B18
    #[test]
    fn largest_settings_saturate_and_the_set_then_never_ages() {
        let lifetime = Lifetime::starting(Duration::MAX, Duration::MAX, Duration::MAX, 0.5);
        assert!(lifetime.is_usable(Duration::MAX));
        assert!(Lifetime::endless(Duration::ZERO).is_usable(Duration::MAX));
    }

    /// covers: B15
    #[test]
    fn providers_max_age_counts_inside_its_bounds_and_an_explicit_setting_beats_it() {
        let day = 24 * 60 * 60;
        for (name, explicit, max_age, seconds) in [
            ("neither", None, None, 300),
            ("below", None, Some(59), 60),
            ("zero", None, Some(0), 60),
            ("least", None, Some(60), 60),
            ("inside", None, Some(600), 600),
            ("most", None, Some(day), day),
            ("above", None, Some(day + 1), day),
            ("largest", None, Some(u64::MAX), day),
            ("explicit", Some(7), None, 7),
            ("explicit beats", Some(7), Some(600), 7),
        ] {
            assert_eq!(soft_age(explicit.map(at), max_age.map(at)), at(seconds), "{name}");
        }
    }
}
