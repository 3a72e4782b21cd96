//! Decides whether a refresh token can be used, and what using one twice does.

use crate::{forgetful_map::ForgetfulMap, identifiers, sessions::Grant};

/// Refresh tokens by family: all that came from the same sign-in.
///
/// A token begins with the name of its family, so that one that was used long ago is recognised without being kept.
#[derive(Clone, Default)]
pub(crate) struct RefreshTokens {
    families: ForgetfulMap<Vec<(String, RefreshToken)>>,
}

impl RefreshTokens {
    /// Keeps a token; returns its value.
    pub(crate) fn issue(&mut self, token: RefreshToken) -> String {
        let family = token.grant.family.clone();
        let value = format!("{family}{}", identifiers::random_hex(16));
        match self.families.get_mut(&family) {
            Some(family) => {
                if family.len() >= MOST_OF_A_FAMILY {
                    family.remove(0);
                }
                family.push((value.clone(), token));
            }
            None => drop(self.families.insert(family, vec![(value.clone(), token)])),
        }
        value
    }

    pub(crate) fn find(&self, value: &str) -> Option<&RefreshToken> {
        let family = self.families.get(family_of(value)?)?;
        family.iter().find(|(known, _)| known == value).map(|(_, token)| token)
    }

    /// Uses a token, which is replaced by it; a second use within the overlap keeps the first moment.
    ///
    /// A token of the family that is no longer good was replaced before. Using that ends the whole family when
    /// `ends_reused_families`: either the thief or the owner has just shown that there are two of them (RFC 9700
    /// §4.14.2). Kinde's documentation mentions this as advice; Ory Hydra, which it resembles, does it.
    pub(crate) fn rotate(
        &mut self,
        value: &str,
        client_id: &str,
        now: u64,
        rules: RotationRules,
    ) -> Option<RefreshToken> {
        let name = family_of(value)?.to_owned();
        let family = self.families.get_mut(&name)?;
        let is_own = |token: &RefreshToken| token.grant.client_id == client_id;
        if !family.iter().any(|(_, token)| is_own(token)) {
            return None;
        }
        family.retain(|(_, token)| token.is_good(now, rules.overlap_seconds));
        let used = family.iter_mut().find(|(known, _)| known == value).map(|(_, token)| {
            token.rotated_at.get_or_insert(now);
            token.clone()
        });
        if used.is_none() && rules.ends_reused_families || family.is_empty() {
            self.families.remove(&name);
        }
        used
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &RefreshToken> {
        self.families.values().flatten().map(|(_, token)| token)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut RefreshToken> {
        self.families.values_mut().flatten().map(|(_, token)| token)
    }

    pub(crate) fn end_family(&mut self, name: &str) {
        self.families.remove(name);
    }

    pub(crate) fn end_where(&mut self, is_over: impl Fn(&Grant) -> bool) {
        self.families.retain(|_, family| {
            family.retain(|(_, token)| !is_over(&token.grant));
            !family.is_empty()
        });
    }
}

/// What happens to a refresh token that was used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RotationRules {
    pub(crate) overlap_seconds: u64,
    pub(crate) ends_reused_families: bool,
}

/// A refresh token and what it stands for.
#[derive(Clone)]
pub(crate) struct RefreshToken {
    pub(crate) grant: Grant,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) rotated_at: Option<u64>,
    /// The access token it came with.
    pub(crate) access_token: String,
}

impl RefreshToken {
    /// Makes one that nobody has used.
    pub(crate) fn new(grant: Grant, access_token: &str, issued_at: u64, lifetime_seconds: u64) -> Self {
        let expires_at = issued_at.saturating_add(lifetime_seconds);
        Self { grant, issued_at, expires_at, rotated_at: None, access_token: access_token.to_owned() }
    }

    /// Tells whether it can be used: not expired, and not rotated longer ago than the overlap.
    pub(crate) fn is_good(&self, now: u64, overlap_seconds: u64) -> bool {
        let is_current =
            self.rotated_at.is_none_or(|rotated_at| now < rotated_at.saturating_add(overlap_seconds));
        is_current && now < self.expires_at
    }
}

/// Returns the name of a new family.
pub(crate) fn new_family() -> String {
    identifiers::random_hex(FAMILY_DIGITS / 2)
}

fn family_of(value: &str) -> Option<&str> {
    value.get(..FAMILY_DIGITS)
}

const FAMILY_DIGITS: usize = 32;
/// As many as parallel requests can use within an overlap; more happen while a test holds the clock.
const MOST_OF_A_FAMILY: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: RotationRules = RotationRules { overlap_seconds: 10, ends_reused_families: true };

    fn token(family: &str) -> RefreshToken {
        RefreshToken::new(Grant::for_tests(family), "", 0, 1_000)
    }

    #[test]
    fn rotated_token_is_good_until_the_overlap_ends() {
        let mut token = token("f");
        token.rotated_at = Some(100);
        assert!(!token.is_good(100, 0));
        assert!(token.is_good(109, 10));
        assert!(!token.is_good(110, 10));
    }

    #[test]
    fn token_is_good_until_its_last_second() {
        assert!(token("f").is_good(999, 0));
        assert!(!token("f").is_good(1_000, 0));
    }

    #[test]
    fn token_used_again_after_the_overlap_ends_its_family_and_no_other() {
        let mut tokens = RefreshTokens::default();
        let (family, other) = (new_family(), new_family());
        let first = tokens.issue(token(&family));
        let stranger = tokens.issue(token(&other));
        assert!(tokens.rotate(&first, "web", 100, RULES).is_some());
        let second = tokens.issue(token(&family));
        assert!(tokens.rotate(&first, "web", 109, RULES).is_some(), "within the overlap");
        assert!(tokens.rotate(&first, "web", 110, RULES).is_none(), "after it");
        assert!(tokens.find(&second).is_none());
        assert!(tokens.find(&stranger).is_some());
    }

    #[test]
    fn token_used_again_harms_nobody_where_reuse_is_allowed_or_the_client_is_another() {
        let mut tokens = RefreshTokens::default();
        let family = new_family();
        let first = tokens.issue(token(&family));
        assert!(tokens.rotate(&first, "web", 100, RULES).is_some());
        let second = tokens.issue(token(&family));
        assert!(tokens.rotate(&first, "other", 200, RULES).is_none());
        let lenient = RotationRules { ends_reused_families: false, ..RULES };
        assert!(tokens.rotate(&first, "web", 200, lenient).is_none());
        assert!(tokens.find(&second).is_some());
    }

    #[test]
    fn rotating_for_ever_keeps_one_token() {
        let mut tokens = RefreshTokens::default();
        let family = new_family();
        let mut value = tokens.issue(token(&family));
        for now in 0..500 {
            tokens.rotate(&value, "web", now * 2, RotationRules { overlap_seconds: 0, ..RULES }).unwrap();
            value = tokens.issue(RefreshToken { expires_at: u64::MAX, ..token(&family) });
        }
        assert!(tokens.families.get(&family).unwrap().len() <= 2);
    }

    #[test]
    fn value_that_is_no_token_is_not_found() {
        let mut tokens = RefreshTokens::default();
        for value in ["", "short", "é".repeat(40).as_str()] {
            assert!(tokens.find(value).is_none());
            assert!(tokens.rotate(value, "web", 0, RULES).is_none());
        }
    }
}
