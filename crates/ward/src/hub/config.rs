//! The one configuration file: TOML, every setting with a default, unknown keys refused.
//!
//! An environment variable overrides a setting: `WARD_LAKE__RETENTION_DAYS=30` is `retention_days` in
//! `[lake]`.

mod bounds;

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format as _, Toml};
use figment::value::UncasedStr;
use serde::{Deserialize, Serialize};
use ward_intake::IntakeConfig;
use ward_pages::Brand;

use crate::error::Error;

pub use bounds::Wrong;

/// Everything that can be set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HubConfig {
    /// Where things are kept.
    pub data: DataConfig,
    /// The journal.
    pub journal: JournalConfig,
    /// The watch.
    pub watch: WatchConfig,
    /// The lake.
    pub lake: LakeConfig,
    /// Records that could not be decoded.
    pub dead_letters: DeadLettersConfig,
    /// The interface.
    pub api: ApiConfig,
    /// The console, and how long people stay signed in.
    pub console: ConsoleConfig,
    /// Searches.
    pub hunt: HuntConfig,
    /// What is logged.
    pub log: LogConfig,
    /// The listeners.
    pub intake: IntakeConfig,
}

/// Where things are kept.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// The folder of everything: `ward.db`, `journal`, `lake`. Default `/var/lib/ward`.
    pub folder: PathBuf,
    /// The database: `sqlite:PATH` or `postgres://...`. Default: `ward.db` in the folder.
    pub store: Option<String>,
}

/// The journal.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalConfig {
    /// Megabytes that it may take on the disk. Above it, senders are told to wait. Default 16,384.
    pub max_megabytes: u64,
    /// Megabytes of the disk that are always left free. Default 1,024.
    pub reserve_megabytes: u64,
    /// Seconds after which what has come is written to the lake. Default 10.
    pub seal_seconds: u64,
    /// Megabytes after which it is, if that is sooner. Default 64.
    pub seal_megabytes: u64,
}

/// The watch.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchConfig {
    /// Files and folders of Sigma rules. Default: the rules that come with Ward.
    pub rules: Vec<PathBuf>,
    /// Processing pipelines (pySigma's format) that the rules go through.
    pub pipelines: Vec<PathBuf>,
    /// Further tables of log sources and field names.
    pub taxonomy: Vec<PathBuf>,
    /// Threads that look at events. Default 0: one for each processor.
    pub workers: usize,
    /// Seconds between looks at whether rule files have changed. Default 5.
    pub reload_seconds: u64,
    /// Seconds after which a source that delivers old events is taken to have delivered all of them, so that
    /// correlations which ask that something did not happen are decided. Others fire at once. Default 10.
    pub late_quiet_seconds: u64,
}

/// The lake.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LakeConfig {
    /// Days that events are kept after they came. Default 90.
    pub retention_days: u32,
    /// Other numbers of days, by code of the organisation.
    pub retention: std::collections::BTreeMap<String, u32>,
    /// Level of zstd, 1 to 19. Default 1.
    pub compression_level: i32,
    /// Megabytes of memory for files in the making, all workers together. Default 128.
    pub memory_megabytes: usize,
    /// Seconds between rounds of tidying: small files are put together, old ones removed. Default 60.
    pub tidy_seconds: u64,
}

/// Records that could not be decoded, which are set aside whole.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeadLettersConfig {
    /// Megabytes of the database that those of one source may take. Above it, its oldest are dropped. Default 256.
    pub megabytes_of_source: u64,
    /// Days that they are kept, counted from when they came. Default 90.
    pub days: u32,
}

/// The interface.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Whether figures, and why the hub is not ready, may be read without a token by whoever reaches the listener.
    /// Default false.
    pub open_metrics: bool,
}

/// The console, and how long people stay signed in.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleConfig {
    /// Where people find it, for links: `https://ward.example`. Default: the first HTTP listener with `api = true`.
    pub url: Option<String>,
    /// What the console is called. Default: `Ward`.
    pub name: Option<String>,
    /// A picture (SVG, PNG or JPEG, at most 256 KiB) in place of Ward's mark. The marks of health systems belong to them:
    /// whoever may show one sets it here.
    pub logo: Option<PathBuf>,
    /// Minutes without a sign of life after which somebody must sign in again. Default 30.
    pub idle_minutes: u64,
    /// Hours after which somebody must sign in again, whatever he does. Default 12.
    pub session_hours: u64,
}

/// Searches.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HuntConfig {
    /// Megabytes that one search may take. Default 256.
    pub memory_megabytes: usize,
    /// Seconds that one search may take. Default 60.
    pub seconds: u64,
    /// Searches at once; more wait. Default 4.
    pub at_once: usize,
}

/// What is logged.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug`, `trace`, or by part: `info,ward_intake=debug`. Default `info`.
    pub level: String,
    /// `text` or `json`. Default `text`.
    pub format: LogFormat,
    /// A collector of OpenTelemetry that also gets the records (OTLP over HTTP), such as
    /// `https://collector:4318/v1/logs`; `http` on loopback only. Default: none.
    pub otlp: Option<String>,
    /// File with the token that it wants (`Authorization: Bearer`).
    pub otlp_token_file: Option<PathBuf>,
    /// The authority of its certificate, PEM. Default: those that the system trusts.
    pub otlp_ca_file: Option<PathBuf>,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl HubConfig {
    /// Reads the file, if one is named, and the environment.
    ///
    /// # Errors
    /// The file cannot be read, or a setting is unknown, has no meaning or is out of its bounds: named with its place.
    pub fn load(path: Option<&Path>) -> Result<Self, Error> {
        let mut figment = Figment::new();
        if let Some(path) = path {
            // Read here, so that a missing file is an error and not an empty one.
            let text = crate::rule_set::read(path)?;
            let wrong = |reason: String| Error::Config { path: path.to_owned(), reason };
            let alone: Self =
                toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
            alone.check_values().map_err(|error| wrong(error.to_string()))?;
            alone.intake.check_figures().map_err(|error| wrong(error.to_string()))?;
            figment = figment.merge(Toml::string(&text));
        }
        // Chosen before the names are split: afterwards they have no `__`.
        let ours = |key: &UncasedStr| SECTIONS.iter().any(|section| key.starts_with(section));
        let figment = figment.merge(Env::prefixed("WARD_").filter(ours).split("__"));
        // The file by itself was good.
        let wrong = |reason| Error::Config { path: "of the environment".into(), reason };
        let config: Self = figment.extract().map_err(|error| wrong(error.to_string()))?;
        config.check_values().map_err(|error| wrong(format!("{}: {error}", error.variable())))?;
        Ok(config)
    }

    /// Looks at what only the start would find, without starting anything: files that are named and missing, a folder
    /// that is none, listeners that cannot be.
    ///
    /// # Errors
    /// What would keep the hub from starting, as far as the configuration is to blame.
    pub fn check(&self) -> Result<(), Error> {
        self.data.check_folder().map_err(Error::Setting)?;
        let WatchConfig { rules, pipelines, taxonomy, .. } = &self.watch;
        for path in rules.iter().chain(pipelines).chain(taxonomy) {
            std::fs::metadata(path).map_err(|source| Error::Read { path: path.clone(), source })?;
        }
        Ok(self.intake.check()?)
    }

    /// URL of the database.
    pub fn store_url(&self) -> String {
        let own = || ward_store::Store::url_of(&self.data.folder.join("ward.db"));
        self.data.store.clone().unwrap_or_else(own)
    }

    /// Root of the lake.
    pub fn lake(&self) -> PathBuf {
        self.data.folder.join("lake")
    }

    /// Folder of the journal.
    pub fn journal(&self) -> PathBuf {
        self.data.folder.join("journal")
    }

    /// How many threads look at events.
    pub fn workers(&self) -> usize {
        match self.watch.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers.min(256),
        }
    }
}

/// The parts that the environment may set; listeners are lists and stay in the file.
const SECTIONS: [&str; 9] =
    ["data__", "journal__", "watch__", "lake__", "dead_letters__", "api__", "console__", "hunt__", "log__"];

impl Default for DataConfig {
    fn default() -> Self {
        Self { folder: "/var/lib/ward".into(), store: None }
    }
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { max_megabytes: 16_384, reserve_megabytes: 1_024, seal_seconds: 10, seal_megabytes: 64 }
    }
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            pipelines: Vec::new(),
            taxonomy: Vec::new(),
            workers: 0,
            reload_seconds: 5,
            late_quiet_seconds: 10,
        }
    }
}

impl Default for LakeConfig {
    fn default() -> Self {
        Self {
            retention_days: 90,
            retention: std::collections::BTreeMap::new(),
            compression_level: 1,
            memory_megabytes: 128,
            tidy_seconds: 60,
        }
    }
}

impl Default for DeadLettersConfig {
    fn default() -> Self {
        Self { megabytes_of_source: 256, days: 90 }
    }
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self { url: None, name: None, logo: None, idle_minutes: 30, session_hours: 12 }
    }
}

impl ConsoleConfig {
    /// What the console is called, and its mark.
    ///
    /// # Errors
    /// The name is none, or the picture cannot be read or is none.
    pub fn brand(&self) -> Result<Brand, Error> {
        let wrong = |key: &str, why: String| Error::Config { path: PathBuf::from(key), reason: why };
        let brand = match &self.name {
            Some(name) => Brand::named(name).map_err(|error| wrong("console.name", error.to_string()))?,
            None => Brand::default(),
        };
        let Some(path) = &self.logo else { return Ok(brand) };
        let picture = std::fs::read(path).map_err(|source| Error::Read { path: path.clone(), source })?;
        brand.with_logo(picture).map_err(|error| wrong("console.logo", error.to_string()))
    }

    /// How long sessions last.
    pub fn limits(&self) -> ward_people::session::Limits {
        let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        ward_people::session::Limits {
            idle: seconds(self.idle_minutes.saturating_mul(60)),
            absolute: seconds(self.session_hours.saturating_mul(3_600)),
        }
    }
}

impl Default for HuntConfig {
    fn default() -> Self {
        Self { memory_megabytes: 256, seconds: 60, at_once: 4 }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Text,
            otlp: None,
            otlp_token_file: None,
            otlp_ca_file: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ward.toml");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn what_is_not_set_has_a_default() {
        let (_folder, path) = file("[data]\nfolder = \"/srv/ward\"\n[lake]\nretention_days = 30\n");
        let config = HubConfig::load(Some(&path)).unwrap();
        assert_eq!((config.lake.retention_days, config.journal.seal_seconds), (30, 10));
        assert_eq!(config.store_url(), "sqlite:/srv/ward/ward.db");
        assert!(config.intake.http.is_empty(), "no listener is on unless it is named");
    }

    #[test]
    fn unknown_keys_are_refused_with_their_place() {
        let (_folder, path) = file("[lake]\nretention_day = 30\n");
        let error = HubConfig::load(Some(&path)).unwrap_err().to_string();
        let cause = crate::detect::problems::chain(&HubConfig::load(Some(&path)).unwrap_err());
        assert!(cause.contains("retention_day") && cause.contains("line 2"), "{error}: {cause}");
        assert!(HubConfig::load(Some(Path::new("/no/such.toml"))).is_err());
    }

    #[test]
    fn a_figure_out_of_its_bounds_is_blamed_on_the_file_that_has_it() {
        for (text, said) in [
            (
                "[journal]\nmax_megabytes = 18446744073709551615\n",
                "journal.max_megabytes is 18446744073709551615",
            ),
            ("[lake]\nretention_days = 0\n", "lake.retention_days is 0, and must be from 1 to 36500"),
            (
                "[[intake.http]]\nname = \"hub\"\nlisten = \"127.0.0.1:0\"\nlimits = { idle_seconds = 18446744073709551615 }\n",
                "'hub': its idle_seconds is 18446744073709551615",
            ),
        ] {
            let (_folder, path) = file(text);
            let told = HubConfig::load(Some(&path)).unwrap_err().to_string();
            assert!(told.contains(&path.display().to_string()) && told.contains(said), "{told}");
            assert!(!told.contains("environment"), "{told}");
        }
    }

    #[test]
    fn the_documented_example_is_valid() {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ward.toml");
        HubConfig::load(Some(Path::new(example))).unwrap();
    }
}
