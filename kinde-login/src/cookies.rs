//! Cookie names and attributes: the only place that reads `Cookie` and writes `Set-Cookie`.

use std::{borrow::Cow, time::Duration};

use aws_lc_rs::digest;
use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};
use memchr::memchr;

/// The cookies of one application.
///
/// Cookies know no ports, and `__Host-` knows no paths: without a name of its own, an application would read the
/// session of its neighbour on the same host, find it unusable, and remove it.
#[derive(Clone, Debug)]
pub(crate) struct Cookies {
    /// The parts of a long session are called `NAME.1`, `NAME.2`, ….
    session: String,
    flow_prefix: String,
    breaker: String,
    attributes: &'static str,
    /// What the session's cookies have beside: the domain that shares them.
    domain: String,
}

impl Cookies {
    /// Decides names and attributes: by what all instances of an application agree on and no two applications of one
    /// host share, and by whether the site has https.
    ///
    /// With a domain the session is shared by the application's hosts, whatever their sites are called. A sign-in under
    /// way is of one host all the same, and nobody else can plant one.
    pub(crate) fn of_application(client_id: &str, site: &str, base: &str, domain: Option<&str>) -> Self {
        let own = mark(&[client_id, site, base]);
        let is_https = site.starts_with("https://");
        // RFC 6265bis §4.1.3.2: the prefix makes browsers refuse the cookie without Secure, from another host of the
        // domain, or with another path. Browsers do not take it from plain http, where development happens.
        let prefix = if is_https { "__Host-" } else { "" };
        let attributes = if is_https {
            "; Path=/; Secure; HttpOnly; SameSite=Lax"
        } else {
            "; Path=/; HttpOnly; SameSite=Lax"
        };
        let session = match domain {
            None => format!("{prefix}kinde_session_{own}"),
            // RFC 6265bis §4.1.3.1: Secure is still demanded.
            Some(domain) => {
                let prefix = if is_https { "__Secure-" } else { "" };
                format!("{prefix}kinde_session_{}", mark(&[client_id, domain]))
            }
        };
        Self {
            session,
            flow_prefix: format!("{prefix}kinde_flow_{own}_"),
            breaker: format!("{prefix}kinde_starts_{own}"),
            attributes,
            domain: domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default(),
        }
    }

    /// Gives those of an application that only the site distinguishes.
    #[cfg(test)]
    pub(crate) fn of_site(site: &str) -> Self {
        Self::of_application("client", site, "/api/auth", None)
    }

    /// The name of the session's cookie, or of the first of its parts.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// The name of one flow's cookie.
    pub(crate) fn flow(&self, id: &str) -> String {
        format!("{}{id}", self.flow_prefix)
    }

    /// The name of the cookie that counts starts.
    pub(crate) fn breaker(&self) -> &str {
        &self.breaker
    }

    /// Writes a cookie that lives for `max_age`, or as long as the browser runs.
    pub(crate) fn set(&self, name: &str, value: &str, max_age: Option<Duration>) -> HeaderValue {
        self.write(name, value, "", max_age)
    }

    /// Removes a cookie: with the attributes it was set with, or a browser keeps it.
    pub(crate) fn remove(&self, name: &str) -> HeaderValue {
        self.write(name, "", "", Some(Duration::ZERO))
    }

    fn write(&self, name: &str, value: &str, domain: &str, max_age: Option<Duration>) -> HeaderValue {
        let max_age = max_age.map(|age| format!("; Max-Age={}", age.as_secs())).unwrap_or_default();
        header(format!("{name}={value}{}{domain}{max_age}", self.attributes))
    }

    fn set_part(&self, name: &str, value: &str, max_age: Option<Duration>) -> HeaderValue {
        self.write(name, value, &self.domain, max_age)
    }

    fn remove_part(&self, name: &str) -> HeaderValue {
        self.write(name, "", &self.domain, Some(Duration::ZERO))
    }

    /// Gives the flows of a request, as `(id, value)`; at most `limit`. What is no id of ours is nobody's flow, and its
    /// name is never written into an answer.
    pub(crate) fn flows<'a>(
        &'a self,
        headers: &'a HeaderMap,
        limit: usize,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let is_ours = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        pairs(headers)
            .filter_map(move |(name, value)| {
                let id = name.strip_prefix(self.flow_prefix.as_bytes())?;
                let is_id = id.len() == FLOW_ID_LETTERS && id.iter().all(is_ours);
                is_id.then_some((text(id)?, text(value)?))
            })
            .take(limit)
    }

    /// Puts the parts of a session together; `None` when there is none or a part is missing.
    pub(crate) fn joined_session<'a>(&self, headers: &'a HeaderMap) -> Option<Cow<'a, [u8]>> {
        let first = bytes(headers, &self.session)?;
        let Some((count, first)) = counted(first) else { return Some(Cow::Borrowed(first)) };
        let count = usize::from(count).checked_sub(usize::from(b'0'))?;
        if !(2..=MOST_PARTS).contains(&count) {
            return None;
        }
        let mut joined = first.to_owned();
        for part in 1..count {
            joined.extend_from_slice(bytes(headers, &self.part(part))?);
        }
        Some(Cow::Owned(joined))
    }

    /// Tells whether the browser sent a part of a session, though others may be lost.
    pub(crate) fn has_part(&self, headers: &HeaderMap) -> bool {
        pairs(headers).any(|(name, _)| match name.strip_prefix(self.session.as_bytes()) {
            Some([]) => true,
            Some([b'.', place]) => (1..MOST_PARTS).contains(&usize::from(place.wrapping_sub(b'0'))),
            _ => false,
        })
    }

    /// Writes the session into one cookie, or into several when it is longer than one may be, and removes the parts
    /// that an earlier, longer session left in this browser.
    pub(crate) fn set_session(
        &self,
        sealed: &str,
        max_age: Option<Duration>,
        request: &HeaderMap,
        response: &mut HeaderMap,
    ) {
        let parts: Vec<_> = chunks(sealed, PART_BYTES).collect();
        for (place, part) in parts.iter().enumerate() {
            let cookie = match place {
                0 if parts.len() == 1 => self.set_part(&self.session, part, max_age),
                0 => self.set_part(&self.session, &format!("{}~{part}", parts.len()), max_age),
                place => self.set_part(&self.part(place), part, max_age),
            };
            response.append(SET_COOKIE, cookie);
        }
        self.remove_parts_from(parts.len(), request, response);
    }

    /// Removes every part of the session that the browser sent.
    pub(crate) fn remove_session(&self, request: &HeaderMap, response: &mut HeaderMap) {
        if bytes(request, &self.session).is_some() {
            response.append(SET_COOKIE, self.remove_part(&self.session));
        }
        self.remove_parts_from(1, request, response);
    }

    fn remove_parts_from(&self, first: usize, request: &HeaderMap, response: &mut HeaderMap) {
        for place in first.max(1)..MOST_PARTS {
            let name = self.part(place);
            if bytes(request, &name).is_some() {
                response.append(SET_COOKIE, self.remove_part(&name));
            }
        }
    }

    fn part(&self, place: usize) -> String {
        format!("{}.{place}", self.session)
    }
}

/// Shortens what names an application to what a cookie's name has room for. Lower-case letters and digits, so that
/// the configuration of a proxy can name the cookie, too.
fn mark(parts: &[&str]) -> String {
    let mut digest = digest::Context::new(&digest::SHA256);
    for part in parts {
        digest.update(part.as_bytes());
        // In none of the parts, so that no two lists read the same.
        digest.update(b"\n");
    }
    let digest = digest.finish();
    digest.as_ref().iter().take(MARK_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// Splits the number of parts off: one digit and `~`, which no sealed text begins with.
fn counted(first: &[u8]) -> Option<(u8, &[u8])> {
    match first {
        [count, b'~', rest @ ..] => Some((*count, rest)),
        _ => None,
    }
}

/// Gives the value of a cookie by its exact name; the first of several, which has the longest path
/// (RFC 6265bis §5.8.3), so that a cookie planted beside ours cannot take its place.
pub(crate) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    std::str::from_utf8(bytes(headers, name)?).ok()
}

fn bytes<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    pairs(headers).find(|(known, _)| *known == name.as_bytes()).map(|(_, value)| value)
}

/// Gives names and values; bytes, because a script of the same host may have set a neighbour in any.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    // HTTP/2 may split the header (RFC 9113 §8.2.3).
    let lines = headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes);
    lines.flat_map(|line| split(line, b';')).filter_map(|pair| {
        let pair = pair.trim_ascii();
        let (name, value) = pair.split_at_checked(memchr(b'=', pair)?)?;
        Some((name, value.get(1..)?))
    })
}

/// Splits many bytes at a time: a session is long, and looked for with every request.
fn split(line: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let Some(end) = memchr(separator, line) else { return rest.take() };
        rest = line.get(end + 1..);
        line.get(..end)
    })
}

/// Cuts ASCII text.
fn chunks(text: &str, bytes: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (chunk, after) = rest.split_at_checked(bytes).unwrap_or((rest, ""));
        rest = after;
        Some(chunk)
    })
}

fn header(cookie: String) -> HeaderValue {
    // Names are ours, values are base64url or decimal: nothing that a header could not hold.
    let header = HeaderValue::try_from(cookie);
    debug_assert!(header.is_ok(), "cookies are written in visible ASCII");
    header.unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// One in 16 million pairs of neighbours would share a name.
const MARK_BYTES: usize = 3;
/// 72 bits of a digest, in base64url.
const FLOW_ID_LETTERS: usize = 12;
/// With its name and attributes, a part stays below the 4,096 bytes that a browser must keep
/// (RFC 6265bis §6.1; ASVS 5.0 3.3.5).
pub(crate) const PART_BYTES: usize = 3_800;
/// More parts than a budget can ask for.
const MOST_PARTS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cookies: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookies).unwrap())])
    }

    fn set(headers: &HeaderMap) -> Vec<&str> {
        headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect()
    }

    /// covers: G3 F3
    #[test]
    fn cookies_of_an_https_site_are_bound_to_its_host() {
        let cookies = Cookies::of_site("https://app.example.com");
        let cookie = cookies.set(&cookies.session, "v", Some(Duration::from_secs(60)));
        let expected = "__Host-kinde_session_109cf5=v; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60";
        assert_eq!(cookie, expected);
        let plain = Cookies::of_site("http://localhost:3000");
        assert_eq!(
            plain.set(&plain.session, "v", None),
            "kinde_session_49d965=v; Path=/; HttpOnly; SameSite=Lax"
        );
        assert_eq!(plain.remove("a"), "a=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }

    /// covers: G3
    #[test]
    fn no_two_applications_of_a_host_share_a_name_and_all_instances_of_one_do() {
        let names = |cookies: &Cookies| [cookies.session.clone(), cookies.flow(""), cookies.breaker.clone()];
        let ours = names(&Cookies::of_application("client", "http://localhost:3000", "/api/auth", None));
        assert_eq!(
            names(&Cookies::of_application("client", "http://localhost:3000", "/api/auth", None)),
            ours
        );
        for (name, client_id, site, base) in [
            ("another port", "client", "http://localhost:3001", "/api/auth"),
            ("another path", "client", "http://localhost:3000", "/b/api/auth"),
            ("another application", "other", "http://localhost:3000", "/api/auth"),
            ("the same letters", "clienthttp:", "//localhost:3000", "/api/auth"),
        ] {
            let theirs = names(&Cookies::of_application(client_id, site, base, None));
            assert!(ours.iter().zip(&theirs).all(|(ours, theirs)| ours != theirs), "{name}: {theirs:?}");
        }
    }

    /// covers: G3
    #[test]
    fn session_of_a_domain_is_shared_by_its_hosts_and_a_sign_in_under_way_is_not() {
        let [app, docs] = ["https://app.acme.example", "https://docs.acme.example"]
            .map(|site| Cookies::of_application("client", site, "/api/auth", Some("acme.example")));
        assert!(app.session.starts_with("__Secure-kinde_session_"), "{}", app.session);
        assert_eq!(app.session, docs.session);
        assert_ne!(app.session, Cookies::of_application("other", "", "", Some("acme.example")).session);
        assert!(app.flow("").starts_with("__Host-") && app.flow("") != docs.flow(""));
        let mut response = HeaderMap::new();
        app.set_session("v", None, &HeaderMap::new(), &mut response);
        docs.remove_session(&sent(&format!("{0}=v; {0}.1=w", app.session)), &mut response);
        let attributes = "Path=/; Secure; HttpOnly; SameSite=Lax; Domain=acme.example";
        let expected = [
            format!("{}=v; {attributes}", app.session),
            format!("{}=; {attributes}; Max-Age=0", app.session),
            format!("{}.1=; {attributes}; Max-Age=0", app.session),
        ];
        assert_eq!(set(&response), expected);
        assert!(
            !app.set("a", "v", None).to_str().unwrap().contains("Domain"),
            "of a flow or the count of starts"
        );
    }

    /// covers: G3
    #[test]
    fn long_session_is_cut_put_together_and_leaves_no_stale_part() {
        let cookies = Cookies::of_site("http://localhost:3000");
        let sealed = "a".repeat(PART_BYTES) + &"b".repeat(PART_BYTES) + "c";
        let mut response = HeaderMap::new();
        cookies.set_session(&sealed, None, &HeaderMap::new(), &mut response);
        assert_eq!(set(&response).len(), 3);
        assert!(set(&response).iter().all(|cookie| cookie.len() <= 4_096));
        let names_and_values: Vec<_> =
            set(&response).iter().map(|cookie| cookie.split(';').next().unwrap().to_owned()).collect();
        let request = sent(&names_and_values.join("; "));
        assert_eq!(cookies.joined_session(&request).as_deref(), Some(sealed.as_bytes()));
        let reordered = sent(&names_and_values.iter().rev().cloned().collect::<Vec<_>>().join("; "));
        assert_eq!(cookies.joined_session(&reordered).as_deref(), Some(sealed.as_bytes()));

        let mut shorter = HeaderMap::new();
        cookies.set_session("v", None, &request, &mut shorter);
        assert_eq!(set(&shorter).len(), 3, "one is set, two are removed");
        assert_eq!(set(&shorter)[2], "kinde_session_49d965.2=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }

    /// covers: G3
    #[test]
    fn session_is_cut_where_a_cookie_is_full_into_at_most_eight() {
        let cookies =
            Cookies::of_application("client", "https://app.acme.example", "/", Some("acme.example"));
        let year = Some(Duration::from_secs(31_536_000));
        for (bytes, count) in [
            (1, 1),
            (PART_BYTES, 1),
            (PART_BYTES + 1, 2),
            (2 * PART_BYTES, 2),
            (7 * PART_BYTES + 1, 8),
            (MOST_PARTS * PART_BYTES, 8),
        ] {
            let sealed: String =
                (0..bytes).map(|place| char::from(b'a' + (place / 100 % 26) as u8)).collect();
            let mut response = HeaderMap::new();
            cookies.set_session(&sealed, year, &HeaderMap::new(), &mut response);
            let set = set(&response);
            assert_eq!(set.len(), count, "{bytes}");
            assert!(set.iter().all(|cookie| cookie.len() <= 4_096), "{bytes}");
            let pairs: Vec<_> = set.iter().map(|cookie| cookie.split(';').next().unwrap()).collect();
            let request = sent(&pairs.join("; "));
            assert_eq!(cookies.joined_session(&request).as_deref(), Some(sealed.as_bytes()), "{bytes}");
            let mut removed = HeaderMap::new();
            cookies.remove_session(&request, &mut removed);
            assert_eq!(removed.get_all(SET_COOKIE).iter().count(), count, "{bytes}");
        }
    }

    /// covers: F5
    #[test]
    fn name_that_is_no_flow_of_ours_is_never_repeated() {
        let cookies = Cookies::of_site("http://localhost:3000");
        let flow = cookies.flow("AAAAbbbb-_99");
        let prefix = cookies.flow("");
        let mut line =
            format!("{flow}=a; {prefix}=b; {prefix}short=c; {prefix}AAAAbbbb-_99x=d; ").into_bytes();
        line.extend_from_slice(format!("{prefix}AAAAbbbb-_9\"=e; {prefix}").as_bytes());
        line.extend_from_slice("\u{fffd}\u{fffd}aaaaaa=f".as_bytes());
        let request = HeaderMap::from_iter([(COOKIE, HeaderValue::from_bytes(&line).unwrap())]);
        assert_eq!(cookies.flows(&request, 10).collect::<Vec<_>>(), [("AAAAbbbb-_99", "a")]);
    }

    /// covers: G5
    #[test]
    fn session_with_a_missing_part_or_an_odd_count_is_none() {
        let cookies = Cookies::of_site("http://localhost:3000");
        for cookie in [
            "kinde_session_49d965=2~a",
            "kinde_session_49d965=1~a",
            "kinde_session_49d965=9~a",
            "kinde_session_49d965=-~a",
            "kinde_session_49d965.1=b",
            "xkinde_session_49d965=a",
            "kinde_session_109cf5=a",
            "kinde_session=a",
            "kinde_session_49d965",
            "",
        ] {
            assert_eq!(cookies.joined_session(&sent(cookie)), None, "{cookie}");
        }
        let twice = sent("kinde_session_49d965=a; other=x; kinde_session_49d965=b");
        assert_eq!(cookies.joined_session(&twice).as_deref(), Some(b"a".as_slice()));
    }
}
