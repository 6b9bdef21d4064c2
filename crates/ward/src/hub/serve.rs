//! `ward serve`: the command.

use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{Hub, logging, vital};
use crate::Ending;
use crate::commands::office::Place;
use crate::error::Error;

/// Run the hub: take telemetry in, watch it, keep it, answer.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct ServeArgs {
    #[command(flatten)]
    place: Place,
}

const AFTER_HELP: &str = "\
Listeners, folders and limits are in the configuration file; docs/ward.toml names every setting with its
default. Settings can be overridden by environment variables: WARD_LAKE__RETENTION_DAYS=30.

Before the first start, enter who there is (these commands can also be used while the hub runs):
  ward organisation add RXX --name 'Riverside General' --kind organisation
  ward source add rxx-winlogbeat --organisation RXX
  ward token issue --label winlogbeat --source rxx-winlogbeat

While nobody administers the hub, each start writes a link to standard output that makes whoever opens it the
first administrator: good once, for 24 hours, and until the next start. Where standard output is systemd's
journal, which others read, `ward person link --first-administrator` writes it instead.

TERM or Ctrl-C stops in order: nothing new is taken, what has come is looked at for up to 30 seconds, and what
is left is looked at after the next start. The exit code is 0 then, 2 when the hub could not be started.";

/// How long the watch may go on when the hub is stopped.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the hub until it is told to stop.
///
/// # Errors
/// It cannot be started.
pub fn run(args: &ServeArgs) -> Result<Ending, Error> {
    let config = args.place.load()?;
    config.check()?;
    let _logging = logging::start(&config.log)?;
    vital::tell_faults();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::Thread)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(Error::Thread)?;
        let hub = Hub::start(&config).await?;
        // Whoever started it without systemd has no use for this, and it does nothing then.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        tracing::info!(listeners = hub.bound().len(), "the hub is ready");
        if hub.bound().is_empty() {
            tracing::warn!("no listener is configured, so nothing can come in; see docs/ward.toml");
        }
        hub.let_first_in(&config).await;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        tracing::info!("stopping");
        hub.stop(PATIENCE).await;
        tracing::info!("stopped");
        Ok(Ending::Nothing)
    })
}
