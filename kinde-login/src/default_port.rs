//! The port that browsers leave out of an address, because the scheme has it anyway.

/// Takes the default port of its scheme from the end of an origin (WHATWG URL §4.2).
pub(crate) fn without(origin: &str) -> &str {
    let port = if origin.starts_with("https://") { ":443" } else { ":80" };
    origin.strip_suffix(port).unwrap_or(origin)
}
