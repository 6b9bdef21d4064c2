//! `ward person`: who may use the console, and what he may do there.

mod shown;

use clap::{Args, Subcommand};
use ward_core::OrganisationId;
use ward_people::link::Purpose;
use ward_people::{Powers, Reach, Role};
use ward_store::people::grants::{self, NewGrant};
use ward_store::people::persons::{self, Identity, NewPerson, Person};
use ward_store::people::{credentials, links, sessions};
use ward_store::{GrantId, PersonId, SessionId, StoreError};

use super::duration::Span;
use super::listing::ListArgs;
use super::office::{Office, Place, organisation};
use super::{print, tell};
use crate::Ending;
use crate::clock::now;
use crate::error::Error;
use crate::hub::people;

/// Enter people, give them roles, hand them links, end their sessions.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct PersonArgs {
    #[command(subcommand)]
    command: PersonCommand,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum PersonCommand {
    /// Enter a person; a link to choose password and second factor is written to standard output, once and alone
    Add(AddArgs),
    /// List people
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show a person: what was given, how the last tries to sign in went
    Show {
        /// Id or e-mail address
        person: String,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Let a person in no more: sessions and links end now
    Disable {
        /// Id or e-mail address
        person: String,
    },
    /// Let a person in again
    Enable {
        /// Id or e-mail address
        person: String,
    },
    /// Give a person a role
    Grant {
        /// Id or e-mail address
        person: String,
        #[command(flatten)]
        grant: GrantArgs,
    },
    /// Take a role away
    RevokeGrant {
        /// Its id, as show lists it
        grant: String,
    },
    /// Write a one-time link to standard output, to choose a password with; links before it are good no more
    Link(LinkArgs),
    /// List sessions, ended ones too
    Sessions {
        /// Id or e-mail address [default: everybody's]
        person: Option<String>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// End a session now
    RevokeSession {
        /// Its id, as sessions lists it
        session: String,
    },
}

#[derive(Debug, Args)]
struct AddArgs {
    /// What people call him or her
    #[arg(long)]
    name: String,
    /// What he or she signs in with
    #[arg(long, required_unless_present = "subject")]
    email: Option<String>,
    /// Where he or she works [default: for the sector as a whole]
    #[arg(long, value_name = "CODE", value_parser = organisation)]
    organisation: Option<OrganisationId>,
    /// The OpenID provider that says who it is, instead of a password: its issuer
    #[arg(long, value_name = "URL", requires = "subject")]
    issuer: Option<String>,
    /// What the OpenID provider calls the person: `sub`
    #[arg(long, requires = "issuer")]
    subject: Option<String>,
    #[command(flatten)]
    grant: GrantArgs,
}

#[derive(Debug, Clone, Args)]
struct GrantArgs {
    /// What: national-analyst, national-lead, regional-lead, organisation-lead, organisation-member, board-member,
    /// programme-office, auditor or administrator
    #[arg(long, value_parser = role)]
    role: Option<Role>,
    /// Where: at this organisation and all below it
    #[arg(long, value_name = "CODE", value_parser = organisation, requires = "role", conflicts_with = "whole_sector")]
    at: Option<OrganisationId>,
    /// Where: everywhere
    #[arg(long, requires = "role")]
    whole_sector: bool,
    /// Time after which it ends, such as 90d [default: when it is revoked]
    #[arg(long, value_name = "TIME", requires = "role")]
    expires: Option<Span>,
}

#[derive(Debug, Args)]
struct LinkArgs {
    /// Id or e-mail address
    #[arg(required_unless_present = "first_administrator")]
    person: Option<String>,
    /// Choose another second factor, too: for whoever has lost phone and recovery codes. Make sure who asks
    #[arg(long)]
    second_factor: bool,
    /// Time for which it is good [default: 3d if there is no password yet, else 1h]
    #[arg(long, value_name = "TIME")]
    expires: Option<Span>,
    /// For whoever is to become the first administrator of a hub that has none
    #[arg(long, conflicts_with_all = ["person", "second_factor", "expires"])]
    first_administrator: bool,
}

const AFTER_HELP: &str = "\
Examples:
  The first administrator of a hub that has none; `ward serve` writes this link by itself, too:
    ward person link --first-administrator
  An analyst who watches over the sector, for three months:
    ward person add --name 'A. Watcher' --email a.watcher@soc.example \\
        --role national-analyst --whole-sector --expires 90d
  The lead of one organisation:
    ward person add --name 'B. Nurse' --email b.nurse@leeds.example --organisation RR8 \\
        --role organisation-lead --at RR8
  One more role:
    ward person grant b.nurse@leeds.example --role board-member --at RAE
  Somebody has forgotten the password, or has lost the phone and the recovery codes:
    ward person link b.nurse@leeds.example
    ward person link b.nurse@leeds.example --second-factor
  A laptop was stolen:
    ward person sessions b.nurse@leeds.example
    ward person revoke-session 0123456789abcdef0123456789abcdef

Roles, each within its reach:
  national-analyst     looks, judges, hunts, runs SQL, makes exceptions; may break the glass
  national-lead        that, and throws away what nobody can read, reads the ledger, sees people
  regional-lead        an organisation-lead of a region or care board; may break the glass
  organisation-lead    looks, judges, hunts, makes exceptions, enters its sources and people
  organisation-member  sees alerts and writes under them; no events
  board-member         sees figures, and who broke the glass
  programme-office     sees figures, sources and rules
  auditor              sees alerts, exceptions, people and the ledger; changes nothing
  administrator        enters people and sources, gives every role; sees no alert and no event

A link opens an account: hand it over where nobody else reads it. Ward keeps its SHA-256 only.
The ledger names people by their ids, not by names or addresses.";

/// Carries out the command.
///
/// # Errors
/// What keeps it from being carried out.
pub fn run(args: &PersonArgs) -> Result<Ending, Error> {
    let office = match &args.command {
        PersonCommand::Add(_) => args.place.begin()?,
        PersonCommand::Link(link) if link.first_administrator => args.place.begin()?,
        _ => args.place.open()?,
    };
    match &args.command {
        PersonCommand::Add(args) => add(&office, args)?,
        PersonCommand::List { list } => shown::people(&office, list.format)?,
        PersonCommand::Show { person, list } => {
            shown::person(&office, &named(&office, person)?, list.format)?
        }
        PersonCommand::Disable { person } => enable(&office, person, false)?,
        PersonCommand::Enable { person } => enable(&office, person, true)?,
        PersonCommand::Grant { person, grant } => {
            let given =
                grant.given()?.ok_or_else(|| Error::Asked("give a role without --role".to_owned()))?;
            let id = give(&office, named(&office, person)?.id, given)?;
            print(&format!("{id}\n"))?;
        }
        PersonCommand::RevokeGrant { grant } => {
            let id: GrantId = grant.parse()?;
            office.wait(grants::revoke(&office.store, &office.by, now(), &powers(&office), id))?;
            tell(&format!("Grant {id} is revoked."))?;
        }
        PersonCommand::Link(args) => link(&office, args)?,
        PersonCommand::Sessions { person, list } => {
            let person = person.as_deref().map(|person| named(&office, person)).transpose()?;
            shown::sessions(&office, person.as_ref(), list.format)?;
        }
        PersonCommand::RevokeSession { session } => {
            let id: SessionId = session.parse()?;
            office.wait(sessions::revoke(&office.store, &office.by, now(), &powers(&office), id))?;
            tell(&format!("Session {id} is ended."))?;
        }
    }
    Ok(Ending::Nothing)
}

fn add(office: &Office, args: &AddArgs) -> Result<(), Error> {
    // Before anything is entered.
    let given = args.grant.given()?;
    let identity = args.issuer.clone().zip(args.subject.clone());
    let new = NewPerson {
        name: args.name.clone(),
        email: args.email.clone(),
        organisation: args.organisation.clone(),
        identity: identity.map(|(issuer, subject)| Identity { issuer, subject }),
    };
    let id = office.wait(persons::add(&office.store, &office.by, now(), &powers(office), &new))?;
    tell(&format!("Person {id} is entered."))?;
    if let Some(given) = given {
        let grant = give(office, id, given)?;
        tell(&format!("Grant {grant} is made."))?;
    }
    match new.identity {
        Some(_) => Ok(()),
        None => hand_over(office, id, Purpose::Invitation, None),
    }
}

impl GrantArgs {
    /// What is given, where and until when. `None`: nothing.
    fn given(&self) -> Result<Option<Given>, Error> {
        let reach = match (&self.at, self.whole_sector) {
            (Some(organisation), _) => Reach::Below(organisation.clone()),
            (None, true) => Reach::WholeSector,
            (None, false) if self.role.is_none() => return Ok(None),
            (None, false) => {
                return Err(Error::Asked("give a role without --at CODE or --whole-sector".to_owned()));
            }
        };
        Ok(self.role.map(|role| (role, reach, self.expires)))
    }
}

type Given = (Role, Reach, Option<Span>);

fn give(office: &Office, person: PersonId, (role, reach, lasts): Given) -> Result<GrantId, Error> {
    let now = now();
    let new = NewGrant { person, role, reach, expires: lasts.map(|span| span.after(now)) };
    Ok(office.wait(grants::give(&office.store, &office.by, now, &powers(office), &new))?)
}

fn enable(office: &Office, person: &str, enabled: bool) -> Result<(), Error> {
    let id = named(office, person)?.id;
    office.wait(persons::enable(&office.store, &office.by, now(), &powers(office), id, enabled))?;
    tell(&format!("Person {id} is {}.", if enabled { "let in again" } else { "let in no more" }))
}

fn link(office: &Office, args: &LinkArgs) -> Result<(), Error> {
    let Some(person) = &args.person else { return first(office) };
    let id = named(office, person)?.id;
    let has_password = office.wait(credentials::of_person(&office.store, id))?.is_some();
    let purpose = match (args.second_factor, has_password) {
        (true, _) => Purpose::Everything,
        (false, true) => Purpose::Password,
        (false, false) => Purpose::Invitation,
    };
    hand_over(office, id, purpose, args.expires)
}

fn first(office: &Office) -> Result<(), Error> {
    let secret = office.wait(links::make_first(&office.store, &office.by, now()))?;
    let secret = secret.ok_or_else(|| {
        Error::Asked(
            "make a link for the first administrator: there is one; name a person instead".to_owned(),
        )
    })?;
    tell("Whoever opens this link becomes the first administrator; it is good once, for 24 hours:")?;
    print(&format!("{}\n", people::link(&console(office), &secret)))
}

/// Makes a link and writes it, once.
fn hand_over(office: &Office, person: PersonId, purpose: Purpose, lasts: Option<Span>) -> Result<(), Error> {
    let now = now();
    let expires = lasts.unwrap_or(Span(purpose.lasts())).after(now);
    let powers = powers(office);
    let made = links::make(&office.store, &office.by, now, &powers, person, purpose, expires);
    let (_, secret) = office.wait(made)?;
    tell(&format!("A link to {}, good once and until {expires}:", what(purpose)))?;
    print(&format!("{}\n", people::link(&console(office), &secret)))
}

fn what(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::FirstAdministrator => "become the first administrator",
        Purpose::Invitation => "choose a password and a second factor",
        Purpose::Password => "choose another password",
        Purpose::Everything => "choose another password and another second factor",
    }
}

/// Where links lead. Without a listener that serves the console, only the end of a link is known.
fn console(office: &Office) -> String {
    people::console(&office.config, &[]).unwrap_or_default()
}

/// The person of this id or e-mail address.
fn named(office: &Office, person: &str) -> Result<Person, Error> {
    let found = match person.parse::<PersonId>() {
        Ok(id) => office.wait(persons::get(&office.store, &office.scope, id)),
        Err(_) => office.wait(persons::with_email(&office.store, &office.scope, person)),
    };
    found.map_err(|error| match error {
        StoreError::NotFound(_) => Error::Asked(format!(
            "find the person '{}'; ward person list shows all",
            crate::terminal::safe(person)
        )),
        other => other.into(),
    })
}

/// Whoever runs the command could as well change the files.
fn powers(office: &Office) -> Powers {
    Powers::everything(office.scope.clone())
}

/// For `clap`: a role of people.
fn role(text: &str) -> Result<Role, String> {
    let role = Role::named(&text.replace('-', "_")).filter(|role| !role.is_of_tokens());
    role.ok_or_else(|| {
        let names = Role::PEOPLE.map(|role| role.name().replace('_', "-")).join(", ");
        format!("'{text}' is not one of {names}")
    })
}
