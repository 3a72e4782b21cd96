//! One loaded key set, which never changes: which key answers to which key ID.

use std::{collections::HashMap, str, sync::Arc};

use serde::Deserialize;
use serde_json::Value;

use super::key::{KeyRules, Unusable, VerifyingKey};
use crate::UntrustedText;

/// The usable keys of one JWKS document.
#[derive(Debug)]
pub(crate) struct KeySet {
    by_kid: HashMap<Box<str>, Arc<VerifyingKey>, foldhash::quality::RandomState>,
    /// The key for tokens without `kid`: present only if exactly one key is usable.
    sole: Option<Arc<VerifyingKey>>,
    /// Every key that a lookup can give, in the order of addresses.
    by_address: Box<[Arc<VerifyingKey>]>,
}

impl KeySet {
    /// Reads a JWKS document (RFC 7517 §5), leaving out one by one the entries that are not usable.
    ///
    /// A key that stands unchanged in `previous` is taken from there, so that who remembers a key can
    /// recognise it by its address.
    pub(super) fn read(
        document: &[u8],
        rules: KeyRules,
        previous: Option<&Self>,
    ) -> Result<Reading, NotAKeySet> {
        let mut by_kid = HashMap::default();
        let mut skipped = Vec::new();
        let mut sole = None;
        let mut usable_count = 0_usize;
        for entry in entries(document)? {
            let key = match VerifyingKey::read(&entry, rules) {
                Ok(key) => previous.and_then(|previous| previous.unchanged(&key)).unwrap_or(key),
                Err(reason) => {
                    skipped.push(Skipped::new(&entry, reason));
                    continue;
                }
            };
            usable_count = usable_count.saturating_add(1);
            sole = (usable_count == 1 && rules.accepts_kidless_tokens).then(|| Arc::clone(&key));
            if let Some(kid) = key.kid() {
                // The first usable key of a duplicated kid stays; an unusable one never got here.
                by_kid.entry(kid.into()).or_insert(key);
            }
        }
        let mut by_address: Vec<_> = by_kid.values().chain(&sole).cloned().collect();
        by_address.sort_unstable_by_key(Arc::as_ptr);
        by_address.dedup_by(|left, right| Arc::ptr_eq(left, right));
        Ok(Reading { keys: Self { by_kid, sole, by_address: by_address.into() }, skipped })
    }

    /// Finds the key for a token's `kid`, or for a token without one.
    pub(crate) fn find(&self, kid: Option<&str>) -> Option<&Arc<VerifyingKey>> {
        match kid {
            Some(kid) => self.by_kid.get(kid),
            None => self.sole.as_ref(),
        }
    }

    /// Tells whether this very key, by address, is in the set.
    pub(crate) fn holds(&self, key: &Arc<VerifyingKey>) -> bool {
        self.by_address.binary_search_by_key(&Arc::as_ptr(key), Arc::as_ptr).is_ok()
    }

    /// Counts the keys that a lookup can give.
    pub(crate) fn len(&self) -> usize {
        self.by_address.len()
    }

    /// Tells whether no lookup can give a key.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// Lists the keys that `other` lacks, by address.
    pub(super) fn keys_missing_in(&self, other: Option<&Self>) -> Vec<&VerifyingKey> {
        let is_missing = |key: &&Arc<VerifyingKey>| !other.is_some_and(|other| other.holds(key));
        self.by_address.iter().filter(is_missing).map(Arc::as_ref).collect()
    }

    fn unchanged(&self, key: &VerifyingKey) -> Option<Arc<VerifyingKey>> {
        let former = match key.kid() {
            Some(kid) => self.by_kid.get(kid)?,
            None => self.sole.as_ref()?,
        };
        (former.kid() == key.kid() && former.thumbprint() == key.thumbprint()).then(|| Arc::clone(former))
    }
}

/// A key set and what was left out of it.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) keys: KeySet,
    pub(super) skipped: Vec<Skipped>,
}

/// An entry that was left out.
#[derive(Debug)]
pub(super) struct Skipped {
    pub(super) kid: Option<UntrustedText>,
    pub(super) reason: Unusable,
}

impl Skipped {
    fn new(entry: &Value, reason: Unusable) -> Self {
        let kid = entry.get("kid").and_then(Value::as_str).map(UntrustedText::new);
        Self { kid, reason }
    }
}

/// The document is no JSON object with an array `keys`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAKeySet;

fn entries(document: &[u8]) -> Result<Vec<Value>, NotAKeySet> {
    #[derive(Deserialize)]
    struct Document {
        keys: Vec<Value>,
    }
    // The whole text is checked, also what the reader below would skip; a byte order mark is no brace.
    let text = str::from_utf8(document).map_err(|_| NotAKeySet)?;
    // serde would also read the struct from an array.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(NotAKeySet);
    }
    let document: Document = serde_json::from_str(text).map_err(|_| NotAKeySet)?;
    Ok(document.keys)
}

#[cfg(test)]
mod tests {

    use serde_json::json;

    use super::*;
    use crate::jwks::tests::{jwk, jwk_of, jwks_of};

    const RULES: KeyRules = KeyRules { accepts_development_keys: false, accepts_kidless_tokens: true };

    fn read(entries: Vec<Value>) -> Reading {
        reread(entries, None)
    }

    fn reread(entries: Vec<Value>, previous: Option<&KeySet>) -> Reading {
        KeySet::read(&jwks_of(entries), RULES, previous).unwrap()
    }

    fn without_kid(mut entry: Value) -> Value {
        entry.as_object_mut().unwrap().remove("kid");
        entry
    }

    /// covers: B3 B4
    #[test]
    fn unusable_entries_are_skipped_one_by_one_and_the_good_neighbour_works() {
        let bad = [json!(null), json!(7), json!({"kty": "oct", "k": "AQ", "kid": "s"}), json!({"kty": "?"})];
        let mut numeric_use = jwk("u");
        numeric_use["use"] = json!(1);
        let entries = bad.into_iter().chain([numeric_use, jwk("good")]).collect();
        let Reading { keys, skipped } = read(entries);
        assert_eq!((keys.len(), skipped.len()), (1, 5));
        assert_eq!(keys.find(Some("good")).unwrap().kid(), Some("good"));
        assert!(keys.find(Some("s")).is_none() && keys.find(Some("u")).is_none());
    }

    /// covers: B5
    #[test]
    fn kid_is_compared_exactly() {
        let keys = read(vec![jwk("f3:71:06\"é"), jwk("")]).keys;
        assert!(keys.find(Some("f3:71:06\"é")).is_some());
        assert!(keys.find(Some("")).is_some());
        for other in ["F3:71:06\"é", "f3:71:06\"e\u{301}", "f3:71:06", " f3:71:06\"é", "f3:71:06\"é\0"] {
            assert!(keys.find(Some(other)).is_none(), "{other}");
        }
    }

    /// covers: B5
    #[test]
    fn token_without_kid_finds_a_key_only_if_exactly_one_is_usable() {
        let enc = || {
            let mut entry = jwk("e");
            entry["use"] = json!("enc");
            entry
        };
        for (name, entries, is_found) in [
            ("one", vec![jwk("a")], true),
            ("one without kid", vec![without_kid(jwk("a"))], true),
            ("one usable of two", vec![enc(), jwk("a")], true),
            ("one usable of two, the other way round", vec![jwk("a"), enc()], true),
            ("two", vec![jwk("a"), jwk("b")], false),
            ("three", vec![jwk("a"), jwk("b"), jwk("c")], false),
            ("same kid twice", vec![jwk_of("a", 1), jwk_of("a", 2)], false),
            ("one with and one without kid", vec![jwk("a"), without_kid(jwk("b"))], false),
            ("none", vec![enc()], false),
        ] {
            assert_eq!(read(entries).keys.find(None).is_some(), is_found, "{name}");
        }
        let strict = KeyRules { accepts_kidless_tokens: false, ..RULES };
        let keys = KeySet::read(&jwks_of(vec![jwk("a")]), strict, None).unwrap().keys;
        assert!(keys.find(None).is_none() && keys.find(Some("a")).is_some());
    }

    /// covers: B5
    #[test]
    fn key_without_kid_never_answers_to_a_kid() {
        let keys = read(vec![without_kid(jwk("a"))]).keys;
        assert!(keys.find(Some("a")).is_none() && keys.find(Some("")).is_none());
    }

    /// covers: B5
    #[test]
    fn first_usable_key_of_a_duplicated_kid_wins_and_an_unusable_one_never_shadows_it() {
        let mut unusable = jwk_of("a", 9);
        unusable["e"] = json!("Aw");
        let first = Arc::clone(read(vec![jwk_of("a", 1)]).keys.find(Some("a")).unwrap());
        for (name, entries) in [
            ("second after", vec![jwk_of("a", 1), jwk_of("a", 2)]),
            ("unusable before", vec![unusable.clone(), jwk_of("a", 1), jwk_of("a", 2)]),
            ("unusable after", vec![jwk_of("a", 1), unusable]),
        ] {
            let keys = read(entries).keys;
            assert_eq!(keys.find(Some("a")).unwrap().thumbprint(), first.thumbprint(), "{name}");
            assert_eq!(keys.len(), 1, "{name}");
        }
    }

    /// covers: B7
    #[test]
    fn reloaded_key_is_the_same_allocation_only_if_kid_and_key_are_unchanged() {
        let former = read(vec![jwk_of("kept", 1), jwk_of("replaced", 2), jwk_of("renamed", 3)]).keys;
        let entries = vec![jwk_of("kept", 1), jwk_of("replaced", 9), jwk_of("new name", 3)];
        let keys = reread(entries, Some(&former)).keys;
        let held = |kid| keys.holds(former.find(Some(kid)).unwrap());
        assert!(held("kept") && !held("replaced") && !held("renamed"));
        assert_eq!(keys.keys_missing_in(Some(&former)).len(), 2);
        assert_eq!(former.keys_missing_in(Some(&keys)).len(), 2);
        let sole = read(vec![without_kid(jwk("a"))]).keys;
        let again = reread(vec![without_kid(jwk("a"))], Some(&sole)).keys;
        assert!(again.holds(sole.find(None).unwrap()));
    }

    /// covers: A9 B3
    #[test]
    fn document_that_is_no_key_set_is_refused() {
        let good = String::from_utf8(jwks_of(vec![jwk("a")])).unwrap();
        for (name, document) in [
            ("empty", String::new()),
            ("html", "<html>".to_owned()),
            ("array", format!("[{good}]")),
            ("struct as array", r#"[[]]"#.to_owned()),
            ("keys missing", "{}".to_owned()),
            ("keys null", r#"{"keys":null}"#.to_owned()),
            ("keys an object", r#"{"keys":{}}"#.to_owned()),
            ("keys twice", r#"{"keys":[],"keys":[]}"#.to_owned()),
            ("trailing data", format!("{good}x")),
            ("two documents", format!("{good}{good}")),
            ("byte order mark", format!("\u{feff}{good}")),
            ("cut", good.chars().take(good.len() / 2).collect()),
            ("not a number", r#"{"keys":[],"x":NaN}"#.to_owned()),
            ("deep", format!(r#"{{"keys":{}{}}}"#, "[".repeat(200), "]".repeat(200))),
        ] {
            assert!(KeySet::read(document.as_bytes(), RULES, None).is_err(), "{name}");
        }
        assert!(KeySet::read(b"{\"keys\":[],\"x\":\"\xff\"}", RULES, None).is_err(), "not UTF-8");
        assert!(KeySet::read(format!(" \n{good}\n").as_bytes(), RULES, None).is_ok());
    }

    /// The time it takes is measured in `benches/` (`key_cache`); here: one pass, each key parsed once.
    ///
    /// covers: J9
    #[test]
    fn hostile_sets_of_400_keys_are_read_in_one_pass_and_reread_without_parsing() {
        let document = jwks_of((0..400).map(|seed| jwk_of(&format!("kid {seed}"), seed)).collect());
        let first = KeySet::read(&document, RULES, None).unwrap().keys;
        let second = KeySet::read(&document, RULES, Some(&first)).unwrap().keys;
        assert_eq!((first.len(), second.len()), (400, 400));
        for seed in 0..400 {
            let kid = format!("kid {seed}");
            let (former, kept) = (first.find(Some(&kid)).unwrap(), second.find(Some(&kid)).unwrap());
            assert!(Arc::ptr_eq(former, kept), "{kid}");
        }
        let same = jwks_of((0..400).map(|seed| jwk_of("kid", seed)).collect());
        assert_eq!(KeySet::read(&same, RULES, None).unwrap().keys.len(), 1);
    }
}
