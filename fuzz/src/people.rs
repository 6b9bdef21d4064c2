//! What strangers type and send before they are known: anything, and nothing of it may make Ward fall.

use ward_core::Timestamp;
use ward_people::{Key, Password, TotpSecret, account, device, glass, recovery};

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// All that a sign-in page takes. What is taken is taken again as it came out.
pub fn typed(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(email) = account::email(&text) {
        assert_eq!(account::email(&email).as_deref(), Ok(email.as_str()));
        assert_eq!(account::account(&email), account::account(&account::login(&email)));
    }
    if let Ok(name) = account::name(&text) {
        assert_eq!(account::name(&name).as_deref(), Ok(name.as_str()));
    }
    let (one, other) = text.split_once('\n').unwrap_or((&text, ""));
    let told = Password::typed(one).check(&[other]);
    assert_eq!(told, Password::typed(one).check(&[other]));
    if let Some(plain) = recovery::plain(&text) {
        assert_eq!(recovery::plain(&plain), Some(plain));
    }
    if let Ok(reason) = glass::reason(&text) {
        assert_eq!(glass::reason(&reason), Ok(reason));
    }
    let secret = TotpSecret::new([7; 20]);
    let step = secret.step_of(&text, NOW, None);
    assert!(step.is_none_or(|step| secret.step_of(&text, NOW, Some(step)).is_none()), "it opens once");
    let key = Key::new([7; 32]);
    let made = device::cookie(&key, &[1; 16], [2; 16], NOW);
    let known = device::known(&key, &[1; 16], &text, NOW);
    assert!(known.is_none() || *text == *made, "nobody makes a cookie without the key");
    if let Some(key) = Key::read(&text) {
        assert_eq!(Key::read(&key.text()), Some(key));
    }
    assert!(key.open("anna", input).is_err(), "nobody seals without the key");
}
