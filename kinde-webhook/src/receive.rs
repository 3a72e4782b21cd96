//! From an HTTP request to the bytes of a webhook: method, media type and size. No other file reads them.

use bytes::{Buf, Bytes};
use http::{
    HeaderMap, Method, Request,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{WebhookError, WebhookReason};

/// What a request must be like to be read at all: set by
/// [`WebhookService::with_reception`](crate::WebhookService::with_reception), or as an extension of the request for
/// the extractor `kinde_axum::Webhook`.
#[derive(Clone, Copy, Debug)]
pub struct Reception {
    body_limit_bytes: usize,
    accepts_json: bool,
}

impl Default for Reception {
    fn default() -> Self {
        Self { body_limit_bytes: DEFAULT_BODY_LIMIT_BYTES, accepts_json: false }
    }
}

impl Reception {
    /// Sets how long a body may be. Default 256 KiB: an event that carries a person with hundreds of organizations
    /// takes some 64. A longer one is refused before it is read; zero refuses everything.
    #[must_use]
    pub fn with_body_limit_bytes(mut self, limit: usize) -> Self {
        self.body_limit_bytes = limit;
        self
    }

    /// Also accepts `application/json`, which Kinde sent before about 2024. Default off.
    #[must_use]
    pub fn accept_json_media_type(mut self) -> Self {
        self.accepts_json = true;
        self
    }

    /// Reads a request's body, after its head was found good.
    ///
    /// # Errors
    ///
    /// [`MethodNotAllowed`](WebhookReason), `MediaTypeNotAllowed`, `BodyTooLarge` or `BodyUnreadable`.
    pub async fn read<B>(&self, request: Request<B>) -> Result<Bytes, WebhookError>
    where
        B: Body,
        B::Data: Buf,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        if head.method != Method::POST {
            return Err(WebhookReason::MethodNotAllowed.into());
        }
        if !self.accepts(&head.headers) {
            return Err(WebhookReason::MediaTypeNotAllowed.into());
        }
        let limit = self.body_limit_bytes;
        // An announced length is believed in one direction only: nothing is read of a body that says it is too long.
        if usize::try_from(body.size_hint().lower()).is_ok_and(|length| length <= limit) {
            return match Limited::new(body, limit).collect().await {
                Ok(body) => Ok(body.to_bytes()),
                Err(error) if error.is::<LengthLimitError>() => {
                    Err(WebhookReason::BodyTooLarge { limit }.into())
                }
                Err(_) => Err(WebhookReason::BodyUnreadable.into()),
            };
        }
        Err(WebhookReason::BodyTooLarge { limit }.into())
    }

    /// RFC 9110 §8.3: parameters and case do not matter; two headers, or a content coding, are not what Kinde sends.
    fn accepts(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let Ok(value) = value.to_str() else { return false };
        let essence = value.split(';').next().unwrap_or_default().trim();
        let is_accepted = essence.eq_ignore_ascii_case("application/jwt")
            || self.accepts_json && essence.eq_ignore_ascii_case("application/json");
        let is_plain = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
        is_accepted && is_plain
    }
}

/// Requirement H2.
const DEFAULT_BODY_LIMIT_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use std::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll},
    };

    use http_body::Frame;
    use http_body_util::Full;

    use super::*;

    /// A body that does not say how long it is.
    struct Silent(Option<Bytes>);

    impl Body for Silent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
        }
    }

    fn accepts(values: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        values.iter().for_each(|value| {
            headers.append(CONTENT_TYPE, HeaderValue::from_static(value));
        });
        Reception::default().accepts(&headers)
    }

    /// covers: H2
    #[test]
    fn media_type_is_compared_without_case_and_parameters() {
        for value in
            ["application/jwt", "Application/JWT", "application/jwt; charset=utf-8", " application/jwt ;x=y"]
        {
            assert!(accepts(&[value]), "{value}");
        }
        for value in
            ["", "application/json", "text/plain", "application/jwt2", "jwt", "application/jwt,text/plain"]
        {
            assert!(!accepts(&[value]), "{value}");
        }
        assert!(!accepts(&[]));
        assert!(!accepts(&["application/jwt", "application/jwt"]));
        let mut headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        assert!(Reception::default().accept_json_media_type().accepts(&headers));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(!Reception::default().accept_json_media_type().accepts(&headers));
    }

    /// covers: H2
    #[tokio::test]
    async fn body_is_read_up_to_the_limit_and_not_beyond() {
        let request = |length: usize| {
            let body = Full::new(Bytes::from(vec![b'a'; length]));
            Request::post("/").header(CONTENT_TYPE, "application/jwt").body(body).unwrap()
        };
        let reception = Reception::default().with_body_limit_bytes(10);
        assert_eq!(reception.read(request(10)).await.unwrap().len(), 10);
        assert_eq!(reception.read(request(11)).await.unwrap_err().code(), "body_too_large");
        let silent = Silent(Some(Bytes::from_static(b"aaaaaaaaaaa")));
        let request = Request::post("/").header(CONTENT_TYPE, "application/jwt").body(silent).unwrap();
        assert_eq!(reception.read(request).await.unwrap_err().code(), "body_too_large");
    }
}
