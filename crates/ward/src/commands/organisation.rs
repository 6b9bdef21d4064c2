//! `ward organisation`: the tree of the sector.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use ward_core::{FieldNames, Organisation, OrganisationId, OrganisationKind};
use ward_store::organisations;
use ward_telemetry::input::{Decoded, Decoder, Format, Input, Options};

use super::listing::{ListArgs, Listing};
use super::office::{Office, Place, organisation as code};
use super::{print, tell};
use crate::Ending;
use crate::clock::now;
use crate::error::Error;
use crate::terminal::counted;

/// Enter and list the organisations of the sector: a tree of nation, regions, care boards, organisations, sites.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct OrganisationArgs {
    #[command(subcommand)]
    command: OrganisationCommand,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum OrganisationCommand {
    /// Add an organisation, or change the one of this code
    Add {
        /// Its code: an ODS code where there is one
        #[arg(value_parser = code)]
        code: OrganisationId,
        /// What people call it
        #[arg(long)]
        name: String,
        /// nation, region, care_board, organisation or site
        #[arg(long, value_parser = kind)]
        kind: OrganisationKind,
        /// The organisation above it
        #[arg(long, value_name = "CODE", value_parser = code)]
        parent: Option<OrganisationId>,
    },
    /// List organisations
    List {
        /// Only this one and all below it
        #[arg(long, value_name = "CODE", value_parser = code)]
        under: Option<OrganisationId>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Add all organisations of a CSV file, or none
    Import {
        /// Its first line names the columns: code, name, kind, parent (parents may follow their children)
        #[arg(value_name = "FILE.csv")]
        file: PathBuf,
    },
}

const AFTER_HELP: &str = "\
Examples:
  ward organisation add NHS --name England --kind nation
  ward organisation add Y63 --name 'North East and Yorkshire' --kind region --parent NHS
  ward organisation add RR8 --name 'Leeds Teaching Hospitals' --kind organisation --parent Y63
  ward organisation list --under Y63
  ward organisation import trusts.csv      # code,name,kind,parent

Whoever may see an organisation sees everything below it.";

/// Carries out the command.
///
/// # Errors
/// What keeps it from being carried out.
pub fn run(args: &OrganisationArgs) -> Result<Ending, Error> {
    let office = match &args.command {
        OrganisationCommand::List { .. } => args.place.open()?,
        OrganisationCommand::Add { .. } | OrganisationCommand::Import { .. } => args.place.begin()?,
    };
    match &args.command {
        OrganisationCommand::Add { code, name, kind, parent } => {
            let (id, name) = (code.clone(), name.clone());
            let new = Organisation { id, parent: parent.clone(), kind: *kind, name };
            office.wait(organisations::put(&office.store, &office.by, now(), &new))?;
            print(&format!("{code} is entered.\n"))?;
        }
        OrganisationCommand::List { under, list } => {
            let shown = office.below(under.as_slice())?;
            let mut listing = Listing::new(&["code", "kind", "parent", "name"]);
            for each in office.wait(organisations::list(&office.store, &office.scope))? {
                if shown.as_ref().is_none_or(|shown| shown.contains(&each.id)) {
                    let parent = each.parent.as_ref().map(OrganisationId::as_str);
                    listing.row([
                        json!(each.id.as_str()),
                        json!(each.kind.name()),
                        json!(parent),
                        json!(each.name),
                    ]);
                }
            }
            listing.print(list.format)?;
        }
        OrganisationCommand::Import { file } => import(&office, file)?,
    }
    Ok(Ending::Nothing)
}

fn import(office: &Office, file: &Path) -> Result<(), Error> {
    let rows =
        rows(&super::office::read(file)?).map_err(|reason| Error::Table { path: file.to_owned(), reason })?;
    let count = rows.len() as u64;
    office.wait(organisations::put_all(&office.store, &office.by, now(), &parents_first(rows)))?;
    tell(&format!("{} entered.", counted(count, "organisation is", "organisations are")))
}

/// The organisations of a CSV text.
fn rows(text: &str) -> Result<Vec<Organisation>, String> {
    let mut names = FieldNames::default();
    let fields = ["code", "name", "kind", "parent"].map(|name| names.intern(name));
    let options = Options { format: Some(Format::Csv), ..Options::default() };
    let input = Input::open(Box::new(Cursor::new(text.as_bytes().to_vec())), &options);
    let mut input = input.map_err(|error| error.to_string())?;
    let mut decoder = Decoder::new(&options);
    let (mut rows, mut wrong) = (Vec::new(), None);
    while let Some(mut block) = input.next_block(Vec::new()).map_err(|error| error.to_string())? {
        decoder.decode(&mut block, &names, &mut |decoded| {
            let (record, row) = match decoded {
                Decoded::Event { event, record, .. } => {
                    let cells = fields.map(|field| field.and_then(|field| event.first(field)));
                    (record, row(cells.map(|cell| cell.map(|cell| cell.trim().to_owned()))))
                }
                Decoded::Bad { record, error, .. } => (record, Err(error.to_string())),
            };
            match row {
                Ok(row) => rows.push(row),
                Err(reason) => drop(wrong.get_or_insert_with(|| format!("row {record}: {reason}"))),
            }
        });
    }
    match wrong {
        Some(reason) => Err(reason),
        None if rows.is_empty() => Err("it has no rows under a header with code,name,kind,parent".to_owned()),
        None => Ok(rows),
    }
}

fn row([code, name, kind, parent]: [Option<String>; 4]) -> Result<Organisation, String> {
    let id = |code: &str| OrganisationId::new(code).map_err(|error| error.to_string());
    let parent = parent.filter(|parent| !parent.is_empty());
    Ok(Organisation {
        id: id(&code.ok_or("there is no column 'code'")?)?,
        parent: parent.map(|parent| id(&parent)).transpose()?,
        kind: self::kind(&kind.ok_or("there is no column 'kind'")?)?,
        name: name.filter(|name| !name.is_empty()).ok_or("it has no name")?,
    })
}

/// The same, with parents before what is below them. Rings stay at the end, for the store to refuse.
fn parents_first(mut rows: Vec<Organisation>) -> Vec<Organisation> {
    let mut waiting: BTreeSet<OrganisationId> = rows.iter().map(|row| row.id.clone()).collect();
    let mut sorted = Vec::with_capacity(rows.len());
    loop {
        let (ready, rest): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .partition(|row| row.parent.as_ref().is_none_or(|parent| !waiting.contains(parent)));
        for row in &ready {
            waiting.remove(&row.id);
        }
        let stuck = ready.is_empty();
        sorted.extend(ready);
        if stuck || rest.is_empty() {
            sorted.extend(rest);
            return sorted;
        }
        rows = rest;
    }
}

fn kind(text: &str) -> Result<OrganisationKind, String> {
    OrganisationKind::named(&text.replace('-', "_")).ok_or_else(|| {
        let names = OrganisationKind::ALL.map(OrganisationKind::name).join(", ");
        format!("'{text}' is not one of {names}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_may_come_before_their_parents() {
        let text = "code,name,kind,parent\nRR8,\"Leeds, Teaching\",organisation,Y63\nY63,North,region,NHS\nNHS,England,nation,\n";
        let sorted = parents_first(rows(text).unwrap());
        let codes: Vec<_> = sorted.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(codes, ["NHS", "Y63", "RR8"]);
        assert_eq!(sorted[2].name, "Leeds, Teaching");
    }

    #[test]
    fn rings_are_left_for_the_store_to_refuse() {
        let text = "code;name;kind;parent\nA;a;region;B\nB;b;region;A\n";
        assert_eq!(parents_first(rows(text).unwrap()).len(), 2);
    }

    #[test]
    fn a_wrong_row_is_told_with_its_number() {
        for (text, part) in [
            ("code,name,kind,parent\nA,a,galaxy,\n", "'galaxy' is not one of nation"),
            ("code,name,kind,parent\n\"a b\",a,region,\n", "row 2: 'a b' is no code"),
            ("code,name\nA,a\n", "no column 'kind'"),
            ("code,name,kind,parent\n", "no rows"),
        ] {
            let reason = rows(text).unwrap_err();
            assert!(reason.contains(part), "{reason}");
        }
    }
}
