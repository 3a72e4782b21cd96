//! From an unproven token to a payload with a verified signature: header, key, signature, in this order.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

use arc_swap::ArcSwap;

use crate::{
    AuthReason, Jwks,
    jwks::{KeyAnswer, KeyRefusal, VerifyingKey},
    jws::{JoseHeader, UntrustedJws},
};

/// Proves signatures with the key sets of one or several issuers.
///
/// With several issuers the key ID is looked up in all of their sets; whoever's key verifies the signature
/// is the one whose `iss` is then accepted (requirement B9). One environment under two hosts, as during a move
/// to a custom domain, lists the same key in both sets: [`same_key_at_hand`](SignatureGate::same_key_at_hand)
/// finds that out.
#[derive(Debug)]
pub(crate) struct SignatureGate {
    key_sets: Box<[Jwks]>,
    token_limit_bytes: usize,
    headers: HeaderMemo,
}

/// A token that was cut and whose header was read and found acceptable; nothing in it is proven.
pub(crate) struct Opened<'t> {
    jws: UntrustedJws<'t>,
    header: JoseHeader,
    /// Whether a token with the same header may have verified before: if not, none like it is remembered.
    pub(crate) may_be_known: bool,
}

/// A payload whose signature is verified; its claims are not yet judged.
pub(crate) struct Proven {
    pub(crate) payload: String,
    pub(crate) key: Arc<VerifyingKey>,
    /// Which of the key sets holds the key.
    pub(crate) owner: usize,
    /// Whether the token named the key.
    pub(crate) is_named: bool,
}

impl SignatureGate {
    pub(crate) fn new(key_sets: impl Into<Box<[Jwks]>>, token_limit_bytes: usize) -> Self {
        Self { key_sets: key_sets.into(), token_limit_bytes, headers: HeaderMemo::default() }
    }

    pub(crate) fn key_sets(&self) -> impl Iterator<Item = &Jwks> {
        self.key_sets.iter()
    }

    pub(crate) fn key_set(&self, owner: usize) -> Option<&Jwks> {
        self.key_sets.get(owner)
    }

    pub(crate) fn token_limit_bytes(&self) -> usize {
        self.token_limit_bytes
    }

    /// Cuts a token and reads its header, from memory where it verified lately.
    pub(crate) fn open<'t>(&self, token: &'t str) -> Result<Opened<'t>, AuthReason> {
        let jws = UntrustedJws::split(token, self.token_limit_bytes)?;
        let (header, may_be_known) = match self.headers.find(jws.header_segment) {
            Recollection::Known(header) => (header, true),
            Recollection::Unknown => (JoseHeader::read(jws.header_segment)?, false),
            Recollection::Forgotten => (JoseHeader::read(jws.header_segment)?, true),
        };
        Ok(Opened { jws, header, may_be_known })
    }

    /// Proves the signature of a token, fetching keys where that can help.
    pub(crate) async fn prove(&self, token: &str) -> Result<Proven, AuthReason> {
        let opened = self.open(token)?;
        match self.prove_at_hand(&opened) {
            Some(proven) => proven,
            None => self.prove_waiting(&opened).await,
        }
    }

    /// Decides at once, or gives `None` when a key must be fetched first.
    pub(crate) fn prove_at_hand(&self, opened: &Opened<'_>) -> Option<Result<Proven, AuthReason>> {
        let kid = opened.header.kid.as_deref();
        let mut has_failed = false;
        let (mut is_waiting, mut lacks_a_set) = (false, false);
        let mut refusal = None;
        for (owner, key_set) in self.key_sets.iter().enumerate() {
            match key_set.key_at_hand(kid) {
                KeyAnswer::Key(key) => match self.prove_with(opened, key, owner) {
                    Err(AuthReason::SignatureInvalid) => has_failed = true,
                    decided => return Some(decided),
                },
                KeyAnswer::Wait => {
                    is_waiting = true;
                    lacks_a_set |= !key_set.holds_usable_set();
                }
                KeyAnswer::Refused(reason) => refusal = Some(worse(refusal, reason)),
            }
        }
        match refusal {
            // A set that is yet to be loaded may list another key under the same kid.
            _ if has_failed && !lacks_a_set => Some(Err(AuthReason::SignatureInvalid)),
            Some(refusal) if !is_waiting => Some(Err(refusal.into())),
            // Junk under a fresh key ID must not spend the budget for fetches.
            _ => opened.jws.check_alphabet().err().map(Err),
        }
    }

    /// Decides, after fetching keys where that can help.
    ///
    /// Only for what [`prove_at_hand`](SignatureGate::prove_at_hand) left open.
    pub(crate) async fn prove_waiting(&self, opened: &Opened<'_>) -> Result<Proven, AuthReason> {
        let kid = opened.header.kid.as_deref();
        let mut pending: Vec<_> =
            self.key_sets.iter().map(|key_set| Some(Box::pin(key_set.key(kid)))).collect();
        let mut has_failed = false;
        let mut refusal = None;
        while let Some((owner, answer)) = next_ready(&mut pending).await {
            match answer {
                Ok(key) => match self.prove_with(opened, key, owner) {
                    Err(AuthReason::SignatureInvalid) => has_failed = true,
                    decided => return decided,
                },
                Err(reason) => refusal = Some(worse(refusal, reason)),
            }
        }
        match refusal {
            Some(refusal @ KeyRefusal::Unavailable { .. }) => Err(refusal.into()),
            Some(refusal) if !has_failed => Err(refusal.into()),
            _ => Err(AuthReason::SignatureInvalid),
        }
    }

    /// Tells whether another set lists the very same key, and gives that set's handle of it; `None` when that
    /// set must be fetched first.
    pub(crate) fn same_key_at_hand(&self, owner: usize, key: &VerifyingKey) -> Option<SameKey> {
        match self.key_sets.get(owner)?.key_at_hand(key.kid()) {
            KeyAnswer::Key(held) => Some(same_key(Ok(held), key)),
            KeyAnswer::Refused(refusal) => Some(same_key(Err(refusal), key)),
            KeyAnswer::Wait => None,
        }
    }

    /// As [`same_key_at_hand`](SignatureGate::same_key_at_hand), after fetching the set where that can help.
    pub(crate) async fn same_key_waiting(&self, owner: usize, key: &VerifyingKey) -> SameKey {
        match self.key_sets.get(owner) {
            Some(key_set) => same_key(key_set.key(key.kid()).await, key),
            None => Ok(None),
        }
    }

    fn prove_with(
        &self,
        opened: &Opened<'_>,
        key: Arc<VerifyingKey>,
        owner: usize,
    ) -> Result<Proven, AuthReason> {
        let Opened { jws, header, .. } = opened;
        let payload = jws.verified_payload(&key)?;
        self.headers.remember(jws.header_segment, header);
        Ok(Proven { payload, key, owner, is_named: header.kid.is_some() })
    }
}

/// Another set's handle of a key, if it lists the key.
pub(crate) type SameKey = Result<Option<Arc<VerifyingKey>>, AuthReason>;

fn same_key(found: Result<Arc<VerifyingKey>, KeyRefusal>, key: &VerifyingKey) -> SameKey {
    match found {
        Ok(held) => Ok(Some(held).filter(|held| held.thumbprint() == key.thumbprint())),
        Err(refusal @ KeyRefusal::Unavailable { .. }) => Err(refusal.into()),
        Err(KeyRefusal::UnknownKid { .. } | KeyRefusal::KidMissing) => Ok(None),
    }
}

impl From<KeyRefusal> for AuthReason {
    fn from(refusal: KeyRefusal) -> Self {
        match refusal {
            KeyRefusal::UnknownKid { kid } => Self::KeyUnknown { kid },
            KeyRefusal::KidMissing => Self::KeyIdMissing,
            KeyRefusal::Unavailable { retry_after } => Self::KeysUnavailable { retry_after },
        }
    }
}

/// Of two refusals, the one that must be told: while one issuer's keys are unavailable, a key that no other
/// issuer knows may be its.
fn worse(held: Option<KeyRefusal>, new: KeyRefusal) -> KeyRefusal {
    match (held, new) {
        (
            Some(KeyRefusal::Unavailable { retry_after: one }),
            KeyRefusal::Unavailable { retry_after: two },
        ) => KeyRefusal::Unavailable { retry_after: one.min(two) },
        (Some(held @ KeyRefusal::Unavailable { .. }), _) => held,
        (_, new) => new,
    }
}

/// Waits for whichever future is ready first, takes it out, and tells which it was.
async fn next_ready<F: Future>(pending: &mut [Option<Pin<Box<F>>>]) -> Option<(usize, F::Output)> {
    poll_fn(|context| {
        let mut is_waiting = false;
        for (index, slot) in pending.iter_mut().enumerate() {
            let Some(future) = slot else { continue };
            match future.as_mut().poll(context) {
                Poll::Ready(output) => {
                    *slot = None;
                    return Poll::Ready(Some((index, output)));
                }
                Poll::Pending => is_waiting = true,
            }
        }
        if is_waiting { Poll::Pending } else { Poll::Ready(None) }
    })
    .await
}

/// The header segments last seen under a valid signature: the same text for all tokens of one key.
///
/// Only a verified token gets its header in, so nobody without a key can fill it; it holds what
/// [`JoseHeader::read`] would give again, so it decides nothing.
#[derive(Debug, Default)]
struct HeaderMemo {
    entries: ArcSwap<Vec<(Box<str>, JoseHeader)>>,
}

/// What the memo says of a header segment.
#[derive(Debug, PartialEq)]
enum Recollection {
    Known(JoseHeader),
    Unknown,
    /// The memo cannot tell: it is full and has forgotten some, or it never kept it.
    Forgotten,
}

impl HeaderMemo {
    fn find(&self, segment: &str) -> Recollection {
        let entries = self.entries.load();
        match entries.iter().find(|(known, _)| known.as_ref() == segment) {
            Some((_, header)) => Recollection::Known(header.clone()),
            None if entries.len() >= MEMO_ENTRIES || segment.len() > MEMO_SEGMENT_LIMIT_BYTES => {
                Recollection::Forgotten
            }
            None => Recollection::Unknown,
        }
    }

    fn remember(&self, segment: &str, header: &JoseHeader) {
        let is_held = || self.entries.load().iter().any(|(known, _)| known.as_ref() == segment);
        if segment.len() > MEMO_SEGMENT_LIMIT_BYTES || is_held() {
            return;
        }
        self.entries.rcu(|entries| {
            let oldest = entries.len().saturating_add(1).saturating_sub(MEMO_ENTRIES);
            let kept = entries.iter().skip(oldest).cloned();
            kept.chain([(segment.into(), header.clone())]).collect::<Vec<_>>()
        });
    }
}

/// Kinde's tokens have one or two KiB, and servers bound a header line at 8 to 16.
pub(crate) const DEFAULT_TOKEN_LIMIT_BYTES: usize = 16 * 1024;
/// One entry a key, and a rotation has two: enough for many issuers, few enough to compare one by one.
const MEMO_ENTRIES: usize = 32;
/// Kinde's header takes about 120 bytes.
const MEMO_SEGMENT_LIMIT_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_memo_stays_bounded_and_keeps_the_newest() {
        let memo = HeaderMemo::default();
        let header = JoseHeader { kid: None };
        for number in 0..100 {
            memo.remember(&format!("segment{number}"), &header);
        }
        memo.remember(&"x".repeat(513), &header);
        assert_eq!(memo.entries.load().len(), MEMO_ENTRIES);
        assert_eq!(memo.find("segment99"), Recollection::Known(header));
        assert_eq!(memo.find("segment67"), Recollection::Forgotten);
        assert_eq!(HeaderMemo::default().find("segment67"), Recollection::Unknown);
    }
}
