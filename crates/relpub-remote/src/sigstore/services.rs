//! Where signing services are: a signing config (v0.2), and what is picked from it.

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use crate::http;

/// The format of a signing config that is read (protobuf-specs `SigningConfig`).
const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.signingconfig.v0.2+json";

/// The services that signatures are made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningServices {
    /// Fulcio's base URL.
    pub(super) fulcio: Url,
    /// The log that signatures go to.
    pub(super) log: LogUrl,
    /// The base URL of the Rekor v1 log for what has no room for a timestamp.
    pub(super) rekor1: Option<Url>,
    /// The whole URL of the timestamp authority.
    pub(super) tsa: Option<Url>,
}

/// A log's base URL and the version it speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LogUrl {
    V1(Url),
    V2(Url),
}

/// A signing config cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningConfigError {
    /// It cannot be read.
    #[error("the signing config cannot be read: {0}")]
    Malformed(String),
    /// It has a format that is not known.
    #[error("the signing config has the unknown format `{0}`; version 0.2 is needed")]
    UnsupportedVersion(String),
    /// It names no service of a kind that is in use now and speaks a known version.
    #[error("the signing config names no {0} that can be used now; fetch a newer one")]
    Missing(&'static str),
    /// It wants several services of a kind at once, or does not say how many.
    #[error("the signing config wants {0} more than once, which this version cannot do")]
    Several(&'static str),
    /// A service is neither at https nor on this machine.
    #[error("the signing config names `{0}`: only https is accepted, or http on loopback")]
    Address(String),
}

impl SigningServices {
    /// Picks the services out of a signing config: those in use at `now`, of the
    /// highest version, one per operator, the newest first (sigstore's client
    /// specification, service selection).
    ///
    /// One log and at most one timestamp authority are used; a config that asks
    /// for several operators' is refused rather than served in part.
    pub fn from_json(signing_config: &[u8], now: Timestamp) -> Result<Self, SigningConfigError> {
        let config = Config::read(signing_config)?;
        let fulcio = pick(&config.ca_urls, &[1], now, FULCIO)?;
        let logs = eligible(&config.rekor_tlog_urls, &[1, 2], now);
        let log = config.rekor_tlog_config.choose(&logs, REKOR)?;
        let log = match log.major_api_version {
            1 => LogUrl::V1(log.url()?),
            _ => LogUrl::V2(log.url()?),
        };
        let authorities = eligible(&config.tsa_urls, &[1], now);
        let tsa = match (&log, authorities.is_empty()) {
            (LogUrl::V1(_), true) => None,
            _ => Some(config.tsa_config.choose(&authorities, TSA)?.url()?),
        };
        let rekor1 = eligible(&config.rekor_tlog_urls, &[1], now);
        let rekor1 = rekor1.first().map(|log| log.url()).transpose()?;
        Ok(Self {
            fulcio: fulcio.url()?,
            log,
            rekor1,
            tsa,
        })
    }

    /// Takes the Rekor v1 log from another signing config.
    pub fn with_rekor1_config(
        mut self,
        signing_config: &[u8],
        now: Timestamp,
    ) -> Result<Self, SigningConfigError> {
        let config = Config::read(signing_config)?;
        let log = pick(&config.rekor_tlog_urls, &[1], now, REKOR1)?;
        self.rekor1 = Some(log.url()?);
        Ok(self)
    }

    /// Tells whether there is a Rekor v1 log, which PyPI's attestations need.
    pub fn has_rekor1(&self) -> bool {
        self.rekor1.is_some()
    }
}

const FULCIO: &str = "Fulcio";
const REKOR: &str = "Rekor log";
const REKOR1: &str = "Rekor v1 log";
const TSA: &str = "timestamp authority";

/// A signing config, as far as it is used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "they are named as in the file")]
pub(super) struct Config {
    media_type: String,
    #[serde(default)]
    ca_urls: Vec<Service>,
    #[serde(default)]
    rekor_tlog_urls: Vec<Service>,
    #[serde(default)]
    rekor_tlog_config: Selection,
    #[serde(default)]
    tsa_urls: Vec<Service>,
    #[serde(default)]
    tsa_config: Selection,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    url: String,
    #[serde(default)]
    major_api_version: u32,
    #[serde(default)]
    valid_for: Window,
    #[serde(default)]
    operator: String,
}

#[derive(Default, Deserialize)]
struct Window {
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

/// How many of the services are to be used.
#[derive(Default, Deserialize)]
struct Selection {
    #[serde(default)]
    selector: String,
    count: Option<u32>,
}

impl Config {
    pub(super) fn read(json: &[u8]) -> Result<Self, SigningConfigError> {
        let config: Self = serde_json::from_slice(json)
            .map_err(|why| SigningConfigError::Malformed(why.to_string()))?;
        if config.media_type == MEDIA_TYPE {
            Ok(config)
        } else {
            Err(SigningConfigError::UnsupportedVersion(config.media_type))
        }
    }
}

impl Service {
    fn url(&self) -> Result<Url, SigningConfigError> {
        let url = Url::parse(&self.url).ok();
        url.filter(|_| http::is_allowed(&self.url))
            .ok_or_else(|| SigningConfigError::Address(self.url.clone()))
    }
}

impl Window {
    /// Tells whether a moment is inside; both ends are.
    fn contains(&self, now: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= now) && self.end.is_none_or(|end| now <= end)
    }
}

impl Selection {
    /// Picks the one service to use, if one is enough.
    fn choose<'a>(
        &self,
        services: &[&'a Service],
        kind: &'static str,
    ) -> Result<&'a Service, SigningConfigError> {
        let first = services
            .first()
            .copied()
            .ok_or(SigningConfigError::Missing(kind))?;
        match (self.selector.as_str(), self.count) {
            ("ANY", _) | ("EXACT", Some(1)) => Ok(first),
            ("ALL", _) if services.len() == 1 => Ok(first),
            _ => Err(SigningConfigError::Several(kind)),
        }
    }
}

fn pick<'a>(
    services: &'a [Service],
    versions: &[u32],
    now: Timestamp,
    kind: &'static str,
) -> Result<&'a Service, SigningConfigError> {
    let all = eligible(services, versions, now);
    all.first()
        .copied()
        .ok_or(SigningConfigError::Missing(kind))
}

/// Returns the services in use now that speak the highest of the known versions,
/// the newest first, one per operator. Those without an operator cannot be shown
/// to share one.
fn eligible<'a>(services: &'a [Service], versions: &[u32], now: Timestamp) -> Vec<&'a Service> {
    let is_known =
        |it: &&Service| it.valid_for.contains(now) && versions.contains(&it.major_api_version);
    let known = services.iter().filter(is_known);
    let highest = known.clone().map(|it| it.major_api_version).max();
    let mut all: Vec<_> = known
        .filter(|it| Some(it.major_api_version) == highest)
        .collect();
    all.sort_by_key(|it| std::cmp::Reverse(it.valid_for.start));
    let mut seen = Vec::new();
    all.retain(|it| {
        let is_new = it.operator.is_empty() || !seen.contains(&&it.operator);
        seen.push(&it.operator);
        is_new
    });
    all
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn service(url: &str, version: u32, start: &str, operator: &str) -> Value {
        json!({
            "url": url,
            "majorApiVersion": version,
            "validFor": {"start": format!("{start}T00:00:00Z")},
            "operator": operator,
        })
    }

    fn config(logs: &[Value], selector: &Value) -> Value {
        json!({
            "mediaType": MEDIA_TYPE,
            "caUrls": [service("https://fulcio.example/", 1, "2026-01-01", "a")],
            "rekorTlogUrls": logs,
            "rekorTlogConfig": selector,
            "tsaUrls": [service("https://tsa.example/ts", 1, "2026-01-01", "a")],
            "tsaConfig": {"selector": "ANY"},
        })
    }

    fn read(config: &Value) -> Result<SigningServices, SigningConfigError> {
        let now = "2026-11-20T00:00:00Z".parse().unwrap();
        SigningServices::from_json(config.to_string().as_bytes(), now)
    }

    fn log(logs: &[Value], selector: &Value) -> Result<String, String> {
        match read(&config(logs, selector)).map(|it| it.log) {
            Ok(LogUrl::V1(url)) => Ok(format!("1 {url}")),
            Ok(LogUrl::V2(url)) => Ok(format!("2 {url}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_newest_log_of_the_highest_version_is_picked() {
        let any = json!({"selector": "ANY"});
        let one = service("https://one.example/", 1, "2026-09-01", "a");
        let old = service("https://old.example/", 2, "2025-01-01", "a");
        let new = service("https://new.example/", 2, "2026-01-01", "a");
        let future = service("https://future.example/", 2, "2027-01-01", "a");
        let unknown = service("https://unknown.example/", 3, "2026-01-01", "a");
        let all = [one.clone(), old.clone(), new.clone(), future, unknown];
        assert_eq!(log(&all, &any).unwrap(), "2 https://new.example/");
        assert!(read(&config(&all, &any)).unwrap().has_rekor1());

        let mut ended = new.clone();
        ended["validFor"]["end"] = json!("2026-11-19T23:59:59Z");
        let some = [one.clone(), old.clone(), ended.clone()];
        assert_eq!(log(&some, &any).unwrap(), "2 https://old.example/");
        assert_eq!(log(&[one, ended], &any).unwrap(), "1 https://one.example/");

        // One operator's two logs are one service.
        let every = json!({"selector": "ALL"});
        assert_eq!(log(&[old, new], &every).unwrap(), "2 https://new.example/");
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        let a = service("https://a.example/", 2, "2026-01-01", "a");
        let b = service("https://b.example/", 2, "2026-01-01", "b");
        let both = [a.clone(), b];
        for selector in [
            json!({"selector": "ALL"}),
            json!({"selector": "EXACT", "count": 2}),
        ] {
            assert_eq!(
                log(&both, &selector).unwrap_err(),
                "the signing config wants Rekor log more than once, which this version cannot do"
            );
        }
        let exact = json!({"selector": "EXACT", "count": 1});
        assert!(log(&both, &exact).is_ok());
        assert_eq!(
            log(&[], &exact).unwrap_err(),
            "the signing config names no Rekor log that can be used now; fetch a newer one"
        );
        let plain = service("http://rekor.example/", 2, "2026-01-01", "a");
        assert!(log(&[plain], &exact).unwrap_err().contains("only https"));

        // A Rekor v2 log tells no time, so somebody else has to.
        let mut silent = config(&[a], &exact);
        silent["tsaUrls"] = json!([]);
        assert_eq!(read(&silent), Err(SigningConfigError::Missing(TSA)));
        silent["mediaType"] = json!("text/plain");
        let refused = read(&silent).unwrap_err();
        assert_eq!(
            refused,
            SigningConfigError::UnsupportedVersion("text/plain".to_owned())
        );
    }

    #[test]
    fn the_public_instance_can_be_signed_with() {
        let json = sigstore_sign::trust_root::SIGSTORE_PRODUCTION_SIGNING_CONFIG;
        let now = "2026-11-20T00:00:00Z".parse().unwrap();
        let services = SigningServices::from_json(json.as_bytes(), now).unwrap();
        assert!(services.has_rekor1() && services.tsa.is_some());
    }
}
