//! Layout: columns sized by their content, text wrapped to the width, names kept
//! whole.

use anstyle::{AnsiColor, Style};
use relpub_model::Untrusted;

/// The styles of a screen. None of them carries a meaning that no word has.
pub(crate) mod paint {
    use super::{AnsiColor, Style};

    /// What the eye should find first.
    pub(crate) const STRONG: Style = Style::new().bold();
    /// What is already so.
    pub(crate) const DIM: Style = Style::new().dimmed();
    /// What is fine.
    pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
    /// What is open.
    pub(crate) const OPEN: Style = AnsiColor::Yellow.on_default();
    /// What is wrong.
    pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

    /// Returns a text in a style.
    pub(crate) fn paint(style: Style, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        format!("{style}{text}{style:#}")
    }
}

/// The least width of the column of labels.
const LABEL: usize = 8;

/// What stands between two columns.
const GAP: usize = 2;

/// Returns a text without what could change how the text around it is shown.
///
/// Each word is cleaned by itself, so that a long text keeps its end.
pub(crate) fn plain(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| Untrusted::new(word).for_terminal())
        .collect();
    words.join(" ")
}

/// Breaks a text into lines of at most `width` characters, between words.
///
/// A word that is longer than a line, such as a file's name, stays whole.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in plain(text).split(' ') {
        let length = word.chars().count();
        let line = lines.last_mut().expect("there is always one");
        if line.is_empty() {
            line.push_str(word);
            used = length;
        } else if used + 1 + length <= width {
            line.push(' ');
            line.push_str(word);
            used += 1 + length;
        } else {
            lines.push(word.to_owned());
            used = length;
        }
    }
    lines
}

/// Joins parts into lines of at most `width` characters, broken between parts.
///
/// A part that is longer than a line, such as a command, stays whole.
pub(crate) fn flow(parts: &[String], separator: &str, width: usize) -> String {
    let length = |text: &str| {
        anstream::adapter::strip_str(text)
            .to_string()
            .chars()
            .count()
    };
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if length(line) + length(separator) + length(part) <= width => {
                line.push_str(separator);
                line.push_str(part);
            }
            _ => lines.push(part.clone()),
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Returns lines indented by two.
pub(crate) fn indented(lines: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut out = String::new();
    for line in lines {
        out.extend(["  ", line.as_ref(), "\n"]);
    }
    out
}

/// A list with a column of labels on its left.
#[derive(Default)]
pub(crate) struct Labels {
    rows: Vec<Row>,
}

enum Row {
    Entry {
        label: String,
        style: Style,
        paragraphs: Vec<String>,
    },
    Line(String),
}

impl Labels {
    /// Returns an empty list.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds an entry whose paragraphs begin on lines of their own; empty ones
    /// are left out, and so is an entry without any.
    pub(crate) fn entry<T: Into<String>>(
        &mut self,
        label: &str,
        style: Style,
        paragraphs: impl IntoIterator<Item = T>,
    ) {
        let paragraphs = paragraphs.into_iter().map(Into::into);
        let paragraphs: Vec<String> = paragraphs
            .filter(|text: &String| !text.is_empty())
            .collect();
        if paragraphs.is_empty() {
            return;
        }
        self.rows.push(Row::Entry {
            label: label.to_owned(),
            style,
            paragraphs,
        });
    }

    /// Adds an entry of one paragraph without emphasis, unless it is empty.
    pub(crate) fn line(&mut self, label: &str, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.entry(label, Style::new(), [text]);
        }
    }

    /// Adds a line of its own, without a label; it is not wrapped.
    pub(crate) fn free(&mut self, text: impl Into<String>) {
        self.rows.push(Row::Line(text.into()));
    }

    /// Tells whether nothing was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the labels with their paragraphs, for other ways to show them.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.rows.iter().filter_map(|row| match row {
            Row::Entry {
                label, paragraphs, ..
            } => Some((label.as_str(), paragraphs.as_slice())),
            Row::Line(_) => None,
        })
    }

    /// Returns the width of the column of labels: that of its longest word.
    pub(crate) fn label_width(&self) -> usize {
        let words = self.rows.iter().filter_map(|row| match row {
            Row::Entry { label, .. } => longest_word(label),
            Row::Line(_) => None,
        });
        words.max().unwrap_or(0).max(LABEL)
    }

    /// Returns the list as lines of `width` characters, indented by two.
    pub(crate) fn render(&self, width: usize) -> String {
        let column = self.label_width();
        let mut out = String::new();
        for row in &self.rows {
            match row {
                Row::Line(text) if text.is_empty() => out.push('\n'),
                Row::Line(text) => out.push_str(&indented([text])),
                Row::Entry {
                    label,
                    style,
                    paragraphs,
                } => {
                    let labels = wrap(label, column);
                    let room = width.saturating_sub(2 + column + GAP);
                    let lines: Vec<String> = paragraphs
                        .iter()
                        .flat_map(|text| wrap(text, room))
                        .collect();
                    out.push_str(&beside(&labels, &lines, column, *style));
                }
            }
        }
        out
    }
}

fn longest_word(text: &str) -> Option<usize> {
    text.split(' ').map(|word| word.chars().count()).max()
}

/// Puts the lines of a label beside the lines of its text.
fn beside(labels: &[String], lines: &[String], column: usize, style: Style) -> String {
    let mut out = String::new();
    for i in 0..labels.len().max(lines.len()) {
        let label = labels.get(i).map_or("", String::as_str);
        let line = lines.get(i).map_or("", String::as_str);
        let pad = " ".repeat(column - label.chars().count().min(column) + GAP);
        let row = format!("  {}{pad}{line}", paint::paint(style, label));
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

/// A cell of a table: its text, its style, and on which side it stands.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    /// Returns a cell without emphasis, its text on the left.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self {
            text: plain(text.as_ref()),
            style: Style::new(),
            right: false,
        }
    }

    /// Gives the text a style.
    pub(crate) fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// Puts the text on the right, as numbers are.
    pub(crate) fn right(mut self) -> Self {
        self.right = true;
        self
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    fn render(&self, width: usize) -> String {
        let pad = " ".repeat(width.saturating_sub(self.width()));
        let text = paint::paint(self.style, &self.text);
        if self.right {
            format!("{pad}{text}")
        } else {
            format!("{text}{pad}")
        }
    }
}

/// Returns rows as columns that are as wide as their widest cell, indented by
/// two, with three spaces between them.
///
/// Where that is wider than `width`, the column of names gives way: a name that
/// is too long for it stays whole, and the rest of its row follows below.
pub(crate) fn table(rows: &[Vec<Cell>], names: usize, width: usize) -> String {
    table_rows(rows, names, width).concat()
}

/// Returns the rows of a table, for a caller that puts something between them.
pub(crate) fn table_rows(rows: &[Vec<Cell>], names: usize, width: usize) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(Cell::width).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..columns).map(widest).collect();
    let all = 2 + widths.iter().sum::<usize>() + SPACE.len() * columns.saturating_sub(1);
    if let Some(name) = widths.get_mut(names) {
        let over = all.saturating_sub(width);
        *name = name.saturating_sub(over).max(NARROWEST.min(*name));
    }
    rows.iter().map(|row| line(row, &widths, names)).collect()
}

/// What stands between two columns of a table.
const SPACE: &str = "   ";

/// The width that a column of names does not go below.
const NARROWEST: usize = 12;

/// Returns one row of a table, on two lines if its name is too long for one.
fn line(row: &[Cell], widths: &[usize], names: usize) -> String {
    let too_long = |i: usize, cell: &Cell| i == names && cell.width() > widths[i];
    let mut out = String::from(" ");
    for (i, (cell, width)) in row.iter().zip(widths).enumerate() {
        out.push_str(if i == 0 { " " } else { SPACE });
        out.push_str(&cell.render(*width));
        if too_long(i, cell) && i + 1 < row.len() {
            let before: usize = widths[..=i].iter().sum();
            let indent = 2 + before + SPACE.len() * i;
            out.push('\n');
            out.push_str(&" ".repeat(indent));
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_and_names_stay_whole() {
        let lines = wrap("a bb ccccccccccccccc d e", 6);
        assert_eq!(lines, ["a bb", "ccccccccccccccc", "d e"]);
    }

    #[test]
    fn parts_are_never_broken_inside() {
        let parts = ["one two", "three", "a command of some words"].map(str::to_owned);
        let expected = "one two · three\na command of some words\n";
        assert_eq!(flow(&parts, " · ", 16), expected);
        assert_eq!(flow(&parts, " · ", 80).lines().count(), 1);
    }

    #[test]
    fn a_label_of_several_words_stands_in_its_column() {
        let mut labels = Labels::new();
        labels.entry("not what it says", Style::new(), ["one", "two"]);
        labels.line("missing", "three");
        let expected = "  not what  one\n  it says   two\n  missing   three\n";
        assert_eq!(labels.render(40), expected);
    }

    #[test]
    fn a_long_name_stays_whole_and_its_row_follows_below() {
        let row = |name, size| vec![Cell::new(name), Cell::new(size).right(), Cell::new("new")];
        let rows = [row("name", "size"), row("a-long-name.tar.gz", "1 MB")];
        let wide = "  name                 size   new\n  a-long-name.tar.gz   1 MB   new\n";
        assert_eq!(table(&rows, 0, 40), wide);
        let narrow =
            "  name           size   new\n  a-long-name.tar.gz\n                 1 MB   new\n";
        assert_eq!(table(&rows, 0, 27), narrow);
    }

    #[test]
    fn a_stranger_cannot_start_a_line_of_his_own() {
        assert_eq!(plain("a\n::error::b\u{1b}[2J"), "a ::error::b\u{fffd}[2J");
    }
}
