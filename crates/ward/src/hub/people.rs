//! What a hub does for its people: it keeps their key, lets the first administrator in, and forgets what is over.
//!
//! Invariant: the key is made once, and in a file that only the hub's user reads.
//! Invariant: a link is written to standard output and nowhere else; where that is a log, it is not written at all.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};
use ward_core::Actor;
use ward_people::Key;
use ward_store::people::{grants, links, second_factors, tidy};
use ward_store::{Store, StoreError};

use super::config::HubConfig;
use crate::clock::now;
use crate::commands::print;
use crate::detect::problems::chain;
use crate::error::Error;

/// The name of the key's file, in the data folder.
pub const KEY_FILE: &str = "people.key";

/// How often is looked for what is over.
const EVERY: Duration = Duration::from_secs(3_600);

/// The key of the hub's people, as [`key`] has it. One that had to be made although there are second factors is told:
/// the one that sealed them is lost.
///
/// # Errors
/// See there; or the store fails.
pub async fn key_of(folder: &Path, store: &Store) -> Result<Key, Error> {
    let is_new = !folder.join(KEY_FILE).exists();
    let key = key(folder)?;
    if is_new && second_factors::are_there_any(store).await? {
        tracing::error!(
            file = KEY_FILE,
            "the key of second factors was lost, and a new one made: nobody's second factor is good any more; put the file \
             back from a backup and start again, or hand out links (`ward person link --second-factor`)"
        );
    }
    Ok(key)
}

/// The key of the hub's people; one that is not there yet is made.
///
/// # Errors
/// Its file cannot be read or written, or holds none.
pub fn key(folder: &Path) -> Result<Key, Error> {
    let path = folder.join(KEY_FILE);
    let wrong = |source| Error::Read { path: path.clone(), source };
    match fs::read_to_string(&path) {
        Ok(text) => Key::read(&text).ok_or_else(|| {
            wrong(std::io::Error::new(ErrorKind::InvalidData, "it has no 64 hexadecimal digits"))
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut random = [0; ward_people::key::KEY_BYTES];
            SystemRandom::new().fill(&mut random).map_err(|_| Error::Store(StoreError::NoRandomness))?;
            let key = Key::new(random);
            write(folder, &path, &key).map_err(|source| Error::WriteFile { path, source })?;
            Ok(key)
        }
        Err(error) => Err(wrong(error)),
    }
}

/// Whole or not at all: a key that is half there would lock everybody out.
fn write(folder: &Path, path: &Path, key: &Key) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let new = path.with_extension("key.new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(key.text().as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}

/// Where the console is, for links: as the configuration says, else the first HTTP listener that serves it.
/// `bound` are the addresses that the system chose. `None`: there is none.
pub fn console(config: &HubConfig, bound: &[ward_intake::Bound]) -> Option<String> {
    if let Some(url) = &config.console.url {
        return Some(url.trim_end_matches('/').to_owned());
    }
    let listener = config.intake.http.iter().find(|listener| listener.api)?;
    let bound = bound.iter().find(|bound| bound.protocol == "http" && bound.name == listener.name);
    let mut address = bound.map_or(listener.listen, |bound| bound.address);
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    let scheme = if listener.tls.is_some() { "https" } else { "http" };
    Some(format!("{scheme}://{address}"))
}

/// What to open, of a link's secret.
pub fn link(console: &str, secret: &ward_people::Secret) -> String {
    format!("{console}/link/{}", secret.expose())
}

/// Writes a link for the first administrator to standard output, if nobody administers the hub.
pub async fn let_first_in(config: &HubConfig, store: &Store, bound: &[ward_intake::Bound]) {
    if let Err(error) = try_let_first_in(config, store, bound).await {
        tracing::error!(error = %chain(&error), "could not make a link for the first administrator");
    }
}

async fn try_let_first_in(
    config: &HubConfig,
    store: &Store,
    bound: &[ward_intake::Bound],
) -> Result<(), Error> {
    let Some(console) = console(config, bound) else { return Ok(()) };
    if grants::has_administrator(store, now()).await? {
        return Ok(());
    }
    if is_logged() {
        tracing::info!(
            "there is no administrator yet; `ward person link --first-administrator` writes a link for the first"
        );
        return Ok(());
    }
    let Some(secret) = links::make_first(store, &Actor::ward("serve"), now()).await? else { return Ok(()) };
    print(&format!(
        "There is no administrator yet. Whoever opens this link becomes the first; it is good once, for 24 hours:\n\n  \
         {}\n\nIf nobody opens it, the next start makes another.\n\n",
        link(&console, &secret)
    ))?;
    tracing::info!("there is no administrator yet; a link for the first was written to standard output");
    Ok(())
}

/// Whether standard output is the journal of systemd, which keeps what it gets and shows it to others. systemd.exec(5):
/// `JOURNAL_STREAM` is device and inode of the stream, `:` between.
fn is_logged() -> bool {
    let stream = std::env::var("JOURNAL_STREAM").ok();
    let own = rustix::fs::fstat(std::io::stdout()).ok();
    stream.zip(own).is_some_and(|(stream, own)| stream == format!("{}:{}", own.st_dev, own.st_ino))
}

/// Forgets sessions, links and tries that are long over, now and then, for ever.
pub async fn keep(store: Store) {
    loop {
        if let Err(error) = tidy(&store, now()).await {
            tracing::warn!(error = %chain(&error), "could not forget what is over of people; trying again later");
        }
        tokio::time::sleep(EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_the_hub_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data");
        let first = key(&folder).unwrap();
        assert_eq!(key(&folder).unwrap(), first);
        let path = folder.join(KEY_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
        fs::write(folder.join("people.key.new"), "half").unwrap();
        fs::remove_file(&path).unwrap();
        assert_ne!(key(&folder).unwrap(), first, "half a file is no key");
        fs::write(&path, "nonsense").unwrap();
        let told = chain(&key(&folder).unwrap_err());
        assert!(told.contains("people.key") && !told.contains("nonsense"), "{told}");
    }

    #[test]
    fn links_lead_where_the_configuration_says_or_to_the_first_listener_that_serves_the_console() {
        let console = |text: &str| console(&toml::from_str(text).unwrap(), &[]);
        let http = "[[intake.http]]\nname = \"in\"\nlisten = \"127.0.0.1:1\"\n\
                    [[intake.http]]\nname = \"hub\"\nlisten = \"0.0.0.0:8088\"\napi = true\n";
        assert_eq!(console(http).as_deref(), Some("http://127.0.0.1:8088"));
        let tls = format!("{http}tls = {{ certificate = \"a\", key = \"b\" }}\n");
        assert_eq!(console(&tls).as_deref(), Some("https://127.0.0.1:8088"));
        let named = format!("[console]\nurl = \"https://ward.example/\"\n{http}");
        assert_eq!(console(&named).as_deref(), Some("https://ward.example"));
        assert_eq!(console(""), None);
        let bound = ward_intake::Bound {
            name: "hub".to_owned(),
            protocol: "http",
            address: "127.0.0.1:4711".parse().unwrap(),
        };
        let chosen = super::console(&toml::from_str(http).unwrap(), &[bound]);
        assert_eq!(chosen.as_deref(), Some("http://127.0.0.1:4711"));
    }
}
