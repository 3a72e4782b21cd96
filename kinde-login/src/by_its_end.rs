//! Chooses a place in a map by the end of a long text.

use std::hash::{BuildHasher, Hasher};

/// Hashes the last bytes of a text, with a secret seed.
///
/// A sealed text ends with its tag, which differs wherever the rest does. A stranger can send texts with one end, but
/// only what was opened gets into the map.
#[derive(Clone, Default)]
pub(crate) struct ByItsEnd(foldhash::quality::RandomState);

impl BuildHasher for ByItsEnd {
    type Hasher = EndHasher;

    fn build_hasher(&self) -> EndHasher {
        EndHasher(self.0.build_hasher())
    }
}

pub(crate) struct EndHasher(foldhash::quality::FoldHasher<'static>);

impl Hasher for EndHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes.last_chunk::<END_BYTES>().map_or(bytes, |end| end));
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

/// More than the 16 bytes of a tag have in base64.
const END_BYTES: usize = 24;
