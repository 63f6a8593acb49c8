//! Makes and remembers every secret of a world, so that none can leak unseen.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::Disk;

/// Every secret of the sandbox contains this text.
pub const SECRET_MARKER: &str = "SANDBOX-SECRET";

const FILE: &str = "secrets";

/// The secrets of a world: standing ones, kept on disk by name, and fresh ones.
#[derive(Clone)]
pub(crate) struct Secrets {
    disk: Disk,
    issued: Arc<Mutex<Vec<String>>>,
}

impl Secrets {
    /// Opens the secrets kept under `disk`.
    pub(crate) fn open(disk: &Disk) -> io::Result<Self> {
        let standing: BTreeMap<String, String> = disk.read_json(FILE)?.unwrap_or_default();
        Ok(Self {
            disk: disk.clone(),
            issued: Arc::new(Mutex::new(standing.into_values().collect())),
        })
    }

    /// Returns the secret that this world keeps under `name`, made on first use.
    ///
    /// It starts with `prefix` and is the same after a restart.
    pub(crate) fn standing(&self, name: &str, prefix: &str) -> io::Result<String> {
        let mut kept: BTreeMap<String, String> = self.disk.read_json(FILE)?.unwrap_or_default();
        if let Some(secret) = kept.get(name) {
            return Ok(secret.clone());
        }
        let secret = self.fresh(prefix);
        kept.insert(name.to_owned(), secret.clone());
        self.disk.write_private_json(FILE, &kept)?;
        Ok(secret)
    }

    /// Returns a new secret: `prefix`, the marker and 128 random bits.
    pub(crate) fn fresh(&self, prefix: &str) -> String {
        let secret = format!("{prefix}{SECRET_MARKER}-{}", random_hex::<16>());
        self.record(&secret);
        secret
    }

    /// Remembers a secret made elsewhere, such as a signed token.
    pub(crate) fn record(&self, secret: &str) {
        self.lock().push(secret.to_owned());
    }

    /// Returns every secret ever issued by this world.
    pub(crate) fn issued(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// Panics when `text` holds the marker or any secret of this world.
    #[track_caller]
    pub(crate) fn assert_absent(&self, text: &str) {
        if let Some(at) = text.find(SECRET_MARKER) {
            panic!("the text holds a secret of the sandbox at byte {at}");
        }
        for secret in self.lock().iter() {
            if let Some(at) = text.find(secret.as_str()) {
                panic!("the text holds a secret of the sandbox at byte {at}");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns `N` random bytes in hexadecimal.
pub(crate) fn random_hex<const N: usize>() -> String {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random bytes");
    hex::encode(bytes)
}
