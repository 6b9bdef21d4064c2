//! What is known of a page before anybody opens it.

use std::fmt;

use futures::future::BoxFuture;
use ward_people::Permission;

use super::visit::Visit;
use crate::ask::Answer;
use crate::route::Parameter;

/// A page, or a form that is sent to it.
#[derive(Clone, Copy)]
pub struct View {
    /// `GET` or `POST`. `HEAD` is answered wherever `GET` is.
    pub method: &'static str,
    /// The path, as the router has it.
    pub path: &'static str,
    /// Who is let in.
    pub door: Door,
    /// Whether what it shows or changes belongs to organisations.
    pub scoped: bool,
    /// Whether it searches: it may take as long as a search may.
    pub searches: bool,
    /// What may stand in the query string; anything else is refused.
    pub parameters: &'static [Parameter],
    pub(super) serve: fn(Visit) -> BoxFuture<'static, Answer>,
}

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Everybody.
    Open,
    /// Whoever has shown a password and is still to show, or choose, a second factor.
    Half,
    /// Whoever is signed in.
    Known,
    /// Whoever is signed in and may do this somewhere.
    May(Permission),
}

impl Door {
    /// What must be let. It also says where: the scope that the page reads and writes with.
    pub const fn permission(self) -> Option<Permission> {
        match self {
            Self::May(permission) => Some(permission),
            Self::Open | Self::Half | Self::Known => None,
        }
    }

    /// As documents write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Half => "half",
            Self::Known => "known",
            Self::May(permission) => permission.name(),
        }
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
