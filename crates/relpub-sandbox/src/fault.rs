//! Faults: how a service of the world misbehaves on request.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

/// The services that can misbehave.
pub(crate) const SERVICES: [&str; 9] = [
    "bucket", "fulcio", "github", "identity", "pypi", "rekor1", "rekor2", "testpypi", "tsa",
];

const KINDS: &str = "429, 500 to 599, reset, lost-answer, slow, truncated, flipped";

/// What goes wrong, where, and how often.
///
/// As text it is `KIND@SERVICE[/ENDPOINT][:COUNT]`: `lost-answer@pypi:2`,
/// `429@github/upload-asset`. The count is 1 unless it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// The service, such as `pypi`.
    pub service: String,
    /// The endpoint, such as `upload`; `None` is any.
    pub endpoint: Option<String>,
    /// How many matching requests are left alone first.
    pub after: u32,
    /// How many matching requests are spoiled after those.
    pub count: u32,
}

/// What can go wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// 429 with `Retry-After`, answered without reaching the service.
    TooManyRequests {
        /// The value of `Retry-After` in seconds.
        retry_after: u32,
    },
    /// This status (500 to 599), answered without reaching the service.
    ServerError(u16),
    /// The connection closes with no answer before the service sees anything.
    Reset,
    /// The service does what was asked, then the connection closes.
    LostAnswer,
    /// The body of the answer comes in small pieces, with pauses, to its end.
    SlowBody,
    /// The connection closes after half of the announced body.
    TruncatedBody,
    /// One bit of the body is another; its length is right.
    FlippedBit,
}

/// Why a text is not a fault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The kind is none of the known ones.
    #[error("`{0}` is no kind of fault; the kinds are {KINDS}")]
    Kind(String),
    /// There is no service after an `@`.
    #[error("`{0}` names no service; write KIND@SERVICE, such as lost-answer@pypi")]
    NoService(String),
    /// The service is none of the known ones.
    #[error("`{0}` is no service of the sandbox; the services are {list}", list = SERVICES.join(", "))]
    Service(String),
    /// The endpoint after the `/` is empty.
    #[error("`{0}` has an empty endpoint; leave the `/` out to mean any endpoint")]
    Endpoint(String),
    /// The count is not a number from 1.
    #[error("`{0}` is no count; write a number from 1, such as lost-answer@pypi:2")]
    Count(String),
}

impl Fault {
    /// Returns a fault of the next request to `service`, whatever it asks.
    pub fn new(kind: FaultKind, service: &str) -> Self {
        Self {
            kind,
            service: service.to_owned(),
            endpoint: None,
            after: 0,
            count: 1,
        }
    }

    /// Limits the fault to one endpoint.
    pub fn at(mut self, endpoint: &str) -> Self {
        self.endpoint = Some(endpoint.to_owned());
        self
    }

    /// Leaves the first `after` matching requests alone.
    pub fn after(mut self, after: u32) -> Self {
        self.after = after;
        self
    }

    /// Spoils `count` matching requests instead of one.
    pub fn times(mut self, count: u32) -> Self {
        self.count = count;
        self
    }

    fn matches(&self, request: &Target<'_>) -> bool {
        let endpoint = self.endpoint.as_deref();
        self.service == request.service
            && endpoint.is_none_or(|endpoint| endpoint == request.endpoint)
            && (request.has_body || !self.kind.spoils_body())
    }
}

impl FaultKind {
    /// Returns whether it is the body of the answer that goes wrong.
    fn spoils_body(self) -> bool {
        matches!(
            self,
            Self::SlowBody | Self::TruncatedBody | Self::FlippedBit
        )
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyRequests { .. } => f.write_str("429"),
            Self::ServerError(status) => write!(f, "{status}"),
            Self::Reset => f.write_str("reset"),
            Self::LostAnswer => f.write_str("lost-answer"),
            Self::SlowBody => f.write_str("slow"),
            Self::TruncatedBody => f.write_str("truncated"),
            Self::FlippedBit => f.write_str("flipped"),
        }
    }
}

impl FromStr for FaultKind {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        match text {
            "429" => Ok(Self::TooManyRequests { retry_after: 1 }),
            "reset" => Ok(Self::Reset),
            "lost-answer" => Ok(Self::LostAnswer),
            "slow" => Ok(Self::SlowBody),
            "truncated" => Ok(Self::TruncatedBody),
            "flipped" => Ok(Self::FlippedBit),
            _ => match text.parse() {
                Ok(status @ 500..=599) => Ok(Self::ServerError(status)),
                _ => Err(FaultError::Kind(text.to_owned())),
            },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.kind, self.service)?;
        if let Some(endpoint) = &self.endpoint {
            write!(f, "/{endpoint}")?;
        }
        write!(f, ":{}", self.count)
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let Some((kind, place)) = text.split_once('@') else {
            return Err(FaultError::NoService(text.to_owned()));
        };
        let kind = kind.parse()?;
        let (place, count) = match place.rsplit_once(':') {
            Some((place, count)) => (place, parse_count(count)?),
            None => (place, 1),
        };
        let (service, endpoint) = match place.split_once('/') {
            Some((_, "")) => return Err(FaultError::Endpoint(text.to_owned())),
            Some((service, endpoint)) => (service, Some(endpoint.to_owned())),
            None => (place, None),
        };
        if !SERVICES.contains(&service) {
            return Err(FaultError::Service(service.to_owned()));
        }
        Ok(Self {
            kind,
            service: service.to_owned(),
            endpoint,
            after: 0,
            count,
        })
    }
}

fn parse_count(text: &str) -> Result<u32, FaultError> {
    match text.parse() {
        Ok(0) | Err(_) => Err(FaultError::Count(text.to_owned())),
        Ok(count) => Ok(count),
    }
}

/// What a fault is matched against.
pub(crate) struct Target<'a> {
    pub(crate) service: &'a str,
    pub(crate) endpoint: &'a str,
    /// Whether the answer can have a body, which one to `HEAD` cannot.
    pub(crate) has_body: bool,
}

/// The faults that are still to come in a world.
#[derive(Clone, Default)]
pub struct Faults {
    armed: Arc<Mutex<Vec<Fault>>>,
}

impl Faults {
    /// Arms a fault. Of several that match a request, the one added first is applied.
    pub fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// Disarms all faults.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Returns what is still to come.
    pub fn armed(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// Returns the fault of this request, and counts it.
    pub(crate) fn take(&self, request: &Target<'_>) -> Option<Fault> {
        let mut armed = self.lock();
        let mut applied = None;
        for fault in armed.iter_mut().filter(|fault| fault.matches(request)) {
            if fault.after > 0 {
                fault.after -= 1;
            } else if applied.is_none() && fault.count > 0 {
                fault.count -= 1;
                applied = Some(fault.clone());
            }
        }
        armed.retain(|fault| fault.count > 0);
        applied
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_as_it_is_written() {
        for text in [
            "lost-answer@pypi:2",
            "429@github/upload-asset:1",
            "503@testpypi/simple:4",
            "reset@bucket:1",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
        assert_eq!("slow@bucket".parse::<Fault>().unwrap().count, 1);
    }

    #[test]
    fn a_wrong_fault_names_the_way_out() {
        let message = |text: &str| text.parse::<Fault>().unwrap_err().to_string();
        assert_eq!(
            message("404@pypi"),
            "`404` is no kind of fault; the kinds are 429, 500 to 599, reset, lost-answer, slow, truncated, flipped"
        );
        assert_eq!(
            message("reset"),
            "`reset` names no service; write KIND@SERVICE, such as lost-answer@pypi"
        );
        assert_eq!(
            message("reset@npm"),
            "`npm` is no service of the sandbox; the services are bucket, fulcio, github, identity, pypi, rekor1, rekor2, testpypi, tsa"
        );
        assert_eq!(
            message("reset@pypi/"),
            "`reset@pypi/` has an empty endpoint; leave the `/` out to mean any endpoint"
        );
        assert_eq!(
            message("reset@pypi:0"),
            "`0` is no count; write a number from 1, such as lost-answer@pypi:2"
        );
    }

    #[test]
    fn a_fault_skips_then_counts() {
        let faults = Faults::default();
        faults.add(
            Fault::new(FaultKind::Reset, "pypi")
                .at("upload")
                .after(1)
                .times(2),
        );
        let take = |endpoint| {
            let target = Target {
                service: "pypi",
                endpoint,
                has_body: true,
            };
            faults.take(&target).is_some()
        };
        let taken = ["upload", "simple", "upload", "upload", "upload"].map(take);
        assert_eq!(taken, [false, false, true, true, false]);
        assert_eq!(faults.armed(), []);
    }
}
