//! What a posted form says: read once, short, in time, and as if it stood in the address.

use std::time::Duration;

use bytes::{Buf, Bytes};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::error::{LoginError, LoginReason};

/// Reads a form. An empty body is an empty form, whatever its media type.
pub(super) async fn read<B: Body>(headers: &HeaderMap, body: B) -> Result<Bytes, LoginError> {
    // An announced length is believed in one direction only: nothing is read of a body that announces to be too long, or
    // announces a length and is no form.
    let announced = body.size_hint().lower();
    if announced > 0 && !is_form(headers) {
        return Err(LoginReason::FormMediaType.into());
    }
    if usize::try_from(announced).map_or(true, |length| length > LIMIT_BYTES) {
        return Err(too_large());
    }
    let body = body.map_frame(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())));
    let reading = Limited::new(body.map_err(|_| "it broke off"), LIMIT_BYTES).collect();
    let form = match tokio::time::timeout(READ_WITHIN, reading).await {
        Ok(Ok(form)) => form.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
        Ok(Err(_)) => return Err(LoginReason::FormUnreadable { problem: "it broke off" }.into()),
        Err(_) => return Err(LoginReason::FormUnreadable { problem: "it took too long" }.into()),
    };
    if !form.is_empty() && !is_form(headers) {
        return Err(LoginReason::FormMediaType.into());
    }
    Ok(form)
}

fn too_large() -> LoginError {
    LoginReason::FormTooLarge { limit_bytes: LIMIT_BYTES }.into()
}

/// RFC 9110 §8.3: parameters and case do not matter; two headers are none.
fn is_form(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// As much as servers take of an address.
const LIMIT_BYTES: usize = 8_192;
const READ_WITHIN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    use http::HeaderValue;
    use http_body::Frame;
    use http_body_util::{Empty, Full};

    use super::*;

    /// A body in pieces that does not say how long it is, and at its end waits, fails or is over.
    struct Pieces(Vec<&'static str>, Option<Result<(), ()>>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = ();

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, ()>>> {
            if !self.0.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(self.0.remove(0).as_bytes())))));
            }
            match self.1 {
                Some(Ok(())) => Poll::Ready(None),
                Some(Err(())) => Poll::Ready(Some(Err(()))),
                None => Poll::Pending,
            }
        }
    }

    fn of_type(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (CONTENT_TYPE, HeaderValue::from_static(value))).collect()
    }

    fn headers() -> HeaderMap {
        of_type(&["application/x-www-form-urlencoded"])
    }

    fn text(length: usize) -> Full<Bytes> {
        Full::new(Bytes::from(vec![b'a'; length]))
    }

    #[tokio::test]
    async fn form_is_read_up_to_the_limit_and_not_beyond() {
        assert_eq!(read(&headers(), text(8_192)).await.unwrap().len(), 8_192);
        assert_eq!(read(&headers(), text(8_193)).await.unwrap_err().code(), "form_too_large");
        let silent = Pieces(vec!["a=b&", "", "c=d"], Some(Ok(())));
        assert_eq!(&*read(&headers(), silent).await.unwrap(), b"a=b&c=d");
        let endless = Pieces(vec!["aaaaaaaa"; 1_025], None);
        assert_eq!(read(&headers(), endless).await.unwrap_err().code(), "form_too_large");
    }

    #[tokio::test]
    async fn other_media_types_are_refused_unless_there_is_nothing_to_read() {
        for accepted in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
            " application/x-www-form-urlencoded ;x",
        ] {
            assert!(read(&of_type(&[accepted]), text(1)).await.is_ok(), "{accepted}");
        }
        for refused in [
            &[] as &[&'static str],
            &[""],
            &["application/json"],
            &["multipart/form-data; boundary=x"],
            &["application/x-www-form-urlencoded", "application/x-www-form-urlencoded"],
        ] {
            let headers = of_type(refused);
            assert_eq!(read(&headers, text(1)).await.unwrap_err().code(), "form_media_type", "{refused:?}");
            assert_eq!(read(&headers, text(9_000)).await.unwrap_err().code(), "form_media_type");
            assert!(read(&headers, Empty::<Bytes>::new()).await.unwrap().is_empty(), "{refused:?}");
            let silent = Pieces(vec![""], Some(Ok(())));
            assert!(read(&headers, silent).await.unwrap().is_empty(), "{refused:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn form_that_breaks_off_or_never_ends_is_unreadable() {
        for end in [Some(Err(())), None] {
            let error = read(&headers(), Pieces(vec!["a=b"], end)).await.unwrap_err();
            assert_eq!(error.code(), "form_unreadable", "{end:?}");
        }
    }
}
