//! How GitHub renames the assets it is given.

/// Returns the name that an asset called `name` gets.
///
/// Everything but `[A-Za-z0-9._+-]` becomes a period, several in a row become
/// one, a period at the end goes and one at the start is put behind `default`.
/// GitHub documents no more than that it renames; this is what it was seen to do.
pub(super) fn renamed(name: &str) -> String {
    let mut renamed = String::with_capacity(name.len());
    for c in name.chars() {
        let plain = c.is_ascii_alphanumeric() || "_+-".contains(c);
        if plain {
            renamed.push(c);
        } else if !renamed.ends_with('.') {
            renamed.push('.');
        }
    }
    let trimmed = renamed.trim_end_matches('.');
    if trimmed.starts_with('.') {
        format!("default{trimmed}")
    } else {
        trimmed.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::renamed;

    #[test]
    fn names_are_changed_as_github_changes_them() {
        for (name, expected) in [
            ("demo-1.2.3-py3-none-any.whl", "demo-1.2.3-py3-none-any.whl"),
            ("demo-1.0+cu121.whl", "demo-1.0+cu121.whl"),
            ("demo-1.0~rc1.deb", "demo-1.0.rc1.deb"),
            ("my file (1).txt", "my.file.1.txt"),
            ("app-(15-5)-x.apk", "app-.15-5.-x.apk"),
            (".hidden", "default.hidden"),
            ("end.", "end"),
            ("...", ""),
        ] {
            assert_eq!(renamed(name), expected, "{name}");
        }
    }
}
