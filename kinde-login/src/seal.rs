//! Seals what a browser or a store keeps for us, so that nobody else can read or write it.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest, hkdf,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kinde_core::Secret;
use zeroize::Zeroizing;

use crate::random::Randomness;

/// What a sealed text is for. A text sealed for one purpose opens for no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A session in a cookie.
    SessionCookie,
    /// A session in a store, bound to its id.
    SessionRecord,
    /// A sign-in under way.
    Flow,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::SessionCookie => "session cookie",
            Self::SessionRecord => "session record",
            Self::Flow => "flow",
        }
    }
}

/// The keys that seal: the first seals, all open, so that a key can be replaced while sessions live.
#[derive(Clone)]
pub(crate) struct Sealer {
    keys: Vec<SealingKey>,
}

#[derive(Clone)]
struct SealingKey {
    id: [u8; KEY_ID_LEN],
    material: Zeroizing<Vec<u8>>,
}

/// Why no keys can be made of the secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnusableSecrets {
    None,
    Short { bytes: usize },
}

impl Sealer {
    /// Takes the secrets, the one that seals first.
    pub(crate) fn new(secrets: &[Secret]) -> Result<Self, UnusableSecrets> {
        if secrets.is_empty() {
            return Err(UnusableSecrets::None);
        }
        let mut keys = Vec::with_capacity(secrets.len());
        for secret in secrets {
            if secret.expose().len() < SECRET_LEN {
                return Err(UnusableSecrets::Short { bytes: secret.expose().len() });
            }
            #[expect(clippy::expect_used, reason = "a guessable key would be worse than none")]
            keys.push(SealingKey::new(secret).expect("HKDF gives 32 bytes and 4"));
        }
        Ok(Self { keys })
    }

    /// Seals `plain` for one purpose, bound to `context`, as text for a cookie.
    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        context: &[u8],
        plain: &[u8],
        randomness: &dyn Randomness,
    ) -> Option<String> {
        let key = self.keys.first()?;
        let mut salt = [0_u8; SALT_LEN];
        randomness.fill(&mut salt);
        let mut head = Vec::with_capacity(HEAD_LEN);
        head.push(VERSION);
        head.extend_from_slice(&key.id);
        head.extend_from_slice(&salt);
        let (aead, nonce) = key.derive(&salt)?;
        let mut sealed = Zeroizing::new(plain.to_vec());
        let aad = associated_data(purpose, context, &head);
        let tag = aead.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut sealed).ok()?;
        head.extend_from_slice(&sealed);
        head.extend_from_slice(tag.as_ref());
        Some(URL_SAFE_NO_PAD.encode(head))
    }

    /// Tells whether a text claims to be of a later version than this one. Nothing proves it, so that it decides nothing
    /// but whether the text is left where it is: an instance of the next version may read it.
    pub(crate) fn is_later(untrusted_sealed: &str) -> bool {
        // Four letters are three bytes, of which the first is the version.
        let head = untrusted_sealed.get(..4).and_then(|head| URL_SAFE_NO_PAD.decode(head).ok());
        head.and_then(|head| head.first().copied()).is_some_and(|version| version == VERSION + 1)
    }

    /// Opens what was sealed for the same purpose and context; `None` for anything else, whatever is wrong with it.
    pub(crate) fn open(&self, purpose: Purpose, context: &[u8], sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        if sealed.len() > LONGEST_SEALED {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (head, body) = bytes.split_at_checked(HEAD_LEN)?;
        let (&version, rest) = head.split_first()?;
        let (id, salt) = rest.split_at_checked(KEY_ID_LEN)?;
        if !READ_VERSIONS.contains(&version) {
            return None;
        }
        let key = self.keys.iter().find(|key| key.id == *id)?;
        let (aead, nonce) = key.derive(salt)?;
        let mut plain = Zeroizing::new(body.to_vec());
        let aad = associated_data(purpose, context, head);
        let length = aead.open_in_place(nonce, Aad::from(aad), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

impl SealingKey {
    fn new(secret: &Secret) -> Option<Self> {
        let digest = digest::digest(&digest::SHA256, secret.expose().as_bytes());
        // Not the digest of the secret itself: the id is public, and must not help to guess a weak secret cheaply.
        let material = Zeroizing::new(expand(digest.as_ref(), b"kinde-login sealing key", 32)?);
        let id = expand(&material, b"kinde-login key id", KEY_ID_LEN)?.try_into().ok()?;
        Some(Self { id, material })
    }

    /// Makes the key and nonce of one message. Each has a salt of its own, so that no nonce is ever used twice
    /// however many messages a secret seals (NIST SP 800-38D §8.3 limits random nonces under one key).
    fn derive(&self, salt: &[u8]) -> Option<(LessSafeKey, Nonce)> {
        let mut info = b"kinde-login message ".to_vec();
        info.extend_from_slice(salt);
        let derived = Zeroizing::new(expand(&self.material, &info, 32 + NONCE_LEN)?);
        let (key, nonce) = derived.split_at_checked(32)?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
        Some((key, Nonce::try_assume_unique_for_key(nonce).ok()?))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sealer({} keys)", self.keys.len())
    }
}

/// HKDF-Expand (RFC 5869 §2.3) with SHA-256. The input is a uniform key already, so there is nothing to extract. `None`
/// for more than 8,160 bytes; here it is never more than 44.
fn expand(key: &[u8], info: &[u8], length: usize) -> Option<Vec<u8>> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut output = vec![0; length];
    let key = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key);
    let info = [info];
    key.expand(&info, Length(length)).ok()?.fill(&mut output).ok()?;
    Some(output)
}

/// Length-prefixed, so that no purpose and context can be read as another pair.
fn associated_data(purpose: Purpose, context: &[u8], head: &[u8]) -> Vec<u8> {
    let label = purpose.label().as_bytes();
    let mut data = Vec::with_capacity(label.len() + context.len() + head.len() + 16);
    for part in [label, context, head] {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part);
    }
    data
}

/// The format that is written.
const VERSION: u8 = 1;
/// The formats that are read. Version N reads N and N-1; there is no version before 1.
const READ_VERSIONS: [u8; 1] = [VERSION];
const KEY_ID_LEN: usize = 4;
const SALT_LEN: usize = 24;
const HEAD_LEN: usize = 1 + KEY_ID_LEN + SALT_LEN;
pub(crate) const SECRET_LEN: usize = 32;
/// Longer than any browser keeps for one site.
const LONGEST_SEALED: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandomness;

    fn sealer(secrets: &[&str]) -> Sealer {
        let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(secret.repeat(8))).collect();
        Sealer::new(&secrets).unwrap()
    }

    fn seal(sealer: &Sealer, plain: &[u8]) -> String {
        sealer.seal(Purpose::Flow, b"a", plain, &SystemRandomness).unwrap()
    }

    /// covers: G5
    #[test]
    fn sealed_text_opens_for_its_purpose_and_context_only() {
        let sealer = sealer(&["first"]);
        let sealed = seal(&sealer, b"plain");
        assert_eq!(sealer.open(Purpose::Flow, b"a", &sealed).unwrap().as_slice(), b"plain");
        assert!(sealer.open(Purpose::SessionCookie, b"a", &sealed).is_none());
        assert!(sealer.open(Purpose::Flow, b"b", &sealed).is_none());
        assert_ne!(sealed, seal(&sealer, b"plain"), "no two are alike");
    }

    /// covers: G5
    #[test]
    fn every_changed_byte_is_noticed() {
        let sealer = sealer(&["first"]);
        let sealed = URL_SAFE_NO_PAD.decode(seal(&sealer, b"plain")).unwrap();
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert!(sealer.open(Purpose::Flow, b"a", &changed).is_none(), "byte {place}");
        }
        for length in 0..sealed.len() {
            let cut = URL_SAFE_NO_PAD.encode(&sealed[..length]);
            assert!(sealer.open(Purpose::Flow, b"a", &cut).is_none(), "{length} bytes");
        }
    }

    /// covers: G5
    #[test]
    fn new_secret_seals_and_the_old_one_still_opens() {
        let (old, both, new) = (sealer(&["olden"]), sealer(&["newer", "olden"]), sealer(&["newer"]));
        let before = seal(&old, b"x");
        let after = seal(&both, b"x");
        assert!(both.open(Purpose::Flow, b"a", &before).is_some());
        assert!(new.open(Purpose::Flow, b"a", &after).is_some());
        assert!(new.open(Purpose::Flow, b"a", &before).is_none());
    }

    proptest::proptest! {
        /// covers: G5
        #[test]
        fn whatever_is_sealed_is_opened_and_whatever_was_not_sealed_is_not(plain: Vec<u8>, context: Vec<u8>, junk: String) {
            let sealer = sealer(&["first"]);
            let sealed = sealer.seal(Purpose::SessionRecord, &context, &plain, &SystemRandomness).unwrap();
            let opened = sealer.open(Purpose::SessionRecord, &context, &sealed).unwrap();
            proptest::prop_assert_eq!(opened.as_slice(), plain.as_slice());
            proptest::prop_assert!(sealer.open(Purpose::SessionRecord, &context, &junk).is_none());
        }
    }

    #[test]
    fn short_or_missing_secret_is_a_configuration_error() {
        let refused = |secrets: &[Secret]| Sealer::new(secrets).unwrap_err();
        assert_eq!(refused(&[]), UnusableSecrets::None);
        let short = [Secret::new("a".repeat(32)), Secret::new("a".repeat(31))];
        assert_eq!(refused(&short), UnusableSecrets::Short { bytes: 31 });
        assert!(Sealer::new(&[Secret::new("a".repeat(32))]).is_ok());
        assert!(!format!("{:?}", sealer(&["first"])).contains("first"));
    }
}
