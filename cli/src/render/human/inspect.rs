//! What a file really is, as text.

use relpub::inspect::{Identified, Inspection};
use relpub_model::dist::DistName;
use relpub_model::findings::{Distribution, Facts};
use relpub_model::notes::size;

use super::layout::{Labels, paint, plain};
use super::words::plural;

/// The fields of core metadata that are shown, in this order.
const FIELDS: [&str; 6] = [
    "Metadata-Version",
    "Summary",
    "Requires-Python",
    "License-Expression",
    "License",
    "Author-email",
];

/// The most native libraries that are listed one by one.
const LISTED: usize = 8;

/// Returns what a file is and what speaks against publishing it.
pub(crate) fn inspect(
    name: &str,
    bytes: u64,
    identified: &Identified,
    inspection: &Inspection,
    width: usize,
) -> String {
    let what = match &inspection.facts {
        Some(Facts::Distribution(distribution)) => title(distribution),
        _ => identified.to_string(),
    };
    let head = [
        paint::paint(paint::STRONG, &plain(name)),
        size(bytes),
        plain(&what),
    ];
    let mut list = Labels::new();
    match &inspection.facts {
        Some(Facts::Distribution(distribution)) => describe(distribution, &mut list),
        Some(Facts::Archive { format, members }) => {
            let members = usize::try_from(*members).unwrap_or(usize::MAX);
            list.line(
                "content",
                format!("{format}, {}", plural(members, "member")),
            );
        }
        Some(Facts::Program(program)) => list.line("machine", program.to_string()),
        Some(Facts::Other) | None => {}
    }
    for blocker in &inspection.blockers {
        let first = format!("{}: {}", blocker.code.label(), blocker.reason);
        list.entry(
            "problem",
            paint::BAD,
            [&first, &blocker.detail, &blocker.way_out],
        );
    }
    if inspection.blockers.is_empty() {
        list.line("problems", "none");
    }
    format!("{}\n{}", head.join("   "), list.render(width))
}

fn title(distribution: &Distribution) -> String {
    let name = &distribution.name;
    let kind = if name.is_wheel() {
        "a wheel"
    } else {
        "a source distribution"
    };
    format!("{kind} of {} {}", name.project(), name.version())
}

fn describe(distribution: &Distribution, list: &mut Labels) {
    if let DistName::Wheel(wheel) = &distribution.name {
        let tags = [
            format!("python {}", wheel.python.join(" ")),
            format!("abi {}", wheel.abi.join(" ")),
            format!("platform {}", wheel.platform.join(" ")),
        ];
        list.line("tags", tags.join(" · "));
    }
    let metadata = &distribution.metadata;
    let field = |name: &&str| metadata.get(name).map(|value| format!("{name}: {value}"));
    let mut fields: Vec<String> = FIELDS.iter().filter_map(field).collect();
    let required = metadata.all("Requires-Dist").count();
    if required > 0 {
        fields.push(format!("requires {}", plural(required, "project")));
    }
    list.entry("metadata", anstyle::Style::new(), fields);
    let shown = distribution.native.iter().take(LISTED);
    let mut native: Vec<String> = shown
        .map(|native| format!("{} {}", native.path, native.program))
        .collect();
    if distribution.native.len() > LISTED {
        native.push(format!("and {} more", distribution.native.len() - LISTED));
    }
    if !native.is_empty() {
        list.entry("native", anstyle::Style::new(), native);
    }
}
