//! Opens the places that a release comes from.

use relpub_model::Release;
use relpub_model::config::Config;
use relpub_model::config::Vars;
use relpub_model::world::S3;
use relpub_remote::Source;

use crate::context::Context;
use crate::error::Error;

/// One place that a release comes from.
pub(crate) struct Origin {
    /// Its URI, for people.
    pub(crate) uri: String,
    /// What reads it.
    pub(crate) source: Source,
}

/// Opens every place of the configuration, or the one that was given instead.
pub(crate) fn open(
    cx: &Context,
    config: &Config,
    from: Option<&str>,
    vars: &Vars<'_>,
) -> Result<Vec<Origin>, Error> {
    if let Some(uri) = from {
        return Ok(vec![open_one(cx, config, uri)?]);
    }
    let render = |template: &relpub_model::config::Template| {
        template
            .render(vars)
            .map_err(|error| Error::Usage(error.to_string()))
    };
    config
        .source
        .from
        .iter()
        .map(|template| open_one(cx, config, &render(template)?))
        .collect()
}

fn open_one(cx: &Context, config: &Config, uri: &str) -> Result<Origin, Error> {
    let source = if let Some(path) = uri.strip_prefix("file:") {
        Source::file(cx.root.join(path))
    } else if let Some(rest) = uri.strip_prefix("s3://") {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(Error::Usage(format!(
                "`{uri}` names no bucket; it is written s3://BUCKET/PREFIX"
            )));
        }
        let (s3, environment) = &cx.source;
        let configured = config.source.endpoint.as_ref().map(|endpoint| S3 {
            endpoint: endpoint.clone(),
            region: "us-east-1".to_owned(),
        });
        // Where a world is given, its bucket is the only one.
        let endpoint = s3.as_ref().or(configured.as_ref());
        Source::s3(
            &cx.http,
            bucket,
            prefix,
            endpoint,
            &config.source.credential,
            environment,
        )?
    } else {
        return Err(Error::Usage(format!(
            "`{uri}` is no source; this version of relpub reads file:PATH and s3://BUCKET/PREFIX"
        )));
    };
    Ok(Origin {
        uri: uri.to_owned(),
        source,
    })
}

/// Opens the places that a release was resolved from.
pub(crate) fn of_release(
    cx: &Context,
    config: &Config,
    release: &Release,
) -> Result<Vec<Origin>, Error> {
    release
        .source
        .iter()
        .map(|uri| open_one(cx, config, uri))
        .collect()
}
