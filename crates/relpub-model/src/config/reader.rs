//! Typed access to the tables of a TOML file, with errors that point at it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::errors::Faults;
use super::keys::{Key, Need, Shape, Table};
use super::nearest::nearest;

/// A value and where it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) at: Range<usize>,
}

/// A value of a table, and where its key stands.
#[derive(Clone)]
struct Entry<'a> {
    key: Range<usize>,
    value: &'a Spanned<DeValue<'a>>,
}

/// A table whose keys are known and whose values have the right shape.
///
/// What is unknown, not supported or misshapen was reported when the table was
/// opened, and is absent from it.
pub(super) struct Section<'a> {
    /// How the table is named in messages.
    pub(super) place: String,
    /// Where its header stands.
    pub(super) at: Range<usize>,
    entries: BTreeMap<&'static str, Entry<'a>>,
    given: BTreeSet<&'static str>,
}

impl<'a> Section<'a> {
    /// Opens a table, and reports every key that it cannot have, every value
    /// that has another shape, and every key that is not there.
    pub(super) fn open(
        table: &'static Table,
        place: impl Into<String>,
        from: &'a DeTable<'a>,
        at: Range<usize>,
        faults: &mut Faults<'_>,
    ) -> Self {
        let mut section = Self {
            place: place.into(),
            at,
            entries: BTreeMap::new(),
            given: BTreeSet::new(),
        };
        for (name, value) in from {
            let entry = Entry {
                key: name.span(),
                value,
            };
            match table.keys.iter().find(|key| key.name == name.get_ref()) {
                None => section.unknown(name.get_ref(), table, name.span(), faults),
                Some(key) => {
                    section.given.insert(key.name);
                    if fits(key, &entry, faults) {
                        section.entries.insert(key.name, entry);
                    }
                }
            }
        }
        for key in table.keys {
            if key.need == Need::Required && !section.given(key.name) {
                let message = format!("`{}` is missing{}", key.name, section.location());
                faults.add_hint(section.at.clone(), message, key.hint());
            }
        }
        section
    }

    fn location(&self) -> String {
        if self.place.is_empty() {
            String::new()
        } else {
            format!(" in {}", self.place)
        }
    }

    fn unknown(&self, name: &str, table: &Table, at: Range<usize>, faults: &mut Faults<'_>) {
        let name = crate::text::Untrusted::new(name).for_terminal();
        let message = format!("unknown key `{name}`{}", self.location());
        let meant = nearest(&name, table.keys.iter().map(|key| key.name));
        faults.add_maybe(
            at,
            message,
            meant.map(|word| format!("did you mean `{word}`?")),
        );
    }

    /// Returns where a key stands, or the table's header where it is absent.
    pub(super) fn key(&self, name: &str) -> Range<usize> {
        let entry = self.entries.get(name);
        entry.map_or_else(|| self.at.clone(), |entry| entry.key.clone())
    }

    /// Tells whether the key is there, whatever its value.
    pub(super) fn given(&self, name: &str) -> bool {
        self.given.contains(name)
    }

    /// Tells whether the key is there with a value of the right shape.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    pub(super) fn value(&self, name: &str) -> Option<At<&'a DeValue<'a>>> {
        let entry = self.entries.get(name)?;
        Some(At {
            value: entry.value.get_ref(),
            at: entry.value.span(),
        })
    }

    pub(super) fn text(&self, name: &str) -> Option<At<&'a str>> {
        let At { value, at } = self.value(name)?;
        value.as_str().map(|value| At { value, at })
    }

    /// Returns the texts of a list, or the one text that stands for a list.
    pub(super) fn texts(&self, name: &str) -> Vec<At<&'a str>> {
        self.entries
            .get(name)
            .map(|entry| texts(entry.value))
            .unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.value(name)?.value.as_bool()
    }

    pub(super) fn date(&self, name: &str) -> Option<jiff::civil::Date> {
        date(self.value(name)?.value)
    }

    /// Returns the tables of a list of tables, or the one that stands for a list.
    pub(super) fn tables(&self, name: &str) -> Vec<At<&'a DeTable<'a>>> {
        let table = |value: &'a Spanned<DeValue<'a>>| {
            let at = value.span();
            value.get_ref().as_table().map(|value| At { value, at })
        };
        let Some(entry) = self.entries.get(name) else {
            return Vec::new();
        };
        match entry.value.get_ref() {
            DeValue::Array(array) => array.iter().filter_map(table).collect(),
            _ => table(entry.value).into_iter().collect(),
        }
    }
}

/// Returns the texts of a list, or the one text that stands for a list.
pub(super) fn texts<'a>(value: &'a Spanned<DeValue<'a>>) -> Vec<At<&'a str>> {
    let one = |value: &'a Spanned<DeValue<'a>>| {
        let at = value.span();
        value.get_ref().as_str().map(|value| At { value, at })
    };
    match value.get_ref() {
        DeValue::Array(array) => array.iter().filter_map(one).collect(),
        _ => one(value).into_iter().collect(),
    }
}

/// Returns the entries of a table in the order of the file.
pub(super) fn in_order<'a>(table: &'a DeTable<'a>) -> Vec<(At<&'a str>, &'a Spanned<DeValue<'a>>)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(name, value)| {
            let at = name.span();
            let value_of_name: &str = name.get_ref();
            let name = At {
                value: value_of_name,
                at,
            };
            (name, value)
        })
        .collect();
    entries.sort_by_key(|(name, _)| name.at.start);
    entries
}

/// Tells whether a value may stand at a key, and reports why not.
fn fits(key: &Key, entry: &Entry<'_>, faults: &mut Faults<'_>) -> bool {
    let Key { name, shape, .. } = key;
    if key.need == Need::Later {
        let message = format!("`{name}` is not supported by this version");
        faults.add(entry.key.clone(), message);
        return false;
    }
    if let (Shape::Word(words, later), Some(word)) = (shape, entry.value.get_ref().as_str()) {
        return is_word(name, word, (words, later), entry.value.span(), faults);
    }
    if let Shape::Words(words, later) = shape
        && has_shape(Shape::Texts, entry.value)
    {
        let mut known = true;
        for text in texts(entry.value) {
            known &= is_word(name, text.value, (words, later), text.at, faults);
        }
        return known;
    }
    let fits = has_shape(*shape, entry.value);
    if !fits {
        let message = format!("`{name}` takes {}", shape.takes());
        faults.add(entry.value.span(), message);
    }
    fits
}

fn is_word(
    name: &str,
    word: &str,
    (words, later): (&'static [&'static str], &'static [&'static str]),
    at: Range<usize>,
    faults: &mut Faults<'_>,
) -> bool {
    if words.contains(&word) {
        return true;
    }
    if later.contains(&word) {
        let message = format!("`{name} = \"{word}\"` is not supported by this version");
        faults.add(at, message);
        return false;
    }
    let hint = nearest(word, words.iter().copied()).map_or_else(
        || format!("it takes {}", Shape::Word(words, &[]).takes()),
        |meant| format!("did you mean `{meant}`?"),
    );
    let word = crate::text::Untrusted::new(word).for_terminal();
    faults.add_hint(at, format!("`{name} = \"{word}\"` is not known"), hint);
    false
}

fn has_shape(shape: Shape, value: &Spanned<DeValue<'_>>) -> bool {
    let value = value.get_ref();
    match shape {
        Shape::Text | Shape::Word(..) => value.is_str(),
        Shape::Texts | Shape::Words(..) => value.is_str() || is_list(value, DeValue::is_str),
        Shape::Flag => value.is_bool(),
        Shape::Date => date(value).is_some(),
        Shape::Count => count(value).is_some(),
        Shape::Files => match value {
            DeValue::Table(table) => table.iter().all(|(_, v)| has_shape(Shape::Texts, v)),
            _ => value.is_str() || is_list(value, DeValue::is_str),
        },
        Shape::Credential | Shape::Short(_) => value.is_str() || value.is_table(),
        Shape::Platforms => {
            let one = |value: &DeValue<'_>| value.is_str() || value.is_table();
            match value {
                DeValue::Table(table) => table.iter().all(|(_, v)| one(v.get_ref())),
                _ => is_list(value, one),
            }
        }
        Shape::One(_) => value.is_table(),
        Shape::Many(_) => is_list(value, DeValue::is_table),
        Shape::OneOrMany(_) => value.is_table() || is_list(value, DeValue::is_table),
        Shape::Named(_) => {
            let tables = value.as_table();
            tables.is_some_and(|table| table.iter().all(|(_, v)| v.get_ref().is_table()))
        }
    }
}

fn is_list<'i>(value: &DeValue<'i>, one: impl Fn(&DeValue<'i>) -> bool) -> bool {
    let array = value.as_array();
    array.is_some_and(|array| array.iter().all(|value| one(value.get_ref())))
}

/// Returns a date that has no time of day.
fn date(value: &DeValue<'_>) -> Option<jiff::civil::Date> {
    let datetime = value.as_datetime().filter(|d| d.time.is_none())?;
    let date = datetime.date?;
    let number = |n: u8| i8::try_from(n).ok();
    let year = i16::try_from(date.year).ok()?;
    jiff::civil::Date::new(year, number(date.month)?, number(date.day)?).ok()
}

/// Returns how many files a pattern stands for.
pub(super) fn count(value: &DeValue<'_>) -> Option<super::Count> {
    if value.as_str() == Some("listed") {
        return Some(super::Count::Listed);
    }
    let integer = value.as_integer()?;
    let number = usize::from_str_radix(integer.as_str(), integer.radix()).ok()?;
    (number > 0).then_some(super::Count::Exactly(number))
}
