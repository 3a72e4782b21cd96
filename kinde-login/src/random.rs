//! Where unguessable values come from.

use std::fmt;

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Fills memory with unguessable bytes.
pub(crate) trait Randomness: fmt::Debug + Send + Sync + 'static {
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        // AWS-LC aborts the process rather than report a failing random source, so that this is never reached.
        #[expect(clippy::expect_used, reason = "a guessable secret would be worse than none")]
        rand::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Makes a token of `bytes` random bytes, in the alphabet that OAuth parameters and cookies allow.
pub(crate) fn token(randomness: &dyn Randomness, bytes: usize) -> Zeroizing<String> {
    let mut random = Zeroizing::new(vec![0; bytes]);
    randomness.fill(&mut random);
    Zeroizing::new(URL_SAFE_NO_PAD.encode(&*random))
}
