//! Where the commands work: store and lake of one configuration, in somebody's name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::runtime::Runtime;
use ward_core::{Actor, OrganisationId, Scope};
use ward_lake::{Cancel, Lake, LakeFile};
use ward_store::lake_files::{self, FileFilter};
use ward_store::{Store, StoreOptions, organisations};

use crate::error::Error;
use crate::hub::config::HubConfig;
use ward_web::catalogue;

/// Which configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct Place {
    /// The configuration file [default: $WARD_CONFIG, else /etc/ward/ward.toml if there is one, else defaults]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// An open store, and whose hands are in it.
pub struct Office {
    /// The configuration.
    pub config: HubConfig,
    /// The store.
    pub store: Store,
    /// Whoever runs the command.
    pub by: Actor,
    /// What he sees: everything, since he could read the files themselves.
    pub scope: Scope,
    /// What waits for the store.
    pub runtime: Runtime,
}

impl Place {
    /// The file that is meant. `None`: there is none, and the defaults hold.
    pub fn file(&self) -> Option<PathBuf> {
        let named = || std::env::var_os("WARD_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
        let usual = || Some(PathBuf::from(USUAL)).filter(|path| path.exists());
        self.config.clone().or_else(named).or_else(usual)
    }

    /// The configuration.
    ///
    /// # Errors
    /// It cannot be read or is not as it should be.
    pub fn load(&self) -> Result<HubConfig, Error> {
        HubConfig::load(self.file().as_deref())
    }

    /// Opens the store of a hub that was begun.
    ///
    /// # Errors
    /// Configuration or store cannot be used, or there is none yet.
    pub fn open(&self) -> Result<Office, Error> {
        let config = self.load()?;
        let file = config.data.folder.join("ward.db");
        if config.data.store.is_none() {
            // Whoever may not look there must not be told that there is none.
            match file.try_exists() {
                Ok(true) => {}
                Ok(false) => return Err(Error::NoHub(file)),
                Err(source) => return Err(Error::Read { path: file, source }),
            }
        }
        Office::open(config)
    }

    /// Opens the store, and makes it if there is none.
    ///
    /// # Errors
    /// Configuration or store cannot be used.
    pub fn begin(&self) -> Result<Office, Error> {
        let config = self.load()?;
        if config.data.store.is_none() {
            let folder = &config.data.folder;
            std::fs::create_dir_all(folder)
                .map_err(|source| Error::WriteFile { path: folder.clone(), source })?;
        }
        Office::open(config)
    }
}

impl Office {
    pub fn open(config: HubConfig) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(Error::Thread)?;
        let store = runtime.block_on(Store::open(&config.store_url(), StoreOptions::default()))?;
        Ok(Self { config, store, by: Actor::operator(user()), scope: Scope::whole_sector(), runtime })
    }

    /// Waits for what the store does.
    pub fn wait<T>(&self, doing: impl Future<Output = T>) -> T {
        self.runtime.block_on(doing)
    }

    /// Lets Ctrl-C call something off; a second one ends the program.
    pub fn on_interrupt(&self, cancel: Cancel) {
        self.runtime.spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                cancel.cancel();
                let _ = tokio::signal::ctrl_c().await;
                std::process::exit(2);
            }
        });
    }

    /// The lake.
    pub fn lake(&self) -> Lake {
        Lake::new(self.config.lake())
    }

    /// The files of the lake that can have what is asked for.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn files(&self, filter: &FileFilter) -> Result<Vec<LakeFile>, Error> {
        Ok(catalogue::files(self.wait(lake_files::files(&self.store, &self.scope, filter))?))
    }

    /// These organisations with all that lies below them. `None`: all there are.
    ///
    /// # Errors
    /// One does not exist.
    pub fn below(&self, codes: &[OrganisationId]) -> Result<Option<BTreeSet<OrganisationId>>, Error> {
        if codes.is_empty() {
            return Ok(None);
        }
        let mut all = BTreeSet::new();
        for code in codes {
            let below = self.wait(organisations::descendants(&self.store, &self.scope, code));
            all.extend(below.map_err(|source| Error::Organisation { code: code.clone(), source })?);
        }
        Ok(Some(all))
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.runtime.block_on(self.store.close());
    }
}

/// For `clap`: a code of an organisation.
pub fn organisation(text: &str) -> Result<OrganisationId, String> {
    OrganisationId::new(text).map_err(|error| error.to_string())
}

/// For `clap`: a name of a source.
pub fn source(text: &str) -> Result<ward_core::SourceId, String> {
    ward_core::SourceId::new(text).map_err(|error| error.to_string())
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<String, Error> {
    if path.as_os_str() != "-" {
        return crate::rule_set::read(path);
    }
    let mut text = String::new();
    let read = std::io::Read::read_to_string(&mut std::io::stdin(), &mut text);
    read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(text)
}

/// Who runs the command, as the system's environment says; who changed user is named as he was before.
fn user() -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    let name = names.map(|name| name.chars().filter(|c| !c.is_control()).take(64).collect::<String>());
    name.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "operator".to_owned())
}

/// Where the configuration is on most machines.
const USUAL: &str = "/etc/ward/ward.toml";
