//! Content negotiation by `Accept` (RFC 9110 section 12.5.1).

use http::{HeaderMap, header};

/// Returns which of `offers` the request prefers, the earlier one among equals.
///
/// Without an `Accept` header everything is as good. `None` means that no offer
/// is acceptable.
pub(super) fn preferred(headers: &HeaderMap, offers: &[&str]) -> Option<usize> {
    let accept: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    if accept.is_empty() {
        return (!offers.is_empty()).then_some(0);
    }
    let accept = accept.join(",");
    let mut best: Option<(usize, u16)> = None;
    for (index, offer) in offers.iter().enumerate() {
        let quality = quality(&accept, offer);
        if quality > best.map_or(0, |(_, quality)| quality) {
            best = Some((index, quality));
        }
    }
    best.map(|(index, _)| index)
}

/// Returns the quality of `offer` in thousandths, by its most specific range.
fn quality(accept: &str, offer: &str) -> u16 {
    let kind = offer.split('/').next().unwrap_or_default();
    let mut found = (0, 0);
    for item in accept.split(',') {
        let mut parts = item.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default();
        let specific = if range.eq_ignore_ascii_case(offer) {
            3
        } else if range.strip_suffix("/*") == Some(kind) {
            2
        } else if range == "*/*" {
            1
        } else {
            continue;
        };
        if specific > found.0 {
            let q = parts.find_map(|part| part.strip_prefix("q="));
            found = (specific, q.map_or(1000, thousandths));
        }
    }
    found.1
}

fn thousandths(q: &str) -> u16 {
    let (whole, fraction) = q.split_once('.').unwrap_or((q, ""));
    if whole != "0" && !whole.is_empty() {
        return 1000;
    }
    let digits = format!("{fraction:0<3}");
    digits.get(..3).and_then(|it| it.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_quality_wins_and_the_first_among_equals() {
        let of = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            preferred(&headers, &["text/html", "application/json"])
        };
        assert_eq!(of("*/*"), Some(0));
        assert_eq!(of("application/json"), Some(1));
        assert_eq!(
            of("application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7"),
            Some(1)
        );
        assert_eq!(of("application/*; q=0.2, text/html;q=0.05"), Some(1));
        assert_eq!(of("text/html;q=0, */*"), Some(1));
        assert_eq!(of("image/png"), None);
        assert_eq!(preferred(&HeaderMap::new(), &["text/html"]), Some(0));
    }
}
