//! Who may do what, and how people show who they are. Pure: time and randomness are arguments, nothing is kept.
//!
//! A person has grants: a [`Role`] with a [`Reach`], an organisation and everything below it or the whole sector. What
//! roles let one do is one table ([`role::TABLE`]) of [`Permission`]s, for people and access tokens alike. All that
//! somebody has been granted becomes one [`Powers`], which is asked one thing: where may this be done?
//!
//! Signing in, as whoever serves pages puts it together:
//!
//! 1. [`throttle`] says whether a try may be made now. A browser that has been here before ([`device`]) is counted apart
//!    from strangers.
//! 2. [`password`]: the one that was typed is compared with what was kept, and takes as long for an account that does not
//!    exist.
//! 3. [`totp`], or one of the [`recovery`] codes: the second factor. Secrets are kept sealed ([`key`]).
//! 4. A [`session`] begins. Its second factor is asked for again before things of great effect
//!    ([`Powers::decide`]).
//!
//! Who has no password has a one-time [`link`]. Who must reach where nobody let him breaks the [`glass`].
//!
//! Invariant: nothing secret prints itself.

pub mod account;
mod base32;
pub mod device;
pub mod glass;
pub mod key;
pub mod link;
pub mod password;
pub mod permission;
pub mod powers;
pub mod qr;
pub mod recovery;
pub mod role;
mod secret;
pub mod session;
pub mod throttle;
pub mod totp;

pub use key::Key;
pub use password::Password;
pub use permission::{Permission, PermissionSet};
pub use powers::{Decision, Powers, Reach};
pub use role::Role;
pub use secret::Secret;
pub use totp::TotpSecret;

/// What can go wrong with what should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeopleError {
    /// A password could not be hashed.
    #[error("a password could not be hashed: there is no memory for it, or its cost has no meaning")]
    Hashing,
    /// A second factor could not be sealed.
    #[error("a second factor could not be sealed")]
    Sealing,
    /// A sealed second factor does not open.
    #[error("a second factor could not be opened: it was sealed with another key, or was changed")]
    Sealed,
}
