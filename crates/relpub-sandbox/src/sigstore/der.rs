//! Distinguished Encoding Rules (X.690): a writer of nested calls, and a reader.

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

const NULL: u8 = 0x05;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Returns an element with this tag and content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut der = vec![tag];
    if length < 0x80 {
        der.extend(u8::try_from(length));
    } else {
        let bytes = length.to_be_bytes();
        let bytes = &bytes[bytes.iter().take_while(|&&byte| byte == 0).count()..];
        der.extend(u8::try_from(bytes.len()).map(|count| 0x80 | count));
        der.extend_from_slice(bytes);
    }
    der.extend_from_slice(content);
    der
}

/// Returns a `SEQUENCE` of these elements.
pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// Returns a `SET` of these elements in their order, which is the caller's care.
pub(super) fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    element(SET, &parts.concat())
}

/// Returns a constructed element with a context-specific tag below 31.
pub(super) fn context(number: u8, content: &[u8]) -> Vec<u8> {
    element(0xa0 | number, content)
}

/// Returns an object identifier, given in dotted decimals.
pub(super) fn oid(dotted: &str) -> Vec<u8> {
    let mut arcs = dotted.split('.').map(|arc| arc.parse().unwrap_or(0u64));
    let (first, second) = (arcs.next().unwrap_or(0), arcs.next().unwrap_or(0));
    let mut content = base128(first * 40 + second);
    content.extend(arcs.flat_map(base128));
    element(OID, &content)
}

fn base128(mut arc: u64) -> Vec<u8> {
    let mut digits = Vec::new();
    loop {
        let more = if digits.is_empty() { 0 } else { 0x80 };
        digits.push(arc.to_le_bytes()[0] & 0x7f | more);
        arc >>= 7;
        if arc == 0 {
            digits.reverse();
            return digits;
        }
    }
}

/// Returns an `OCTET STRING`.
pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    element(OCTET_STRING, bytes)
}

/// Returns a `BIT STRING` of whole bytes.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes].concat())
}

/// Returns a positive `INTEGER`, given as big-endian bytes.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let bytes = &bytes[zeros..];
    // A high first bit would make it negative.
    let padding: &[u8] = match bytes.first() {
        Some(first) if first & 0x80 == 0 => &[],
        _ => &[0],
    };
    element(INTEGER, &[padding, bytes].concat())
}

/// Returns a small `INTEGER`.
pub(super) fn number(value: u8) -> Vec<u8> {
    integer(&[value])
}

/// Returns the `BOOLEAN` that is true.
pub(super) fn yes() -> Vec<u8> {
    element(BOOLEAN, &[0xff])
}

/// Returns a `NULL`.
pub(super) fn null() -> Vec<u8> {
    element(NULL, &[])
}

/// Returns a `UTF8String`.
pub(super) fn utf8(text: &str) -> Vec<u8> {
    element(UTF8_STRING, text.as_bytes())
}

/// Returns a `UTCTime`, which knows the years 1950 to 2049.
pub(super) fn utc_time(time: Timestamp) -> Vec<u8> {
    let time = time.to_zoned(TimeZone::UTC);
    element(
        UTC_TIME,
        time.strftime("%y%m%d%H%M%SZ").to_string().as_bytes(),
    )
}

/// Returns a `GeneralizedTime` in whole seconds.
pub(super) fn generalized_time(time: Timestamp) -> Vec<u8> {
    let time = time.to_zoned(TimeZone::UTC);
    let text = time.strftime("%Y%m%d%H%M%SZ").to_string();
    element(GENERALIZED_TIME, text.as_bytes())
}

/// An element that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// Tag, length and content.
    pub(super) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// Returns the elements inside, if it has this tag and holds only elements.
    pub(super) fn parts(&self, tag: u8) -> Option<Vec<Element<'a>>> {
        (self.tag == tag).then(|| all(self.content)).flatten()
    }

    /// Returns the content, if it has this tag.
    pub(super) fn tagged(&self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }
}

/// Reads the first element and returns what follows it too.
pub(super) fn first(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&short, mut rest) = rest.split_first()?;
    let mut length = usize::from(short);
    if short >= 0x80 {
        let count = usize::from(short & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (digits, after) = rest.split_at_checked(count)?;
        let digits = digits.iter();
        length = digits.fold(0, |length, &digit| length << 8 | usize::from(digit));
        rest = after;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    let whole = &bytes[..bytes.len() - rest.len()];
    let element = Element {
        tag,
        content,
        whole,
    };
    Some((element, rest))
}

/// Reads an element that nothing follows.
pub(super) fn only(bytes: &[u8]) -> Option<Element<'_>> {
    let (element, rest) = first(bytes)?;
    rest.is_empty().then_some(element)
}

/// Reads elements to the end.
pub(super) fn all(mut bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut elements = Vec::new();
    while !bytes.is_empty() {
        let (element, rest) = first(bytes)?;
        elements.push(element);
        bytes = rest;
    }
    Some(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_x690_says() {
        assert_eq!(
            oid("1.2.840.10045.2.1"),
            b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
        );
        assert_eq!(integer(&[0, 0x80]), b"\x02\x02\x00\x80");
        assert_eq!(integer(&[]), b"\x02\x01\x00");
        let long = octets(&[7; 300]);
        assert_eq!(&long[..4], b"\x04\x82\x01\x2c");
        let time: Timestamp = "2026-11-20T01:02:03Z".parse().unwrap();
        assert_eq!(utc_time(time), b"\x17\x0d261120010203Z");
        assert_eq!(generalized_time(time), b"\x18\x0f20261120010203Z");
    }

    #[test]
    fn what_is_cut_short_is_not_read() {
        let der = sequence(&[oid("1.2.3"), octets(&[1; 200])]);
        let parts = only(&der).unwrap().parts(SEQUENCE).unwrap();
        assert_eq!(parts[1].tagged(OCTET_STRING).unwrap(), [1; 200]);
        for end in 0..der.len() {
            assert_eq!(only(&der[..end]), None, "{end}");
        }
        assert_eq!(only(b"\x04\x80"), None);
    }
}
