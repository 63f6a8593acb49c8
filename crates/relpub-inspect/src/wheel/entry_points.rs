//! `entry_points.txt`: what PyPI would not accept in it.
//!
//! An INI file as Python's `configparser` reads it with `=` as its only
//! delimiter; names of scripts become file names.

use std::collections::HashSet;

/// Returns what is wrong, or `None`.
pub(super) fn why_invalid(bytes: &[u8]) -> Option<String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some("it is not UTF-8".to_owned());
    };
    let mut sections = HashSet::new();
    let mut section: Option<&str> = None;
    let mut names = HashSet::new();
    for (number, line) in (1..).zip(text.lines()) {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        // An indented line continues the value above.
        if line.starts_with([' ', '\t']) && !names.is_empty() {
            continue;
        }
        if let Some(title) = content
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            if !sections.insert(title) {
                return Some(format!("line {number} begins a section again"));
            }
            section = Some(title);
            names.clear();
            continue;
        }
        let (Some(section), Some((name, _))) = (section, content.split_once('=')) else {
            return Some(format!(
                "line {number} is neither a section nor NAME = VALUE"
            ));
        };
        let name = name.trim();
        if !names.insert(name) {
            return Some(format!("line {number} gives a name again"));
        }
        if ["console_scripts", "gui_scripts"].contains(&section) && !is_script_name(name) {
            return Some(format!(
                "line {number} names a script with other characters than letters, digits and . _ -"
            ));
        }
    }
    None
}

fn is_script_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "_.-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_points_are_what_configparser_accepts() {
        let good = "# comment\n[console_scripts]\nrun-it = a.b:main\n  [extra]\nx.y=a\n\n[group:x]\na b = c\n";
        assert_eq!(why_invalid(good.as_bytes()), None);
        let why = |text: &str| why_invalid(text.as_bytes()).unwrap();
        assert_eq!(
            why("a = b\n"),
            "line 1 is neither a section nor NAME = VALUE"
        );
        assert_eq!(
            why("[x]\nno\n"),
            "line 2 is neither a section nor NAME = VALUE"
        );
        assert_eq!(why("[x]\n[x]\n"), "line 2 begins a section again");
        assert_eq!(why("[x]\na=1\na=2\n"), "line 3 gives a name again");
        assert!(why("[gui_scripts]\n../x = a\n").starts_with("line 2 names a script"));
    }
}
