//! The one retry layer: what is repeated, how often, and how long it waits.

use std::future::Future;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::{SignedDuration, Timestamp};
use relpub_model::decision::Decision;
use relpub_model::event::Event;
use relpub_model::text::Untrusted;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::client::Http;
use super::error::{Again, Deed, RemoteError};
use super::request::Repeat;

/// How many times something is tried.
const ATTEMPTS: u32 = 4;
/// The longest wait that a server can impose; more than that ends the run,
/// which can be started again.
const PATIENCE: SignedDuration = SignedDuration::from_mins(65);

/// The waits between attempts, one after the other.
type Backoff = <ExponentialBuilder as BackoffBuilder>::Backoff;

/// Returns the waits between attempts: 1, 5 and 25 seconds. There is no jitter:
/// one release at a time is no herd, and a run is the same each time.
fn backoff() -> Backoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_secs(1))
        .with_factor(5.0)
        .with_max_times(ATTEMPTS as usize - 1)
        .build()
}

impl Http {
    /// Tries something until it succeeds, may not be repeated, or has been tried
    /// four times.
    ///
    /// `attempt` says by the error's `again` whether it may be repeated.
    pub(crate) async fn retry<T, F, Fut>(
        &self,
        deed: &Deed,
        mut attempt: F,
    ) -> Result<T, RemoteError>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T, RemoteError>> + Send,
        T: Send,
    {
        let mut attempts = self.attempts(deed)?;
        loop {
            match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => attempts.after(error).await?,
            }
        }
    }

    /// Begins to try something that does not fit a closure; an error is that the
    /// run was cancelled.
    pub(crate) fn attempts<'a>(&'a self, deed: &'a Deed) -> Result<Attempts<'a>, RemoteError> {
        if self.is_cancelled() {
            return Err(RemoteError::cancelled(deed));
        }
        Ok(Attempts {
            http: self,
            deed,
            waits: backoff(),
            tried: 0,
        })
    }
}

/// How often something was tried, and how long to wait before the next time.
pub(crate) struct Attempts<'a> {
    http: &'a Http,
    deed: &'a Deed,
    waits: Backoff,
    tried: u32,
}

impl Attempts<'_> {
    /// Waits after a failure; returns it when there is no next attempt.
    pub(crate) async fn after(&mut self, mut error: RemoteError) -> Result<(), RemoteError> {
        self.tried += 1;
        error.attempts = self.tried;
        let Again::After(not_before) = error.again else {
            return Err(error);
        };
        let now = self.http.now();
        let asked = not_before.map_or(SignedDuration::ZERO, |time| time.duration_since(now));
        let Some(backoff) = self.waits.next() else {
            return Err(error);
        };
        if asked > PATIENCE {
            let until = now.saturating_add(asked).unwrap_or(Timestamp::MAX);
            return Err(error.with_hint(format!("it is to be left alone until {until}")));
        }
        let wait = SignedDuration::try_from(backoff).map_or(asked, |backoff| backoff.max(asked));
        self.http.emit(Event::Retrying {
            service: self.deed.service.clone(),
            operation: format!("{} {}", self.deed.operation, self.deed.thing),
            attempt: self.tried,
            at: now.saturating_add(wait).unwrap_or(now),
            reason: reason(&error),
        });
        let sleep = self.http.clock().sleep(wait.unsigned_abs());
        self.http.unless_cancelled(self.deed, sleep).await
    }

    /// Begins anew, because the last attempt got somewhere.
    pub(crate) fn reset(&mut self) {
        self.waits = backoff();
        self.tried = 0;
    }
}

/// Returns why an attempt failed, without repeating what was tried.
fn reason(error: &RemoteError) -> Untrusted {
    let status = error.status.map(|status| format!("HTTP {status}"));
    let said = error.said.as_ref().map(Untrusted::for_terminal);
    let why = Some(error.why.clone()).filter(|why| !why.is_empty());
    let parts: Vec<_> = [why, status, said].into_iter().flatten().collect();
    Untrusted::new(parts.join(": "))
}

/// Decides what a refusal means and whether the request may be repeated.
pub(super) fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    repeat: Repeat,
    now: Timestamp,
) -> (Decision, Again) {
    let until = not_before(headers, now);
    if status == StatusCode::TOO_MANY_REQUESTS || is_rate_limit(status, headers) {
        return (Decision::RateLimited { until }, Again::After(until));
    }
    match (status.as_u16(), repeat) {
        (408 | 425 | 500 | 502 | 503 | 504, Repeat::Always) => {
            (Decision::Transient, Again::After(until))
        }
        (408 | 425 | 500..=599, Repeat::IfUnsent) => (Decision::Ambiguous, Again::Never),
        (status, _) => (final_decision(status), Again::Never),
    }
}

fn final_decision(status: u16) -> Decision {
    match status {
        401 => Decision::Unauthenticated,
        403 => Decision::Forbidden,
        404 => Decision::NotFound,
        409 => Decision::Conflict,
        410 => Decision::Gone,
        400..=499 => Decision::Refused {
            rule: format!("HTTP {status}"),
        },
        500..=599 => Decision::Transient,
        _ => Decision::Protocol,
    }
}

/// Tells GitHub's rate limits from a missing right: both are 403.
fn is_rate_limit(status: StatusCode, headers: &HeaderMap) -> bool {
    let spent = headers
        .get("x-ratelimit-remaining")
        .is_some_and(|left| left.as_bytes() == b"0");
    status == StatusCode::FORBIDDEN && (spent || headers.contains_key(RETRY_AFTER))
}

/// Returns when the server wants to be asked again: `Retry-After` in seconds or
/// as a date (RFC 9110 section 10.2.3), else GitHub's `x-ratelimit-reset`.
fn not_before(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(after) = text("retry-after") {
        let date = jiff::fmt::rfc2822::DateTimeParser::new();
        return match after.parse::<u32>() {
            Ok(seconds) => now
                .checked_add(SignedDuration::from_secs(seconds.into()))
                .ok(),
            Err(_) => date.parse_timestamp(after).ok(),
        };
    }
    if text("x-ratelimit-remaining") == Some("0") {
        let reset = text("x-ratelimit-reset")?.parse().ok()?;
        return Timestamp::from_second(reset).ok();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(repeat: Repeat) -> Vec<u16> {
        let again = |status: &u16| {
            let status = StatusCode::from_u16(*status).unwrap();
            let judged = judge(status, &HeaderMap::new(), repeat, Timestamp::UNIX_EPOCH);
            judged.1 != Again::Never
        };
        (300..600).filter(again).collect()
    }

    #[test]
    fn retried_statuses() {
        assert_eq!(
            repeated(Repeat::Always),
            [408, 425, 429, 500, 502, 503, 504]
        );
        assert_eq!(repeated(Repeat::IfUnsent), [429]);
    }

    #[test]
    fn four_attempts_take_half_a_minute() {
        let waits: Vec<_> = backoff().map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [1, 5, 25]);
    }

    #[test]
    fn a_server_says_when_to_come_again() {
        let now = Timestamp::from_second(784_111_000).unwrap();
        let until = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            let judged = judge(StatusCode::FORBIDDEN, &headers, Repeat::IfUnsent, now);
            match judged.0 {
                Decision::RateLimited { until } => until.map(Timestamp::as_second),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(until(&[("retry-after", "60")]), Some(784_111_060));
        let date = ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(until(&[date]), Some(784_111_777));
        let left = ("x-ratelimit-remaining", "0");
        assert_eq!(
            until(&[left, ("x-ratelimit-reset", "784114600")]),
            Some(784_114_600)
        );
        assert_eq!(until(&[left]), None);
    }
}
