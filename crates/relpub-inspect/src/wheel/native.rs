//! Machine code in wheels, and whether it fits the wheel's platform tags.
//!
//! Some wheels carry helpers for other processors on purpose (a debugger that
//! attaches to 32-bit programs, say). So each file that Python or a shell loads
//! by itself must fit, and of the others at least one, if there are any.

use relpub_model::blocker::Code;
use relpub_model::dist::WheelName;
use relpub_model::findings::Native;

use crate::fault::{Report, quoted};
use crate::{Limits, platform, program};

/// Returns what a member is when it is machine code.
pub(super) fn find(path: &str, prefix: &[u8]) -> Option<Native> {
    let program = program::parse(prefix)?;
    Some(Native {
        path: path.to_owned(),
        program,
    })
}

/// Reports machine code for other platforms than the tags say.
pub(super) fn check(
    name: &WheelName,
    natives: &[Native],
    limits: &Limits,
    report: &mut Report<'_>,
) {
    let tags = name.platform.join(".");
    let fits = |native: &&Native| platform::fits(&native.program, &name.platform);
    let misfits: Vec<&Native> = natives.iter().filter(|native| !fits(native)).collect();
    let none_fits = misfits.len() == natives.len();
    let reasons: Vec<String> = misfits
        .iter()
        .filter(|native| none_fits || must_fit(native))
        .map(|native| {
            let what = program::spoken(&native.program);
            format!(
                "has {}, which is {what}; its tag is {tags}",
                quoted(&native.path)
            )
        })
        .collect();
    report.add_some(Code::NotWhatItSays, limits.reasons, &reasons);
}

/// Tells whether Python imports the file as a module, or it becomes a command.
fn must_fit(native: &Native) -> bool {
    let file = native.path.rsplit('/').next().unwrap_or_default();
    let folder = native.path.rsplit('/').nth(1);
    let script = folder == Some("scripts") && native.path.contains(".data/");
    let abi = [".abi3.", ".cpython-", ".pypy"]
        .iter()
        .any(|tag| file.contains(tag));
    script || file.ends_with(".pyd") || (abi && file.ends_with(".so"))
}
