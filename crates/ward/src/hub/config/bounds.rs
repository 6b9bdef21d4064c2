//! What settings may be: a hub that begins with less than it needs, or with figures that mean nothing, is refused
//! before it does anything.

use std::fmt;
use std::path::Path;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use ward_core::OrganisationId;
use ward_store::{Store, StoreError};

use super::{
    ConsoleConfig, DataConfig, DeadLettersConfig, HubConfig, HuntConfig, JournalConfig, LakeConfig,
    LogConfig, WatchConfig,
};
use crate::detect::problems::chain;

/// A setting that cannot be what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Its section and name, such as `lake.retention_days`.
    pub key: String,
    /// What it is.
    value: String,
    /// What it may be; finishes "must ...".
    must: String,
}

impl HubConfig {
    /// The first setting that cannot be what it is, as far as that is to be told without looking at the machine.
    ///
    /// # Errors
    /// That setting.
    pub fn check_values(&self) -> Result<(), Wrong> {
        for (key, value, least, most) in self.figures() {
            figure(key, value, least, most)?;
        }
        let LakeConfig { retention, compression_level, .. } = &self.lake;
        if !(1..=19).contains(compression_level) {
            return Err(Wrong::of("lake.compression_level", compression_level, "be from 1 to 19"));
        }
        for (code, days) in retention {
            if let Err(error) = OrganisationId::new(code) {
                return Err(Wrong {
                    key: "lake.retention".to_owned(),
                    value: format!("by '{}'", code.escape_debug()),
                    must: format!("be by codes of organisations: {error}"),
                });
            }
            figure(&format!("lake.retention.{code}"), u64::from(*days), 1, CENTURY)?;
        }
        self.log.check_level()?;
        self.console.check_url()?;
        self.data.check_store()
    }

    /// Every figure, with the least and most that it may be.
    fn figures(&self) -> [Figure; 17] {
        let JournalConfig { max_megabytes, reserve_megabytes, seal_seconds, seal_megabytes } = self.journal;
        let WatchConfig { workers, reload_seconds, late_quiet_seconds, .. } = self.watch;
        let LakeConfig { retention_days, memory_megabytes, tidy_seconds, .. } = self.lake;
        let DeadLettersConfig { megabytes_of_source, days } = self.dead_letters;
        let ConsoleConfig { idle_minutes, session_hours, .. } = self.console;
        let HuntConfig { memory_megabytes: of_search, seconds, at_once } = self.hunt;
        [
            ("journal.max_megabytes", max_megabytes, 1, EXBIBYTE),
            ("journal.reserve_megabytes", reserve_megabytes, 0, EXBIBYTE),
            ("journal.seal_seconds", seal_seconds, 1, DAY),
            ("journal.seal_megabytes", seal_megabytes, 1, TEBIBYTE),
            ("watch.workers", workers as u64, 0, 256),
            ("watch.reload_seconds", reload_seconds, 1, DAY),
            ("watch.late_quiet_seconds", late_quiet_seconds, 0, DAY),
            ("lake.retention_days", retention_days.into(), 1, CENTURY),
            ("lake.memory_megabytes", memory_megabytes as u64, 1, TEBIBYTE),
            ("lake.tidy_seconds", tidy_seconds, 1, DAY),
            ("dead_letters.megabytes_of_source", megabytes_of_source, 1, TEBIBYTE),
            ("dead_letters.days", days.into(), 1, CENTURY),
            ("console.idle_minutes", idle_minutes, 1, 720),
            ("console.session_hours", session_hours, 1, 24),
            ("hunt.memory_megabytes", of_search as u64, 1, TEBIBYTE),
            ("hunt.seconds", seconds, 1, DAY),
            ("hunt.at_once", at_once as u64, 1, 1_000),
        ]
    }
}

impl DataConfig {
    fn check_store(&self) -> Result<(), Wrong> {
        // The URL is not shown: it may hold a password.
        let wrong = |error: StoreError| Wrong {
            key: "data.store".to_owned(),
            value: "no URL of a database that can be used".to_owned(),
            must: format!(
                "be such as sqlite:/srv/ward.db or postgres://ward@db.example/ward: {}",
                chain(&error)
            ),
        };
        self.store.as_deref().map_or(Ok(()), |url| Store::check_url(url).map_err(wrong))
    }

    /// Whether the folder is one, or can be made.
    ///
    /// # Errors
    /// Something that is no folder is in its place, or in that of one above.
    pub fn check_folder(&self) -> Result<(), Wrong> {
        let there = self.folder.ancestors().find(|path| path.symlink_metadata().is_ok());
        match there {
            Some(path) if path.metadata().is_ok_and(|it| !it.is_dir()) => Err(self.no_folder(path)),
            _ => Ok(()),
        }
    }

    fn no_folder(&self, path: &Path) -> Wrong {
        let must = if path == self.folder {
            "be a folder, or be free for one".to_owned()
        } else {
            format!("lie in a folder, which {} is not", path.display())
        };
        Wrong { key: "data.folder".to_owned(), value: self.folder.display().to_string(), must }
    }
}

impl ConsoleConfig {
    fn check_url(&self) -> Result<(), Wrong> {
        let Some(url) = &self.url else { return Ok(()) };
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:[]".contains(c);
        let good =
            rest.is_some_and(|rest| rest.starts_with(|c: char| c != '/') && rest.chars().all(is_plain));
        let must = "be where people find the console, such as https://ward.example, with nothing after it";
        if good { Ok(()) } else { Err(Wrong::of("console.url", format!("'{}'", url.escape_debug()), must)) }
    }
}

impl LogConfig {
    /// A word that is no level would be taken for the name of a part, of which alone there were log lines then.
    fn check_level(&self) -> Result<(), Wrong> {
        let level = |word: &str| word.parse::<LevelFilter>().is_ok_and(|level| level != LevelFilter::OFF);
        let mut whole = false;
        let good = self.level.split(',').map(str::trim).all(|part| match part.rsplit_once('=') {
            Some((part, word)) => !part.trim().is_empty() && word.parse::<LevelFilter>().is_ok(),
            None => {
                whole = true;
                level(part) && !part.bytes().all(|byte| byte.is_ascii_digit())
            }
        });
        if good && whole && EnvFilter::builder().parse(&self.level).is_ok() {
            return Ok(());
        }
        let must = "be error, warn, info, debug or trace, after which parts may have a level of their own: \
                    info,ward_intake=debug";
        Err(Wrong::of("log.level", format!("'{}'", self.level.escape_debug()), must))
    }
}

impl Wrong {
    fn of(key: &str, value: impl fmt::Display, must: &str) -> Self {
        Self { key: key.to_owned(), value: value.to_string(), must: must.to_owned() }
    }

    /// The variable of the environment that sets it.
    pub fn variable(&self) -> String {
        let (section, name) = self.key.split_once('.').unwrap_or((&self.key, ""));
        let name = name.split('.').next().unwrap_or_default();
        format!("WARD_{}__{}", section.to_uppercase(), name.to_uppercase())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, and must {}", self.key, self.value, self.must)
    }
}

fn figure(key: &str, value: u64, least: u64, most: u64) -> Result<(), Wrong> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Wrong::of(key, value, &format!("be from {least} to {most}")))
}

/// A name and value, and the least and most that it may be.
type Figure = (&'static str, u64, u64, u64);

/// Days.
const CENTURY: u64 = 36_500;
/// Seconds.
const DAY: u64 = 86_400;
/// Megabytes.
const TEBIBYTE: u64 = 1 << 20;
/// Megabytes.
const EXBIBYTE: u64 = 1 << 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let config: HubConfig = toml::from_str(text).unwrap();
        config.check_values().map_or_else(|wrong| wrong.to_string(), |()| "good".to_owned())
    }

    #[test]
    fn each_setting_that_cannot_be_is_told_with_its_value_and_what_it_may_be() {
        for (section, key) in [
            ("journal", "max_megabytes"),
            ("journal", "seal_seconds"),
            ("journal", "seal_megabytes"),
            ("watch", "reload_seconds"),
            ("lake", "retention_days"),
            ("lake", "memory_megabytes"),
            ("lake", "tidy_seconds"),
            ("dead_letters", "megabytes_of_source"),
            ("dead_letters", "days"),
            ("console", "idle_minutes"),
            ("console", "session_hours"),
            ("hunt", "memory_megabytes"),
            ("hunt", "seconds"),
            ("hunt", "at_once"),
        ] {
            let told = said(&format!("[{section}]\n{key} = 0\n"));
            assert!(told.starts_with(&format!("{section}.{key} is 0, and must be from 1 to ")), "{told}");
        }
        for (text, told) in [
            (
                "[journal]\nmax_megabytes = 18446744073709551615",
                "journal.max_megabytes is 18446744073709551615, and must be from 1 to 1099511627776",
            ),
            (
                "[hunt]\nmemory_megabytes = 9223372036854775807",
                "hunt.memory_megabytes is 9223372036854775807, and must be from 1 to 1048576",
            ),
            ("[watch]\nworkers = 257", "watch.workers is 257, and must be from 0 to 256"),
            ("[lake]\ncompression_level = 0", "lake.compression_level is 0, and must be from 1 to 19"),
            ("[lake]\ncompression_level = 20", "lake.compression_level is 20, and must be from 1 to 19"),
            ("[lake]\nretention = { RXX = 0 }", "lake.retention.RXX is 0, and must be from 1 to 36500"),
            (
                "[lake]\nretention = { \"Leeds General\" = 7 }",
                "lake.retention is by 'Leeds General', and must be by codes of organisations: 'Leeds General' is no code",
            ),
            ("[data]\nstore = \"mysql://root:hunter2@db/ward\"", "'mysql' is no database"),
        ] {
            assert!(said(text).contains(told), "{text}: {}", said(text));
        }
        assert!(!said("[data]\nstore = \"mysql://root:hunter2@db/ward\"").contains("hunter2"));
        assert!(!said("[data]\nstore = \"postgres://w:hunter2@db/ward?sslmode=maybe\"").contains("hunter2"));
    }

    #[test]
    fn what_is_set_by_default_and_in_the_documented_example_may_be() {
        assert_eq!(said(""), "good");
        assert_eq!(
            said("[lake]\nretention = { RXX = 1 }\n[data]\nstore = \"postgres://w:p@db/ward\""),
            "good"
        );
        assert_eq!(
            said("[journal]\nreserve_megabytes = 0\n[watch]\nworkers = 0\nlate_quiet_seconds = 0"),
            "good"
        );
    }

    #[test]
    fn links_lead_to_a_place_of_the_web() {
        let told = |url: &str| said(&format!("[console]\nurl = \"{url}\""));
        for good in ["https://ward.example", "http://127.0.0.1:8088/", "https://[::1]:8443/ward"] {
            assert_eq!(told(good), "good", "{good}");
        }
        for bad in [
            "",
            "ward.example",
            "ftp://ward.example",
            "https://",
            "https:///x",
            "https://w.example/?a=b",
            "javascript:x",
            "https://w.example/ x",
        ] {
            assert!(
                told(bad).starts_with("console.url is '") && told(bad).contains("must be where people"),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_level_without_which_there_would_be_no_log_is_refused() {
        let told = |level: &str| said(&format!("[log]\nlevel = \"{level}\""));
        for good in ["info", "WARN", "info,ward_intake=debug", "ward=trace, error", "info,hyper=off"] {
            assert_eq!(told(good), "good", "{good}");
        }
        for bad in ["shout", "", "off", "3", "ward_intake=debug", "info,ward=loud", "info,=debug", "info,"] {
            let told = told(bad);
            let begins = format!("log.level is '{bad}', and must be error, warn, info, debug or trace");
            assert!(told.starts_with(&begins), "{told}");
        }
    }

    #[test]
    fn a_folder_is_told_from_what_is_none() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("file"), "").unwrap();
        let told = |below: &str| {
            let data = DataConfig { folder: place.path().join(below), store: None };
            data.check_folder().map_or_else(|wrong| wrong.to_string(), |()| "good".to_owned())
        };
        assert_eq!([told(""), told("new"), told("new/below")], ["good", "good", "good"].map(str::to_owned));
        let file = place.path().join("file").display().to_string();
        assert_eq!(told("file"), format!("data.folder is {file}, and must be a folder, or be free for one"));
        assert!(told("file/ward").contains(&format!("must lie in a folder, which {file} is not")));
    }

    #[test]
    fn a_setting_knows_the_variable_that_sets_it() {
        assert_eq!(Wrong::of("lake.retention_days", 0, "").variable(), "WARD_LAKE__RETENTION_DAYS");
        assert_eq!(Wrong::of("lake.retention.RXX", 0, "").variable(), "WARD_LAKE__RETENTION");
    }
}
