//! The one clock of a world: the real time, or a time that moves only when told.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Tells every service of a world what time it is.
///
/// Clones share one time, so a virtual clock advanced in one place has advanced
/// everywhere.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The present moment of a virtual clock; `None` follows the real time.
    moment: Option<Arc<Mutex<Timestamp>>>,
}

/// The real time cannot be advanced.
#[derive(Debug, thiserror::Error)]
#[error("the world follows the real time, which cannot be advanced; start it with a virtual clock")]
pub struct NotVirtual;

impl Clock {
    /// Returns a clock that follows the real time.
    pub fn real() -> Self {
        Self { moment: None }
    }

    /// Returns a clock that stands at `start` until it is advanced.
    pub fn virtual_at(start: Timestamp) -> Self {
        Self {
            moment: Some(Arc::new(Mutex::new(start))),
        }
    }

    /// Returns the time in this world.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the real time"
    )]
    pub fn now(&self) -> Timestamp {
        match &self.moment {
            Some(moment) => *moment.lock().unwrap_or_else(PoisonError::into_inner),
            None => Timestamp::now(),
        }
    }

    /// Moves a virtual clock by `by` and returns the new time.
    pub fn advance(&self, by: SignedDuration) -> Result<Timestamp, NotVirtual> {
        let moment = self.moment.as_ref().ok_or(NotVirtual)?;
        let mut moment = moment.lock().unwrap_or_else(PoisonError::into_inner);
        *moment = moment.saturating_add(by).unwrap_or(*moment);
        Ok(*moment)
    }

    /// Returns whether the clock moves only when told.
    pub fn is_virtual(&self) -> bool {
        self.moment.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_virtual_clock_share_one_time() {
        let clock = Clock::virtual_at(Timestamp::UNIX_EPOCH);
        let other = clock.clone();
        clock.advance(SignedDuration::from_secs(90)).unwrap();
        assert_eq!(other.now().as_second(), 90);
        assert_eq!(other.now().as_second(), 90);
    }

    #[test]
    fn the_real_time_cannot_be_advanced() {
        assert!(Clock::real().advance(SignedDuration::from_secs(1)).is_err());
    }
}
