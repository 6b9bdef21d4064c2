//! What tries to sign in go through: they wait for their turn ([`ward_people::throttle`]), and few passwords are hashed at
//! once, since each takes memory and tens of milliseconds of a processor.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::Semaphore;
use ward_core::Timestamp;
use ward_people::password::{Hasher, Verified};
use ward_people::throttle::{Account, Attempt, Device, Throttle, Wait};
use ward_people::{Password, account, device};

use super::cookies::Cookie;
use super::visit::Visit;
use crate::refusal::Refusal;

/// Passwords that are hashed at once.
const AT_ONCE: usize = 2;

/// How long somebody waits for a turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// The doors of the console.
#[derive(Debug)]
pub(crate) struct Doors {
    throttle: Mutex<Throttle>,
    turns: Arc<Semaphore>,
    hasher: Hasher,
}

impl Doors {
    pub fn new(hasher: Hasher) -> Self {
        Self { throttle: Mutex::default(), turns: Arc::new(Semaphore::new(AT_ONCE)), hasher }
    }

    /// Whether this may be tried now.
    ///
    /// # Errors
    /// Not before then.
    pub fn ask(&self, attempt: &Attempt, now: Timestamp) -> Result<(), Wait> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner).ask(attempt, now)
    }

    /// Tries of this kind, so many, did not fail.
    pub fn succeeded(&self, attempt: &Attempt, tries: usize) {
        let mut throttle = self.throttle.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..tries {
            throttle.succeeded(attempt);
        }
    }

    /// Whether it is the password of which this was kept.
    pub async fn verify(&self, kept: Option<String>, password: Password) -> Result<Verified, Refusal> {
        let hasher = self.hasher;
        self.hashing(move || hasher.verify(kept.as_deref(), &password)).await
    }

    /// What is kept of a password.
    pub async fn hash(&self, password: Password) -> Result<String, Refusal> {
        let (hasher, salt) = (self.hasher, random()?);
        let hashed = self.hashing(move || hasher.hash(&password, salt)).await?;
        hashed.map_err(|error| Refusal::failed(&error))
    }

    async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(Refusal::busy("could not check a password: many others sign in just now", 10));
        };
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| Refusal::failed(&error))
    }
}

/// A try of this visitor at the account of this e-mail address.
pub(super) fn attempt(visit: &Visit, email: &str) -> Attempt {
    let account = account::account(email);
    Attempt { account, address: visit.caller, device: browser(visit, &account) }
}

/// The cookie by which this browser is known from now on as one that has signed in to this account.
pub(super) fn device_cookie(visit: &Visit, account: &Account) -> Result<String, Refusal> {
    let device = match browser(visit, account) {
        Some(known) => known,
        None => random()?,
    };
    Ok(device::cookie(&visit.ask.state().key, account, device, visit.ask.now))
}

/// Where somebody is, as it is kept.
pub(super) fn place(address: IpAddr) -> String {
    address.to_canonical().to_string()
}

fn browser(visit: &Visit, account: &Account) -> Option<Device> {
    let state = visit.ask.state();
    let cookie = Cookie::Device.of(&visit.face.headers, state.secure)?;
    device::known(&state.key, account, cookie, visit.ask.now)
}

fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(Refusal::failed(&ward_store::StoreError::NoRandomness)),
    }
}
