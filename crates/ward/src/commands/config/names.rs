//! Names in the configuration that stand for nothing in the store. They keep no hub from starting, since they may be entered
//! while it runs; but what they are meant for does not happen until then.

use ward_core::{OrganisationId, Scope, SourceId};
use ward_store::{Store, StoreError, StoreOptions, organisations, sources};

use crate::detect::problems::chain;
use crate::error::Error;
use crate::hub::config::HubConfig;

/// What is to be told of names that the store does not know, a line each. Nothing where there is no store yet.
///
/// # Errors
/// There are no threads for it.
pub fn unknown(config: &HubConfig) -> Result<Vec<String>, Error> {
    if config.intake.sources().next().is_none() && config.lake.retention.is_empty() {
        return Ok(Vec::new());
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Thread)?;
    Ok(runtime.block_on(looked_up(config)).unwrap_or_else(|error| {
        vec![format!("Whether the store knows the names could not be looked up: {}.", chain(&error))]
    }))
}

async fn looked_up(config: &HubConfig) -> Result<Vec<String>, StoreError> {
    let Some(store) = Store::look(&config.store_url(), StoreOptions::default()).await? else {
        return Ok(Vec::new());
    };
    let mut lines = Vec::new();
    for (listener, source) in config.intake.sources() {
        lines.extend(of_source(&store, listener, source).await?);
    }
    for code in config.lake.retention.keys().filter_map(|code| OrganisationId::new(code).ok()) {
        if is_there(organisations::get(&store, &Scope::whole_sector(), &code).await)?.is_none() {
            lines.push(format!("lake.retention names the organisation '{code}', which is not entered here."));
        }
    }
    store.close().await;
    Ok(lines)
}

async fn of_source(store: &Store, listener: &str, source: &SourceId) -> Result<Option<String>, StoreError> {
    let (is, until) = match is_there(sources::get(store, &Scope::whole_sector(), source).await)? {
        Some(entered) if entered.enabled => return Ok(None),
        Some(_) => ("disabled", "enable"),
        None => ("not entered here", "add"),
    };
    Ok(Some(format!(
        "The listener '{listener}' names the source '{source}', which is {is}: it refuses who shows no credential \
         until `ward source {until} {source}`."
    )))
}

fn is_there<T>(found: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
