//! What a person may have written into the file that must not be shown.

/// Words beside which any text may be a secret.
const TELLTALES: [&str; 4] = ["credential", "password", "token", "secret"];

/// What tokens of well-known services begin with.
const TOKEN_PREFIXES: [&str; 8] = [
    "pypi-",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "eyJ",
];

/// What may stand beside a telltale word and is no secret.
const PLAIN: [&str; 3] = ["trusted", "ambient", "anonymous"];

/// Returns a line of the file with everything masked that may be a secret,
/// character by character, so that columns stay where they are.
pub(super) fn masked(line: &str) -> String {
    let suspicious = is_suspicious(line);
    let mut out = String::new();
    let mut rest = line;
    while let Some(open) = rest.find(['"', '\'']) {
        let quote = &rest[open..=open];
        let inside = &rest[open + 1..];
        let close = inside.find(quote);
        let text = &inside[..close.unwrap_or(inside.len())];
        out.push_str(&rest[..=open]);
        out.push_str(&masked_text(text, suspicious));
        out.push_str(if close.is_some() { quote } else { "" });
        rest = close.map_or("", |close| &inside[close + 1..]);
    }
    without_tokens(&(out + rest))
}

/// Returns a line without its value, where that may be a secret that lacks quotes.
pub(super) fn masked_value(line: &str) -> String {
    match line.split_once('=') {
        Some((key, value)) if is_suspicious(line) => format!("{key}={}", dots(value)),
        _ => line.to_owned(),
    }
}

/// Returns a text in which tokens of well-known services are masked.
pub(super) fn without_tokens(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let word = &rest[start..];
        let word = &word[..word.find(|c| !is_word(c)).unwrap_or(word.len())];
        out.push_str(&rest[..start]);
        out.push_str(&if is_token(word) {
            dots(word)
        } else {
            word.to_owned()
        });
        rest = &rest[start + word.len()..];
    }
    out + rest
}

fn is_suspicious(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    TELLTALES.iter().any(|word| lower.contains(word))
}

fn dots(text: &str) -> String {
    "·".repeat(text.chars().count())
}

/// Tells whether a text begins like a token of a well-known service.
pub(super) fn is_token(text: &str) -> bool {
    let begins = |prefix: &&str| text.len() > prefix.len() + 12 && text.starts_with(*prefix);
    TOKEN_PREFIXES.iter().any(begins)
}

/// Returns the variable's name where a text is `env:NAME`.
pub(super) fn env_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix("env:")?;
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (starts && name.chars().all(valid) && !is_token(name)).then_some(name)
}

fn masked_text(text: &str, suspicious: bool) -> String {
    let harmless = PLAIN.contains(&text) || env_name(text).is_some();
    if suspicious && !harmless {
        return dots(text);
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    match rest.split_once('@') {
        Some((user, host)) => format!("{scheme}://{}@{host}", dots(user)),
        None => text.to_owned(),
    }
}
