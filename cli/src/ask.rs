//! The one question: whether to go on.

use std::io;

use tokio_util::sync::CancellationToken;

use crate::console::Console;

/// Asks a person a question and returns whether the answer is yes. No answer,
/// any other answer and a cancelled run are a no.
pub(crate) async fn yes(console: &Console, question: &str, cancel: &CancellationToken) -> bool {
    console.note(&format!("{question} [y/N] "));
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    tokio::select! {
        answer = answer => matches!(answer, Ok(Ok(line)) if is_yes(&line)),
        () = cancel.cancelled() => false,
    }
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        assert!(is_yes("Y\n") && is_yes(" yes \r\n"));
        assert!(!is_yes("") && !is_yes("\n") && !is_yes("yep") && !is_yes("n"));
    }
}
