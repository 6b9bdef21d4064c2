//! How far a scan is, for whoever waits at the terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::grouped;

/// A progress bar on standard error; one that is not shown does nothing.
#[derive(Debug, Clone)]
pub struct Progress {
    bar: ProgressBar,
}

/// Between two looks at how far it is.
const INTERVAL: Duration = Duration::from_millis(200);

impl Progress {
    /// A bar for inputs of `total` bytes, or without end if that is not known. `shown`: whether to show it.
    pub fn new(shown: bool, total: Option<u64>) -> Self {
        let target = if shown { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(total, target).with_style(style(total.is_some()));
        if shown {
            bar.enable_steady_tick(INTERVAL);
        }
        Self { bar }
    }

    /// Says how far it is: bytes read, and what they came to.
    pub fn show(&self, read: u64, events: u64, findings: u64) {
        if !self.bar.is_hidden() {
            self.bar.set_position(read);
            self.bar.set_message(format!("{} events, {} findings", grouped(events), grouped(findings)));
        }
    }

    /// Calls `write` with the bar out of its way.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(has_end: bool) -> ProgressStyle {
    let template = if has_end {
        "[{bar:20}] {percent:>3}%  {decimal_bytes_per_sec}  {eta} left  {msg}"
    } else {
        "{spinner} {decimal_bytes}  {decimal_bytes_per_sec}  {elapsed}  {msg}"
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ").tick_chars("-\\|/ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_bar_does_nothing_but_let_others_write() {
        let progress = Progress::new(false, Some(5));
        progress.show(1, 1, 1);
        assert_eq!(progress.aside(|| 7), 7);
        progress.end();
    }
}
