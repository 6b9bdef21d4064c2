//! How passwords are kept: argon2id (RFC 9106), in the PHC string format.
//!
//! Invariant: whether an account exists is not told by how long an answer takes: who is unknown is hashed for as long as
//! everybody else.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;

use super::Password;
use crate::PeopleError;
use crate::secret::same;

/// What a guess costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Kibibytes of memory.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

/// Hashes passwords and checks them. Takes tens of milliseconds and the memory of [`Cost`]: not for a thread on which
/// others wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hasher {
    cost: Cost,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Whether it is the password.
    pub right: bool,
    /// Whether it should be hashed anew, now that it is known: at another cost than was usual when it was set.
    pub rehash: bool,
}

/// Bytes of salt: RFC 9106, section 3.1, recommends 16.
pub(crate) const SALT: usize = 16;
const OUT: usize = 32;

impl Default for Cost {
    /// OWASP's Password Storage Cheat Sheet: argon2id with at least 19 MiB of memory, 2 passes and 1 lane.
    fn default() -> Self {
        Self { memory: 19_456, passes: 2, lanes: 1 }
    }
}

impl Cost {
    fn is_sane(self) -> bool {
        self.memory <= 1 << 20 && self.passes <= 64 && self.lanes <= 64
    }
}

impl Hasher {
    /// One of this cost.
    pub const fn new(cost: Cost) -> Self {
        Self { cost }
    }

    /// What is kept of a password; `salt` is random.
    ///
    /// # Errors
    /// The cost is none that argon2 takes, or there is no memory.
    pub fn hash(&self, password: &Password, salt: [u8; SALT]) -> Result<String, PeopleError> {
        let Cost { memory, passes, lanes } = self.cost;
        let out = compute(self.cost, password, &salt).ok_or(PeopleError::Hashing)?;
        let (salt, out) = (BASE64.encode(salt), BASE64.encode(out));
        Ok(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${out}"))
    }

    /// Whether it is the password of which this was kept. `None`, nobody's, takes as long and is never right.
    pub fn verify(&self, kept: Option<&str>, password: &Password) -> Verified {
        let Some((cost, salt, expected)) = kept.and_then(read) else {
            std::hint::black_box(compute(self.cost, password, &[0; SALT]));
            return Verified { right: false, rehash: false };
        };
        let right = compute(cost, password, &salt).is_some_and(|out| same(&out, &expected));
        Verified { right, rehash: right && (cost != self.cost || salt.len() != SALT) }
    }
}

fn compute(cost: Cost, password: &Password, salt: &[u8]) -> Option<[u8; OUT]> {
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(OUT)).ok()?;
    let mut out = [0; OUT];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.bytes(), salt, &mut out).ok()?;
    Some(out)
}

/// Cost, salt and hash of what was kept: `$argon2id$v=19$m=...,t=...,p=...$salt$hash`.
fn read(kept: &str) -> Option<(Cost, Vec<u8>, Vec<u8>)> {
    let mut parts = kept.strip_prefix("$argon2id$v=19$")?.split('$');
    let (costs, salt, out) = (parts.next()?, parts.next()?, parts.next()?);
    let mut costs = costs.split(',');
    let mut cost = |name: &str| costs.next()?.strip_prefix(name)?.strip_prefix('=')?.parse().ok();
    let cost = Cost { memory: cost("m")?, passes: cost("t")?, lanes: cost("p")? };
    let whole = parts.next().is_none() && costs.next().is_none() && cost.is_sane();
    whole.then_some((cost, BASE64.decode(salt).ok()?, BASE64.decode(out).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As little as argon2 takes, so that tests are quick.
    const CHEAP: Cost = Cost { memory: 8, passes: 1, lanes: 1 };

    fn typed(text: &str) -> Password {
        Password::typed(text)
    }

    /// Made with the reference implementation: `echo -n password | argon2 somesalt -id -v 13 -t 2 -k 65536 -p 1`, as
    /// its own test suite has it (phc-winner-argon2, `src/test.c`).
    #[test]
    fn hashes_are_those_of_the_reference() {
        let kept = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hasher = Hasher::default();
        assert_eq!(hasher.verify(Some(kept), &typed("password")), Verified { right: true, rehash: true });
        assert_eq!(hasher.verify(Some(kept), &typed("passwore")), Verified { right: false, rehash: false });
    }

    #[test]
    fn what_is_kept_tells_its_cost_and_is_hashed_anew_when_that_has_changed() {
        let kept = Hasher::new(CHEAP).hash(&typed("zygote plinth"), [1; SALT]).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=8,t=1,p=1$AQEBAQEBAQEBAQEBAQEBAQ$"), "{kept}");
        let same = Hasher::new(CHEAP).verify(Some(&kept), &typed("zygote plinth"));
        assert_eq!(same, Verified { right: true, rehash: false });
        let dearer = Hasher::new(Cost { passes: 2, ..CHEAP }).verify(Some(&kept), &typed("zygote plinth"));
        assert_eq!(dearer, Verified { right: true, rehash: true });
        let other = Hasher::new(CHEAP).hash(&typed("zygote plinth"), [2; SALT]).unwrap();
        assert_ne!(kept, other);
    }

    #[test]
    fn nobody_and_nonsense_are_never_right() {
        let hasher = Hasher::new(CHEAP);
        let kept = hasher.hash(&typed(""), [1; SALT]).unwrap();
        for wrong in [
            None,
            Some(""),
            Some("plain text"),
            Some("$argon2id$v=19$m=8,t=1,p=1$AQEBAQEBAQEBAQEBAQEBAQ$"),
            Some("$argon2id$v=19$m=4294967295,t=1,p=1$AQEBAQEBAQEBAQEBAQEBAQ$AAAA"),
            Some(&kept.replace("argon2id", "argon2i")),
            Some(&format!("{kept}$")),
            Some(&kept.replace("p=1", "p=1,x=1")),
        ] {
            assert_eq!(
                hasher.verify(wrong, &typed("")),
                Verified { right: false, rehash: false },
                "{wrong:?}"
            );
        }
        assert!(hasher.verify(Some(&kept), &typed("")).right);
    }

    #[test]
    fn who_is_unknown_takes_as_long_as_anybody() {
        let hasher = Hasher::default();
        let kept = hasher.hash(&typed("zygote plinth"), [1; SALT]).unwrap();
        let quickest = |kept: Option<&str>| {
            let once = |_| {
                let begun = std::time::Instant::now();
                hasher.verify(kept, &typed("zygote plinth 2"));
                begun.elapsed()
            };
            (0..5).map(once).min().unwrap()
        };
        let (known, unknown) = (quickest(Some(&kept)), quickest(None));
        assert!(unknown * 2 > known && known * 2 > unknown, "{known:?} {unknown:?}");
    }

    #[test]
    fn the_default_is_what_owasp_asks_for() {
        assert_eq!(Cost::default(), Cost { memory: 19 * 1024, passes: 2, lanes: 1 });
        assert_eq!(Hasher::default().cost, Cost::default());
        let absurd = Hasher::new(Cost { memory: 0, passes: 0, lanes: 0 });
        assert!(absurd.hash(&typed("x"), [0; SALT]).is_err());
    }
}
