//! `ward config`: whether the configuration is valid, and what is in force.
//!
//! Invariant: no password is shown.

mod names;

use std::path::Path;

use clap::{Args, Subcommand};
use toml::{Table, Value};

use super::office::Place;
use super::{print, tell};
use crate::Ending;
use crate::error::Error;
use crate::hub::config::HubConfig;
use crate::terminal::safe;

/// Check the configuration, or show what is in force and where each value comes from.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Say whether the hub could start with it: unknown keys are refused with their line, figures out of their
    /// bounds, missing files and plain text where it is not allowed are named. Sources and organisations that the
    /// hub does not know (yet) are told, where there is a store
    Check,
    /// Show every setting and where it comes from: file, environment or default
    Show,
}

const AFTER_HELP: &str = "\
Examples:
  ward config check --config ward.toml
  WARD_LAKE__RETENTION_DAYS=30 ward config show

What `show` writes is itself a configuration, but for passwords, which are shown as ***.
docs/ward.toml names every setting with its default.";

/// Carries out the command.
///
/// # Errors
/// The configuration is not valid.
pub fn run(args: &ConfigArgs) -> Result<Ending, Error> {
    let file = args.place.file();
    let config = args.place.load()?;
    match args.command {
        ConfigCommand::Check => {
            config.check()?;
            for line in names::unknown(&config)? {
                tell(&line)?;
            }
            let named = file.as_deref().map_or("no file".to_owned(), |path| path.display().to_string());
            print(&format!("{} is valid.\n", safe(&named)))?;
        }
        ConfigCommand::Show => {
            let text = file.as_deref().map(crate::rule_set::read).transpose()?.unwrap_or_default();
            let written: Table = toml::from_str(&text).unwrap_or_default();
            let set = |name: &str| std::env::var_os(name).is_some();
            print(&shown(&sections(&config), &written, file.as_deref(), &set))?;
        }
    }
    Ok(Ending::Nothing)
}

/// The sections whose settings have defaults and can be overridden, as they are in force.
fn sections(config: &HubConfig) -> Vec<(&'static str, Table)> {
    fn table(section: &impl serde::Serialize) -> Table {
        Table::try_from(section).unwrap_or_default()
    }
    vec![
        ("data", table(&config.data)),
        ("journal", table(&config.journal)),
        ("watch", table(&config.watch)),
        ("lake", table(&config.lake)),
        ("dead_letters", table(&config.dead_letters)),
        ("api", table(&config.api)),
        ("console", table(&config.console)),
        ("hunt", table(&config.hunt)),
        ("log", table(&config.log)),
    ]
}

fn shown(
    sections: &[(&'static str, Table)],
    written: &Table,
    file: Option<&Path>,
    set: &dyn Fn(&str) -> bool,
) -> String {
    let file = file.map_or_else(String::new, |path| path.display().to_string());
    let mut text = String::new();
    for (section, settings) in sections {
        text.push_str(&format!("[{section}]\n"));
        for (key, value) in settings {
            let variable = format!("WARD_{}__{}", section.to_uppercase(), key.to_uppercase());
            let in_file = written.get(*section).and_then(|section| section.get(key)).is_some();
            let from = if set(&variable) {
                variable
            } else if in_file {
                file.clone()
            } else {
                "default".to_owned()
            };
            text.push_str(&format!("{:48} # {}\n", safe(&format!("{key} = {}", masked(value))), safe(&from)));
        }
        text.push('\n');
    }
    match written.get("intake") {
        Some(intake) => {
            let intake = Table::from_iter([("intake".to_owned(), masked(intake))]);
            text.push_str(&format!("# Listeners, from {}\n{intake}", safe(&file)));
        }
        None => text.push_str("# There is no listener.\n"),
    }
    text
}

/// The value, with passwords in URLs as `***`.
fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_password(text)),
        Value::Array(all) => Value::Array(all.iter().map(masked).collect()),
        Value::Table(table) => {
            Value::Table(table.iter().map(|(key, value)| (key.clone(), masked(value))).collect())
        }
        other => other.clone(),
    }
}

/// A URL without the password that it may hold before its host or among its parameters.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (place, parameters) = rest.split_once('?').map_or((rest, None), |(place, rest)| (place, Some(rest)));
    let end = place.find('/').unwrap_or(place.len());
    let (authority, path) = place.split_at(end);
    // A password may hold '@' and, unescaped by mistake, '/': everything up to the last '@' is of the user.
    let (user, host) = match place.rsplit_once('@') {
        Some((user, host)) => (Some(user), host.to_owned()),
        None => (None, format!("{authority}{path}")),
    };
    let user = user.map(|user| match user.split_once(':') {
        Some((name, _)) => format!("{name}:***@"),
        None => format!("{user}@"),
    });
    let parameters = parameters.map(|all| {
        let each = all.split('&').map(|pair| match pair.split_once('=') {
            Some((key, _)) if key.to_ascii_lowercase().contains("password") => format!("{key}=***"),
            _ => pair.to_owned(),
        });
        format!("?{}", each.collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}://{}{host}{}", user.unwrap_or_default(), parameters.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown_wherever_they_stand() {
        for (url, shown) in [
            ("postgres://ward:s3cret@db/ward", "postgres://ward:***@db/ward"),
            ("postgres://ward:s3@cr/et@db:5432/ward", "postgres://ward:***@db:5432/ward"),
            ("postgres://db/ward?user=w&password=s3cret&x=1", "postgres://db/ward?user=w&password=***&x=1"),
            ("postgres://ward@db/ward", "postgres://ward@db/ward"),
            ("sqlite:/srv/ward.db", "sqlite:/srv/ward.db"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn each_setting_says_where_it_comes_from() {
        let written: Table = toml::from_str("[lake]\nretention_days = 30\n").unwrap();
        let lake: Table =
            toml::from_str("retention_days = 30\ncompression_level = 3\ntidy_seconds = 300\n").unwrap();
        let set = |name: &str| name == "WARD_LAKE__COMPRESSION_LEVEL";
        let text = shown(&[("lake", lake)], &written, Some(Path::new("/w.toml")), &set);
        let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
        assert!(line("retention_days").ends_with("# /w.toml"));
        assert!(line("compression_level").ends_with("# WARD_LAKE__COMPRESSION_LEVEL"));
        assert!(line("tidy_seconds").ends_with("# default"));
        assert!(text.contains("There is no listener"));
    }
}
