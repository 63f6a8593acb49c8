//! Reading `credential`: how relpub is let in, never a secret itself.

use toml::de::DeValue;

use super::Credential;
use super::errors::Faults;
use super::keys::{self, Shape};
use super::reader::{At, Section};
use super::secrets::env_name;

/// Reads the credential of a table, if it has one.
///
/// A value that is none of the forms is probably a secret: it is refused, and
/// not repeated.
pub(super) fn read(section: &Section<'_>, faults: &mut Faults<'_>) -> Option<At<Credential>> {
    let At { value, at } = section.value("credential")?;
    let value = match value {
        DeValue::Table(table) => {
            let place = format!("`credential` of {}", section.place);
            let inner = Section::open(&keys::CREDENTIAL, place, table, at.clone(), faults);
            basic(&inner, faults)?
        }
        value => word(value.as_str()?).or_else(|| {
            refuse(&at, "credential", &Shape::Credential.takes(), faults);
            None
        })?,
    };
    Some(At { value, at })
}

fn word(text: &str) -> Option<Credential> {
    match text {
        "trusted" => Some(Credential::Trusted),
        "ambient" => Some(Credential::Ambient),
        "anonymous" => Some(Credential::Anonymous),
        text => env_name(text).map(|name| Credential::Env(name.to_owned())),
    }
}

fn basic(section: &Section<'_>, faults: &mut Faults<'_>) -> Option<Credential> {
    let username = section.text("username")?.value.to_owned();
    let At { value, at } = section.text("password")?;
    let Some(name) = env_name(value) else {
        refuse(&at, "password", "`\"env:NAME\"`", faults);
        return None;
    };
    Some(Credential::Basic {
        username,
        password_env: name.to_owned(),
    })
}

fn refuse(at: &std::ops::Range<usize>, key: &str, takes: &str, faults: &mut Faults<'_>) {
    let message = format!("`{key}` never holds a secret itself");
    faults.add_hint(at.clone(), message, format!("it takes {takes}"));
}
