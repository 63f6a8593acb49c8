//! URLs in the configuration.

use super::errors::Faults;
use super::reader::At;

/// Reports what is wrong with a URL, and tells whether nothing is.
///
/// It is `https`, or `http` on this machine, without credentials, query or
/// fragment. The URL is not repeated: it may hold a password.
pub(super) fn check(key: &str, text: &At<&str>, faults: &mut Faults<'_>) -> bool {
    match problem(text.value) {
        Some(why) => {
            faults.add(text.at.clone(), format!("`{key}` {why}"));
            false
        }
        None => true,
    }
}

fn problem(url: &str) -> Option<&'static str> {
    if url.contains(['{', '}']) {
        return Some("with variables is not supported by this version");
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("is no URL: it has white space");
    }
    let (host, secure) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (_, Some(rest)) => (rest, false),
        _ => return Some("takes a URL that begins with `https://`"),
    };
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return Some("holds no user or password: they belong in `credential`");
    }
    if url.contains(['?', '#']) {
        return Some("takes a URL without query and fragment");
    }
    if host.is_empty() {
        return Some("takes a URL with a host");
    }
    (!secure && !is_loopback(host)).then_some("takes `http://` on this machine only")
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost"
        || name == "::1"
        || name
            .parse()
            .is_ok_and(|ip: std::net::Ipv4Addr| ip.is_loopback())
}
