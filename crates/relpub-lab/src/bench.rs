//! What was tried between whom, with which result: the record of a test run.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::checks::Checks;
use crate::lab::{Lab, Part};
use crate::process;

const BEGIN: &str = "<!-- begin of the matrix: written by `test --readme` -->\n";
const END: &str = "<!-- end of the matrix -->";

/// A test run and its record.
pub(crate) struct Bench<'a> {
    pub(crate) lab: &'a Lab,
    /// The folder of this run.
    pub(crate) work: PathBuf,
    only: Vec<Part>,
    checks: Checks,
    rows: Vec<Row>,
}

/// One line of the record.
struct Row {
    client: String,
    server: String,
    what: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Accepted,
    Refused,
    /// The server is known not to do it.
    Lacking,
    Failed,
}

impl<'a> Bench<'a> {
    /// Begins a run; what does not belong to the parts in `only` is left out.
    pub(crate) fn new(lab: &'a Lab, only: &[Part]) -> Result<Self> {
        let work = lab.fresh("test")?;
        fs::create_dir(work.join("home"))?;
        Ok(Self {
            lab,
            work,
            only: only.to_vec(),
            checks: Checks::default(),
            rows: Vec::new(),
        })
    }

    /// Tells whether things of this part are to be tested.
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// Returns the home folder of all clients.
    pub(crate) fn home(&self) -> PathBuf {
        self.work.join("home")
    }

    /// Returns a new folder below this run's.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.work.join(name);
        fs::create_dir_all(&path).with_context(|| format!("could not make {}", path.display()))?;
        Ok(path)
    }

    /// Returns an installed client, to be run in the folder of this run.
    pub(crate) fn tool(&self, program: &str) -> Result<Command> {
        let mut command = self.lab.tool(program, &self.home())?;
        command.current_dir(&self.work);
        Ok(command)
    }

    /// Returns a script of `tools/python`, to be run in the folder of this run.
    pub(crate) fn python(&self, script: &str) -> Result<Command> {
        let mut command = self.lab.python(script, &self.home())?;
        command.current_dir(&self.work);
        Ok(command)
    }

    /// Says what is between these two from now on.
    pub(crate) fn between(&mut self, client: &str, server: &str) -> Pair<'_, 'a> {
        Pair {
            client: client.to_owned(),
            server: server.to_owned(),
            bench: self,
        }
    }

    /// Records that a suite could not be run to its end.
    pub(crate) fn broke(&mut self, suite: &str, error: &anyhow::Error) {
        let what = format!("the suite {suite} ran to its end");
        self.checks.fail(what, format_args!("{error:#}"));
    }

    /// Prints the matrix and the verdict; an error is that something failed.
    pub(crate) fn finish(&self) -> Result<()> {
        let matrix = self.matrix();
        println!("\n{matrix}");
        let path = self.lab.path("matrix.md");
        fs::write(&path, &matrix)?;
        println!("written to {}", path.display());
        self.checks.finish()
    }

    /// Puts the matrix into a README, between its two marks.
    pub(crate) fn write_into(&self, readme: &Path) -> Result<()> {
        let text = fs::read_to_string(readme)
            .with_context(|| format!("could not read {}", readme.display()))?;
        let marks = text.find(BEGIN).zip(text.find(END));
        let (begin, end) = marks.context("the README has no marks for the matrix")?;
        let (head, tail) = (&text[..begin + BEGIN.len()], &text[end..]);
        fs::write(readme, format!("{head}\n{}\n{tail}", self.matrix()))?;
        Ok(())
    }

    /// Returns the table: a line for each client and server, in order of appearance.
    fn matrix(&self) -> String {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for row in &self.rows {
            let pair = (row.client.as_str(), row.server.as_str());
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        let mut table =
            "| client | server | accepted | refused | does not |\n|---|---|---|---|---|\n"
                .to_owned();
        for (client, server) in pairs {
            let cell = |kind| self.cell(client, server, kind);
            let mut accepted = cell(Kind::Accepted);
            let failed = cell(Kind::Failed);
            if !failed.is_empty() {
                let _ = write!(accepted, " **FAILED: {failed}**");
            }
            let (refused, lacking) = (cell(Kind::Refused), cell(Kind::Lacking));
            let _ = writeln!(
                table,
                "| {client} | {server} | {accepted} | {refused} | {lacking} |"
            );
        }
        table
    }

    fn cell(&self, client: &str, server: &str, kind: Kind) -> String {
        let mut facts: Vec<&str> = Vec::new();
        for row in &self.rows {
            let here = row.client == client && row.server == server && row.kind == kind;
            // Which file of many it was is for the lines that are printed.
            let (what, _) = row.what.split_once(", of ").unwrap_or((&row.what, ""));
            if here && !facts.contains(&what) {
                facts.push(what);
            }
        }
        facts.join("; ").replace('|', "\\|")
    }
}

/// A client and a server, about which something is found out.
pub(crate) struct Pair<'b, 'a> {
    client: String,
    server: String,
    bench: &'b mut Bench<'a>,
}

impl Pair<'_, '_> {
    /// Expects a command to end well.
    pub(crate) fn accepts(&mut self, what: &str, command: &mut Command) -> Result<()> {
        let finished = process::run(command)?;
        if finished.success {
            self.add(what, Kind::Accepted);
        } else {
            self.fail(what, &finished.last_line());
            for line in finished.output.lines() {
                println!("  |     {line}");
            }
        }
        Ok(())
    }

    /// Expects a command to end badly and to say why with these words.
    pub(crate) fn refuses(
        &mut self,
        what: &str,
        because: &str,
        command: &mut Command,
    ) -> Result<()> {
        let finished = process::run(command)?;
        let said = finished.output.to_lowercase();
        if finished.success {
            self.fail(what, "it was accepted");
        } else if said.contains(&because.to_lowercase()) {
            self.add(what, Kind::Refused);
        } else {
            let line = finished.last_line();
            self.fail(what, &format!("not because of \"{because}\": {line}"));
        }
        Ok(())
    }

    /// Expects a command to end with one of these exit codes.
    pub(crate) fn exits(&mut self, what: &str, codes: &[i32], command: &mut Command) -> Result<()> {
        let finished = process::run(command)?;
        if finished.code.is_some_and(|code| codes.contains(&code)) {
            let code = finished.code.unwrap_or_default();
            self.add(&format!("{what} (exit code {code})"), Kind::Refused);
        } else {
            let (code, line) = (finished.code, finished.last_line());
            self.fail(what, &format!("ended with {code:?}, not {codes:?}: {line}"));
        }
        Ok(())
    }

    /// Records what a server is known not to do; an error is that it does it now.
    pub(crate) fn lacks(&mut self, what: &str, does: bool) {
        if does {
            self.fail(what, "it does now: expect it from now on");
        } else {
            println!(
                "  --    {} → {}: does not: {what}",
                self.client, self.server
            );
            self.record(what, Kind::Lacking);
        }
    }

    /// Expects two things to be the same.
    pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        found: &T,
        wanted: &T,
    ) {
        if found == wanted {
            self.add(what, Kind::Accepted);
        } else {
            self.fail(what, &format!("found {found:?}, not {wanted:?}"));
        }
    }

    /// Expects a server to have refused with a status.
    pub(crate) fn status(&mut self, what: &str, found: u16, wanted: u16) {
        match (found == wanted, wanted) {
            (true, 400..) => self.add(&format!("{what} ({wanted})"), Kind::Refused),
            (true, _) => self.add(what, Kind::Accepted),
            (false, _) => self.fail(what, &format!("answered {found}, not {wanted}")),
        }
    }

    /// Records the lines that a script printed: `ok WHAT` and `FAIL WHAT: WHY`.
    pub(crate) fn lines(&mut self, command: &mut Command) -> Result<()> {
        let finished = process::run(command)?;
        for line in finished.output.lines() {
            if let Some(what) = line.strip_prefix("ok ") {
                self.add(what, Kind::Accepted);
            } else if let Some(what) = line.strip_prefix("FAIL ") {
                self.fail(what, "see the script");
            }
        }
        if !finished.success {
            self.fail("the script ended well", &finished.last_line());
        }
        Ok(())
    }

    fn add(&mut self, what: &str, kind: Kind) {
        let verb = match kind {
            Kind::Refused => "refused: ",
            _ => "",
        };
        let line = format!("{} → {}: {verb}{what}", self.client, self.server);
        self.bench.checks.pass(line);
        self.record(what, kind);
    }

    fn fail(&mut self, what: &str, why: &str) {
        let line = format!("{} → {}: {what}", self.client, self.server);
        self.bench.checks.fail(line, why);
        self.record(what, Kind::Failed);
    }

    fn record(&mut self, what: &str, kind: Kind) {
        self.bench.rows.push(Row {
            client: self.client.clone(),
            server: self.server.clone(),
            what: what.to_owned(),
            kind,
        });
    }
}
