//! toxiproxy: between a client and a server, it cuts connections when told to.

use anyhow::Result;
use serde_json::json;

use super::{Facts, Host};
use crate::http::{self, Http};
use crate::lab::Lab;

const TOXIPROXY: u16 = 71;
const THROUGH: u16 = 72;

pub(super) fn start(host: &mut Host<'_>) -> Result<Facts> {
    let (url, port) = (
        host.lab.url(TOXIPROXY),
        host.lab.port(TOXIPROXY).to_string(),
    );
    let mut server = host.tool("toxiproxy-server")?;
    server.args(["-host", "127.0.0.1", "-port", &port]);
    host.spawn("toxiproxy", &mut server)?;
    host.wait_for_success("toxiproxy", &format!("{url}/version"))?;
    Ok(Facts::new(json!({}), [("TOXIPROXY", &url)]))
}

/// A way to a server through a running toxiproxy.
pub(crate) struct Cut {
    /// Where it begins, without a trailing slash.
    pub(crate) url: String,
    control: String,
    http: Http,
}

impl Cut {
    /// Opens a way to the server at `url`, through which everything passes at first.
    pub(crate) fn open(lab: &Lab, url: &str) -> Result<Self> {
        let (control, http) = (lab.url(TOXIPROXY), Http::new()?);
        let listen = lab.address(THROUGH);
        let upstream = url.trim_start_matches("http://");
        let proxy =
            json!({ "name": "way", "listen": listen, "upstream": upstream, "enabled": true });
        http::send(http.post(&format!("{control}/proxies")).json(&proxy))?;
        Ok(Self {
            url: lab.url(THROUGH),
            control,
            http,
        })
    }

    /// Cuts every connection after `bytes` in a direction: `upstream` or `downstream`.
    pub(crate) fn after(&self, bytes: u32, direction: &str) -> Result<()> {
        let toxic = json!({
            "name": "cut",
            "type": "limit_data",
            "stream": direction,
            "attributes": { "bytes": bytes },
        });
        let url = format!("{}/proxies/way/toxics", self.control);
        http::send(self.http.post(&url).json(&toxic))?;
        Ok(())
    }

    /// Lets everything pass again.
    pub(crate) fn mend(&self) -> Result<()> {
        let url = format!("{}/proxies/way/toxics/cut", self.control);
        self.http.delete(&url)
    }
}
