//! How far the sending is, for whoever waits at the terminal.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::commands::tell;
use crate::terminal::{grouped, safe};

/// A progress bar on standard error; one that is not shown does nothing.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// The reason of the last wait, where no bar shows it.
    told: RefCell<String>,
}

impl Progress {
    /// A bar for inputs of `total` bytes, or without end if that is not known.
    pub fn new(wanted: bool, total: Option<u64>) -> Self {
        let shown = wanted && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        let template = if total.is_some() {
            "[{bar:20}] {percent:>3}%  {decimal_bytes_per_sec}  {eta} left  {msg}"
        } else {
            "{spinner} {decimal_bytes}  {decimal_bytes_per_sec}  {elapsed}  {msg}"
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let style = style.progress_chars("=> ").tick_chars("-\\|/ ");
        let bar = ProgressBar::with_draw_target(total, target).with_style(style);
        if shown {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar, told: RefCell::default() }
    }

    /// Says how far it is: bytes of the inputs, and events acknowledged.
    pub fn show(&self, read: u64, events: u64) {
        self.bar.set_position(read);
        self.bar.set_message(format!("{} events acknowledged", grouped(events)));
    }

    /// Says that it waits, and why; where no bar is shown, in a line for each new reason.
    pub fn wait(&self, pause: Duration, why: &str) {
        let seconds = pause.as_secs_f64();
        self.bar.set_message(format!("waiting {seconds:.1} s: {}", safe(why)));
        if self.bar.is_hidden() && *self.told.borrow() != why {
            why.clone_into(&mut self.told.borrow_mut());
            // Nothing depends on whether it could be told.
            let _ = tell(&format!("Waiting for the hub: {why}"));
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
