//! The clock of a rehearsal: waiting moves the world's time and costs nothing.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use relpub::Clock;

/// A world's virtual clock, as relpub sees it.
pub(crate) struct WorldClock(pub(crate) relpub_sandbox::Clock);

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep<'a>(&'a self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let by = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
            // A clock that follows the real time is none that a rehearsal makes.
            let _ = self.0.advance(by);
            tokio::task::yield_now().await;
        })
    }
}
