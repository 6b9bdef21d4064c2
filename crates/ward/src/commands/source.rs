//! `ward source`: who may send events, and what speaks for them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use ward_core::{OrganisationId, Source, SourceId};
use ward_ledger::Hash;
use ward_store::sources;

use super::duration::{Span, text};
use super::listing::{ListArgs, Listing};
use super::office::{Place, organisation, source as name};
use super::print;
use crate::Ending;
use crate::clock::now;
use crate::error::Error;

/// Enter, list and switch sources: what sends events on behalf of one organisation.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct SourceArgs {
    #[command(subcommand)]
    command: SourceCommand,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum SourceCommand {
    /// Add a source, or change the one of this name
    Add {
        /// Its name, unique in the hub
        #[arg(value_parser = name)]
        id: SourceId,
        /// Whose events it sends
        #[arg(long, value_name = "CODE", value_parser = organisation)]
        organisation: OrganisationId,
        /// Events a second that it may send in the long run [default: as many as come]
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
        rate: Option<u32>,
        /// Time without anything sent after which an alert is raised, such as 30m; at least 1m [default: never]
        #[arg(long, value_name = "TIME")]
        silent_after: Option<Span>,
    },
    /// List sources
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Take what a source sends
    Enable {
        /// Its name
        #[arg(value_parser = name)]
        id: SourceId,
    },
    /// Take what a source sends no more; it is told so
    Disable {
        /// Its name
        #[arg(value_parser = name)]
        id: SourceId,
    },
    /// Let a client certificate speak for a source
    Certificate {
        /// The name of the source
        #[arg(value_parser = name)]
        id: SourceId,
        /// The certificate; of several in the file, the first
        #[arg(value_name = "FILE.pem")]
        file: PathBuf,
        /// What people call it [default: the name of the file]
        #[arg(long)]
        label: Option<String>,
    },
}

const AFTER_HELP: &str = "\
Examples:
  ward source add rr8-winlogbeat --organisation RR8 --rate 5000 --silent-after 30m
  ward token issue --label 'Leeds winlogbeat' --source rr8-winlogbeat
  ward source certificate rr8-syslog client.pem
  ward source disable rr8-winlogbeat

A running hub knows of a change after two seconds.";

/// Carries out the command.
///
/// # Errors
/// What keeps it from being carried out.
pub fn run(args: &SourceArgs) -> Result<Ending, Error> {
    let office = args.place.open()?;
    let (store, by) = (&office.store, &office.by);
    match &args.command {
        SourceCommand::Add { id, organisation, rate, silent_after } => {
            let new = Source {
                id: id.clone(),
                organisation: organisation.clone(),
                rate: *rate,
                silent_after: silent_after.map(|span| span.0),
            };
            office.wait(sources::put(store, by, now(), &new))?;
            print(&format!("{id} is entered.\n"))?;
        }
        SourceCommand::List { list } => {
            let certificates = office.wait(sources::certificates(store, &office.scope))?;
            let heads = ["id", "organisation", "enabled", "rate", "silent_after", "certificates", "since"];
            let mut listing = Listing::new(&heads);
            for entered in office.wait(sources::list(store, &office.scope))? {
                let source = entered.source;
                let own = certificates.iter().filter(|certificate| certificate.source == source.id);
                listing.row([
                    json!(source.id.as_str()),
                    json!(source.organisation.as_str()),
                    json!(entered.enabled),
                    json!(source.rate),
                    json!(source.silent_after.map(text)),
                    json!(own.count()),
                    json!(entered.created.to_string()),
                ]);
            }
            listing.print(list.format)?;
        }
        SourceCommand::Enable { id } => office.wait(sources::enable(store, by, now(), id, true))?,
        SourceCommand::Disable { id } => office.wait(sources::enable(store, by, now(), id, false))?,
        SourceCommand::Certificate { id, file, label } => {
            let pem = std::fs::read(file).map_err(|source| Error::Read { path: file.clone(), source })?;
            let fingerprint =
                fingerprint(&pem).map_err(|reason| Error::Certificate { path: file.clone(), reason })?;
            let own_name = || file.file_name().map(|name| name.to_string_lossy().into_owned());
            let label = label.clone().or_else(own_name).unwrap_or_default();
            office.wait(sources::put_certificate(store, by, now(), fingerprint, id, &label))?;
            print(&format!("{fingerprint}\n"))?;
        }
    }
    Ok(Ending::Nothing)
}

/// SHA-256 of the DER of the first certificate.
fn fingerprint(pem: &[u8]) -> Result<Hash, String> {
    let first = CertificateDer::pem_slice_iter(pem).next();
    let der = first.ok_or("it holds no PEM certificate")?.map_err(|error| error.to_string())?;
    Ok(Hash::of(&der))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_known_by_its_bytes_and_not_by_what_stands_around_it() {
        let pem = "subject: x\n-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n";
        assert_eq!(fingerprint(pem.as_bytes()), Ok(Hash::of(b"abc")));
        for wrong in [
            "",
            "no pem",
            "-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\nYW",
        ] {
            assert!(fingerprint(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
