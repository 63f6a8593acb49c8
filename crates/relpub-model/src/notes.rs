//! The release's title and text.

mod verify;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dist::DistName;
use crate::findings::Bytes;
use crate::promotion::Promotion;
use crate::release::Release;
use crate::text::Untrusted;

pub use verify::Signers;

/// A release's title and text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// The title.
    pub title: String,
    /// The text in Markdown, our marker included.
    pub body: String,
}

/// The most characters that GitHub takes in a release's text.
const GITHUB_LIMIT: usize = 125_000;

/// What stands around the generated text.
const TEMPLATE: &str = "\
{% if body %}{{ body }}

{% endif %}{% if projects %}## Install

```
{% for p in projects %}pip install {{ p.name }}=={{ p.version }}
{% endfor %}```

{% endif %}## Files

| file | size | sha256 |
| --- | ---: | --- |
{% for a in artifacts %}| `{{ a.name }}` | {{ a.size }} | `{{ a.sha256 }}` |
{% endfor %}
{% if verify %}## Verify

Keyless signatures; the other files in the same way{% if private %}. \
`trusted_root.json` is that of the project's own Sigstore instance{% endif %}:

```sh
{% for command in verify %}{{ command }}
{% endfor %}```

{% endif %}{% if waived %}## Not in this release

{% for w in waived %}- `{{ w.missing }}`: {{ w.because }}
{% endfor %}
{% endif %}Promoted from commit {{ commit }} of {{ repository }}.

<!-- {{ marker }} -->
";

#[derive(Serialize)]
struct Vars<'a> {
    body: &'a str,
    projects: Vec<Project>,
    artifacts: Vec<Artifact>,
    verify: Vec<String>,
    private: bool,
    waived: Vec<Waived>,
    commit: &'a str,
    repository: &'a str,
    marker: String,
}

#[derive(Serialize, PartialEq)]
struct Project {
    name: String,
    version: String,
}

#[derive(Serialize)]
struct Artifact {
    name: String,
    size: String,
    sha256: String,
}

#[derive(Serialize)]
struct Waived {
    missing: String,
    because: String,
}

impl Notes {
    /// Renders the built-in template: the generated text, how to install, the
    /// table of what is really promoted, how to verify it, what is missing with
    /// permission. Only the generated text is cut to what GitHub takes.
    pub fn render(
        title: String,
        release: &Release,
        promotion: &Promotion,
        signers: Signers<'_>,
        generated: &str,
    ) -> Self {
        let fill = |generated: &str| fill(release, promotion, signers, generated);
        let body = fill(generated);
        if body.chars().count() <= GITHUB_LIMIT {
            return Self { title, body };
        }
        let rest = fill("").chars().count();
        let room = GITHUB_LIMIT.saturating_sub(rest + 40);
        let cut: String = generated.chars().take(room).collect();
        let body = fill(&format!("{cut}…\n\n(shortened to fit)"));
        Self { title, body }
    }
}

fn fill(release: &Release, promotion: &Promotion, signers: Signers<'_>, generated: &str) -> String {
    let vars = Vars {
        body: generated.trim(),
        projects: projects(promotion),
        artifacts: artifacts(promotion),
        verify: verify::commands(promotion, signers),
        private: signers.private,
        waived: waived(release),
        commit: promotion.commit.as_str(),
        repository: promotion.repository.name.as_str(),
        marker: promotion.marker(),
    };
    let mut environment = minijinja::Environment::empty();
    environment.set_fuel(Some(1_000_000));
    environment
        .render_str(TEMPLATE, minijinja::value::Serde(vars))
        .expect("the built-in template names only what it is given")
}

/// Returns the Python projects that anyone can install.
fn projects(promotion: &Promotion) -> Vec<Project> {
    let mut out = Vec::new();
    for edge in promotion
        .edges
        .iter()
        .filter(|edge| edge.destination.as_str() == "pypi")
    {
        if let Ok(name) = edge.name.as_str().parse::<DistName>() {
            let project = Project {
                name: name.project().to_string(),
                version: name.version().to_string(),
            };
            if !out.contains(&project) {
                out.push(project);
            }
        }
    }
    out
}

/// Returns what is promoted, each file once.
fn artifacts(promotion: &Promotion) -> Vec<Artifact> {
    let mut seen = BTreeMap::new();
    for edge in &promotion.edges {
        seen.entry(edge.name.as_str()).or_insert(Bytes {
            sha256: edge.sha256,
            size: edge.size,
        });
    }
    let artifact = |(name, bytes): (&str, Bytes)| Artifact {
        name: name.to_owned(),
        size: size(bytes.size),
        sha256: bytes.sha256.to_string(),
    };
    seen.into_iter().map(artifact).collect()
}

fn waived(release: &Release) -> Vec<Waived> {
    let escape = |text: &str| Untrusted::new(text).for_markdown();
    let one = |w: &crate::release::Waived| Waived {
        missing: w.missing.replace('`', "'"),
        because: escape(&w.because),
    };
    release.waived.iter().map(one).collect()
}

/// Returns a size in decimal units, as people compare downloads.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = 0;
    tenths /= 1000;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    if tenths >= 1000 {
        format!("{} {}", (tenths + 5) / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        let of = [0, 999, 1000, 1_900_000, 103_000_000, 1_300_000_000].map(size);
        assert_eq!(of, ["0 B", "999 B", "1.0 kB", "1.9 MB", "103 MB", "1.3 GB"]);
    }
}
