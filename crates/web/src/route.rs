//! What is known of a route before anybody asks.

use std::fmt;

use futures::future::BoxFuture;
use ward_people::{Permission, Role};

use crate::ask::{Answer, Ask};

/// Something that is served.
#[derive(Clone, Copy)]
pub struct Route {
    /// The method. `HEAD` is answered wherever `GET` is, `OPTIONS` everywhere.
    pub method: &'static str,
    /// The path, as the router has it.
    pub path: &'static str,
    /// Who may.
    pub least: Least,
    /// Whether what it shows or changes belongs to organisations.
    pub scoped: bool,
    /// What it is for, in a line.
    pub summary: &'static str,
    /// What may stand in the query string; anything else is refused.
    pub parameters: &'static [Parameter],
    /// What its body is: a name in the description's schemas.
    pub body: Option<&'static str>,
    /// What it answers: a name in the description's schemas, or a media type.
    pub answer: &'static str,
    /// Whether it searches: it may take as long as a search may.
    pub searches: bool,
    pub(crate) serve: fn(Ask) -> BoxFuture<'static, Answer>,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Least {
    /// Everybody who reaches the listener.
    Open,
    /// Everybody, if metrics are open; else whoever sees the whole sector.
    Figures,
    /// Whoever has shown who it is: it tells nothing of organisations.
    Known,
    /// Whoever may do this, as far as he may do it.
    May(Permission),
}

/// Something in a query string.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Whether it may stand there more than once.
    pub repeated: bool,
    /// What it does.
    pub about: &'static str,
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number from 1 up to this.
    Number(u64),
    /// A point in time, RFC 3339 or a date.
    Time,
    /// A number and `s`, `m`, `h`, `d` or `w`.
    Span,
    /// `true` or `false`.
    Flag,
    /// Code of an organisation.
    Code,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Route {
    /// Names of the parts of the path that vary.
    pub fn places(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

impl Least {
    /// As documents write it: the role of a token that lets one do it and as little else as possible.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Figures => "figures",
            Self::Known => Role::Reader.name(),
            Self::May(permission) => Role::least_of_tokens(permission).map_or("none", Role::name),
        }
    }

    /// What must be let. It also says where: the scope that the route reads and writes with.
    pub const fn permission(self) -> Option<Permission> {
        match self {
            Self::Open | Self::Known => None,
            Self::Figures => Some(Permission::SeeOverview),
            Self::May(permission) => Some(permission),
        }
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
