//! Words: numbers with their units, files by what they are.

use jiff::SignedDuration;
use relpub_model::config::{Config, DestinationKind};
use relpub_model::dist::DistName;
use relpub_model::name::{DestinationName, FileName};
use relpub_model::plan::Presence;

use anstyle::Style;

use super::layout::paint;

/// Returns a number with its noun.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

/// Returns a word of a command as a shell reads it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Returns how long something took, for a person.
pub(crate) fn duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    if seconds >= 3600 {
        format!("{} h {} min", seconds / 3600, seconds % 3600 / 60)
    } else if seconds >= 60 {
        format!("{} min {} s", seconds / 60, seconds % 60)
    } else {
        let tenths = duration.as_millis().max(0) / 100;
        format!("{}.{} s", tenths / 10, tenths % 10)
    }
}

/// Tells whether a destination is a package index.
pub(crate) fn is_index(config: Option<&Config>, name: &DestinationName) -> bool {
    match config.and_then(|config| config.destinations.get(name)) {
        Some(destination) => matches!(destination.kind, DestinationKind::Index { .. }),
        // Without the configuration only the names that exist undeclared tell.
        None => name.as_str() != "github",
    }
}

/// Counts files by what they are: wheels and source distributions at an index,
/// files elsewhere.
pub(crate) fn count_files<'a>(
    index: bool,
    names: impl IntoIterator<Item = &'a FileName>,
) -> String {
    let (mut wheels, mut sdists, mut files) = (0, 0, 0);
    for name in names {
        match name.as_str() {
            text if index && text.ends_with(".whl") => wheels += 1,
            text if index && text.ends_with(".tar.gz") => sdists += 1,
            _ => files += 1,
        }
    }
    let counted = [(wheels, "wheel"), (sdists, "sdist"), (files, "file")];
    let words: Vec<String> = counted
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| plural(count, noun))
        .collect();
    words.join(", ")
}

/// Returns the project and version that a distribution's file name is for.
pub(crate) fn project_of(name: &FileName) -> Option<(String, String)> {
    let name: DistName = name.as_str().parse().ok()?;
    Some((name.project().to_string(), name.version().to_string()))
}

/// Returns the word for what a destination holds, and its style.
pub(crate) fn presence(presence: Presence) -> (&'static str, Style) {
    match presence {
        Presence::Absent => ("new", paint::GOOD),
        Presence::Staged => ("staged", paint::GOOD),
        Presence::Same => ("same", paint::DIM),
        Presence::Partial => ("partial", paint::OPEN),
        Presence::Conflict => ("conflict", paint::BAD),
        Presence::Refused => ("refused", paint::BAD),
        Presence::Withdrawn => ("withdrawn", paint::BAD),
        Presence::Unknown => ("unknown", paint::OPEN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_for_people() {
        let of = |millis| duration(SignedDuration::from_millis(millis));
        assert_eq!(
            [of(340), of(59_990), of(252_000), of(7_260_000)],
            ["0.3 s", "59.9 s", "4 min 12 s", "2 h 1 min"]
        );
    }

    #[test]
    fn a_shell_reads_a_word_as_it_is() {
        let words = ["v1.2.3", "out age", "it's", ""].map(quoted);
        assert_eq!(words, ["v1.2.3", "'out age'", r"'it'\''s'", "''"]);
    }

    #[test]
    fn files_are_counted_by_what_they_are() {
        let names = ["a-1-py3-none-any.whl", "b-1.tar.gz", "c-1-py3-none-any.whl"];
        let names: Vec<FileName> = names.map(|name| name.parse().unwrap()).into();
        assert_eq!(count_files(true, &names), "2 wheels, 1 sdist");
        assert_eq!(count_files(false, &names), "3 files");
    }
}
