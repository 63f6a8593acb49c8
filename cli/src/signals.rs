//! Signals: the first one cancels the run, a second one ends the process.

use std::io::{IsTerminal as _, Write as _};

use tokio_util::sync::CancellationToken;

/// What a shell reports of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// Returns a token that the first interrupt or termination signal cancels.
///
/// It must be called in a runtime. A run that is cancelled sees a publish step
/// in flight to its end; whoever cannot wait sends a second signal.
pub(crate) fn watch() -> CancellationToken {
    let cancel = CancellationToken::new();
    let watched = cancel.clone();
    let mut signals = system::Signals::listen();
    tokio::spawn(async move {
        signals.next().await;
        watched.cancel();
        // A terminal has shown `^C` where the line was.
        let fresh = if std::io::stderr().is_terminal() {
            "\n"
        } else {
            ""
        };
        let _ = writeln!(
            anstream::stderr(),
            "{fresh}stopping; once more ends it at once"
        );
        signals.next().await;
        std::process::exit(INTERRUPTED);
    });
    cancel
}

#[cfg(unix)]
mod system {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Interrupt and termination signals, as they come.
    pub(super) struct Signals(Vec<Signal>);

    impl Signals {
        pub(super) fn listen() -> Self {
            let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
            Self(
                kinds
                    .into_iter()
                    .filter_map(|kind| signal(kind).ok())
                    .collect(),
            )
        }

        /// Waits for the next one.
        pub(super) async fn next(&mut self) {
            std::future::poll_fn(|cx| {
                let came = self.0.iter_mut().any(|it| it.poll_recv(cx).is_ready());
                if came {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
        }
    }
}

#[cfg(not(unix))]
mod system {
    /// Interrupts, as they come.
    pub(super) struct Signals;

    impl Signals {
        pub(super) fn listen() -> Self {
            Self
        }

        /// Waits for the next one.
        pub(super) async fn next(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
