//! `when`: in which channels an entry takes part.

use super::TextError;
use crate::config::nearest::nearest;
use crate::version::Channel;

/// The channels that a version itself decides. `prerelease`, the last, names all
/// but the first.
pub(crate) const CHANNELS: [Channel; 6] = [
    Channel::Stable,
    Channel::Alpha,
    Channel::Beta,
    Channel::Rc,
    Channel::Dev,
    Channel::OtherPrerelease,
];

/// In which channels an entry takes part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When(Rule);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Rule {
    #[default]
    Unset,
    AnyOf(Vec<Channel>),
    NoneOf(Vec<Channel>),
}

impl When {
    /// Parses channel names (any of), or names with `!` (none of), not both.
    pub fn parse(names: &[&str]) -> Result<Self, TextError> {
        let excluded = names.iter().filter(|name| name.starts_with('!')).count();
        let error = |message: String| TextError::new(0..0, message);
        if names.is_empty() {
            return Err(error("`when` names no channel".to_owned()));
        }
        if excluded != 0 && excluded != names.len() {
            let message = format!("`when = {names:?}` mixes names with exclusions");
            return Err(error(message));
        }
        let channels = names
            .iter()
            .map(|name| channel(name.strip_prefix('!').unwrap_or(name)))
            .collect::<Result<Vec<_>, _>>()?;
        let when = Self(if excluded == 0 {
            Rule::AnyOf(channels)
        } else {
            Rule::NoneOf(channels)
        });
        if CHANNELS.iter().any(|channel| when.admits(*channel)) {
            Ok(when)
        } else {
            Err(error(format!("`when = {names:?}` leaves no channel")))
        }
    }

    /// Tells whether the entry takes part in a channel. Without `when`, an entry
    /// takes part in every channel that a version itself decides.
    pub fn admits(&self, channel: Channel) -> bool {
        let among = |list: &[Channel]| list.iter().any(|name| covers(*name, channel));
        match &self.0 {
            Rule::Unset => true,
            Rule::AnyOf(list) => among(list),
            Rule::NoneOf(list) => !among(list),
        }
    }
}

fn covers(name: Channel, channel: Channel) -> bool {
    name == channel || (name == Channel::OtherPrerelease && channel.is_prerelease())
}

fn channel(name: &str) -> Result<Channel, TextError> {
    if let Some(channel) = CHANNELS.iter().find(|channel| channel.as_str() == name) {
        return Ok(*channel);
    }
    let names = CHANNELS.map(Channel::as_str);
    let error = TextError::new(0..0, format!("unknown channel `{name}`"));
    Err(match nearest(name, names) {
        Some(meant) => error.hint(format!("did you mean `{meant}`?")),
        None => error.hint(format!("a version decides one of {}", names.join(", "))),
    })
}
