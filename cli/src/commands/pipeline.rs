//! The straight line up to the plan, which `plan`, `promote` and `rehearse` share.

use relpub::{Config, Context, Plan, Promotion, Selection};
use relpub_model::release::{AllowMissing, Flags};

use crate::app::App;
use crate::args::{Allowing, PlanArgs, Selecting};
use crate::explain::Error;
use crate::progress::Progress;

/// A release that is about to be planned.
pub(super) struct Pipeline {
    pub(super) cx: Context,
    pub(super) config: Config,
    pub(super) selection: Selection,
    pub(super) progress: Progress,
}

impl Pipeline {
    /// Reads what the command line names; nothing is sent yet.
    pub(super) fn open(app: &App, args: &PlanArgs) -> Result<Self, Error> {
        let config = app.config()?;
        let world = args.world.world.as_deref();
        let selection = select(&config, &args.selecting, &args.allowing, world.is_some())?;
        let progress = app.progress()?;
        let cx = app.context(&selection.tag.name, app.endpoints(world)?, &progress)?;
        Ok(Self {
            cx,
            config,
            selection,
            progress,
        })
    }

    /// Works out what is left to do. Nothing is changed.
    pub(super) async fn plan(&self) -> Result<Plan, Error> {
        let plan = plan(&self.cx, &self.config, &self.selection).await;
        self.progress.finish();
        Ok(plan?)
    }
}

/// Resolves, observes, gathers and examines, and puts the plan together.
pub(super) async fn plan(
    cx: &Context,
    config: &Config,
    selection: &Selection,
) -> Result<Plan, relpub::Error> {
    let release = relpub::resolve(cx, config, selection).await?;
    let observed = relpub::observe(cx, config, &release).await?;
    let findings = relpub::gather(cx, config, &release, &observed).await?;
    let (observed, findings) = relpub::examine(cx, config, &release, observed, findings).await?;
    let promotion = Promotion::new(config, &release, &findings);
    Ok(Plan::new(
        config, &release, &promotion, &findings, &observed,
    ))
}

/// Returns what the command line selects.
pub(super) fn select(
    config: &Config,
    selecting: &Selecting,
    allowing: &Allowing,
    world: bool,
) -> Result<Selection, Error> {
    let tag = config.tag.read(&selecting.tag);
    Ok(Selection {
        tag: tag.map_err(|error| Error::Usage(error.to_string()))?,
        commit: selecting.commit.clone(),
        from: selecting.from.clone(),
        flags: Flags {
            allow_missing: allowed(allowing)?,
            world,
        },
    })
}

/// Pairs what may be missing with the reasons: one for each, or one for all.
fn allowed(allowing: &Allowing) -> Result<Vec<AllowMissing>, Error> {
    let Allowing {
        allow_missing: names,
        because,
    } = allowing;
    if because.len() != names.len() && because.len() != 1 && !names.is_empty() {
        return Err(Error::Usage(format!(
            "--allow-missing is given {} times and --because {} times; give one reason for each, or one for all",
            names.len(),
            because.len()
        )));
    }
    let reasons = because.iter().cycle();
    let pair = |(name, because): (&String, &String)| AllowMissing {
        name: name.clone(),
        because: because.clone(),
    };
    Ok(names.iter().zip(reasons).map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(names: &[&str], because: &[&str]) -> Option<Vec<(String, String)>> {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let allowing = Allowing {
            allow_missing: owned(names),
            because: owned(because),
        };
        let pair = |it: AllowMissing| (it.name, it.because);
        let allowed = allowed(&allowing).ok()?;
        Some(allowed.into_iter().map(pair).collect())
    }

    #[test]
    fn each_missing_thing_has_its_reason() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(pairs(&[], &[]), Some(vec![]));
        assert_eq!(
            pairs(&["a", "b"], &["x"]),
            Some(vec![pair("a", "x"), pair("b", "x")])
        );
        assert_eq!(
            pairs(&["a", "b"], &["x", "y"]),
            Some(vec![pair("a", "x"), pair("b", "y")])
        );
        assert_eq!(pairs(&["a", "b", "c"], &["x", "y"]), None);
    }
}
