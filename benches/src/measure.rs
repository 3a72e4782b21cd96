//! Time that this thread worked, and what is made of many readings.

use std::time::Duration;

use http::{HeaderValue, Request, StatusCode, header::AUTHORIZATION};
use rustix::time::{ClockId, clock_gettime};
use tower::{Service, ServiceExt};

/// Reads how long this thread has run on a processor: other programs on the machine do not count.
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// Sends one request per credential through a clone of the service, as a server does, and gives the nanoseconds that
/// one took: call, answer, and dropping both. Making the requests is not counted.
///
/// # Panics
///
/// When an answer has another status than `expected`: the row would measure something else than its name says.
pub async fn nanos_per_request<S, B, R>(
    name: &str,
    service: &S,
    credentials: &[Option<HeaderValue>],
    expected: fn(StatusCode) -> bool,
    body: fn() -> B,
) -> f64
where
    S: Service<Request<B>, Response = http::Response<R>> + Clone,
    S::Error: std::fmt::Debug,
{
    let requests: Vec<_> =
        credentials.iter().map(|credential| request(credential.as_ref(), body())).collect();
    let mut refused = None;
    let start = thread_time();
    for request in requests {
        let response = service.clone().oneshot(request).await.expect("the service answers");
        if !expected(response.status()) {
            refused = Some(response.status());
        }
    }
    let took = thread_time() - start;
    assert_eq!(refused, None, "{name}: unexpected status");
    took.as_nanos() as f64 / credentials.len() as f64
}

/// Makes the request that every row sends.
pub fn request<B>(credential: Option<&HeaderValue>, body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.uri_mut() = http::Uri::from_static("/me");
    let headers = request.headers_mut();
    headers.insert(http::header::HOST, HeaderValue::from_static("api.example.test"));
    headers.insert(http::header::ACCEPT, HeaderValue::from_static("*/*"));
    if let Some(credential) = credential {
        headers.insert(AUTHORIZATION, credential.clone());
    }
    request
}

/// Gives the middle one; an outlier on a shared machine does not move it.
pub fn median(readings: &[f64]) -> f64 {
    quantile(readings, 0.5)
}

/// Gives the reading below which this share of all lies.
pub fn quantile(readings: &[f64], share: f64) -> f64 {
    let mut sorted = readings.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}
