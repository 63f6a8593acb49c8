//! Redirects: where a request may be sent on to.

use relpub_model::world::is_loopback_http;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use url::{Host, Url};

use super::redact;
use super::request::Follow;

/// How many redirects are followed.
pub(super) const HOPS: usize = 5;

/// Returns where a redirect leads, or why it is not followed.
///
/// `None` means that the answer is no redirect.
pub(super) fn target(
    from: &Url,
    status: StatusCode,
    headers: &HeaderMap,
    follow: Follow,
) -> Option<Result<Url, String>> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = headers.get(LOCATION).and_then(|it| it.to_str().ok());
    let Some(to) = location.and_then(|location| from.join(location).ok()) else {
        return Some(Err("a redirect that names no place".to_owned()));
    };
    Some(check(from, &to, status, follow).map(|()| to))
}

fn check(from: &Url, to: &Url, status: StatusCode, follow: Follow) -> Result<(), String> {
    let shown = redact::url(to);
    if follow == Follow::SameOrigin {
        let kept = matches!(status.as_u16(), 307 | 308) && from.origin() == to.origin();
        let why = format!("a redirect to {shown}, which is not followed with a credential");
        return if kept { Ok(()) } else { Err(why) };
    }
    if !is_allowed(to.as_str()) {
        return Err(format!("a redirect to {shown}, which is not https"));
    }
    if is_private(to) && !is_private(from) {
        return Err(format!("a redirect to the private address {shown}"));
    }
    Ok(())
}

/// Tells whether a URL may be spoken to: https, or http on this machine.
pub(crate) fn is_allowed(url: &str) -> bool {
    url.starts_with("https://") || is_loopback_http(url)
}

/// Tells whether a URL names an address that the public network does not reach.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => {
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified()
        }
        Some(Host::Ipv6(ip)) => {
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
        }
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_and_downloads_go_on() {
        let from: Url = "https://a.example/x".parse().unwrap();
        let go = |status: u16, location: &str, follow| {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, location.parse().unwrap());
            let status = StatusCode::from_u16(status).unwrap();
            target(&from, status, &headers, follow).map(|it| it.map(String::from))
        };
        let there = |url: &str| Some(Ok(url.to_owned()));
        let same = Follow::SameOrigin;
        assert_eq!(go(308, "/x/", same), there("https://a.example/x/"));
        assert!(go(301, "/x/", same).unwrap().is_err());
        assert!(go(307, "https://b.example/", same).unwrap().is_err());
        let download = Follow::Download;
        let signed = "https://b.example/?sig=1";
        assert_eq!(go(302, signed, download), there(signed));
        assert!(go(302, "http://b.example/", download).unwrap().is_err());
        assert!(
            go(302, "https://169.254.169.254/", download)
                .unwrap()
                .is_err()
        );
        assert_eq!(go(200, "/x/", download), None);
    }
}
