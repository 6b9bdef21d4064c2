//! Signing in and out, as browsers and as those do who want in.

use ward_core::{Actor, Scope, Timestamp};
use ward_people::link::Purpose;
use ward_people::{Powers, Reach, Role};
use ward_store::people::{glass, links, recovery_codes, sessions};

use crate::browser::{Browser, PASSWORD, below};
use crate::kit::{Hub, LEEDS, Told};

/// Signs in by password alone: half a session.
async fn half(browser: &mut Browser, email: &str) -> Told {
    browser.post("/sign-in", &[("email", email), ("password", PASSWORD), ("next", "/alerts")]).await
}

#[tokio::test]
async fn one_signs_in_with_password_and_digits_and_out_again() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let mut browser = hub.browser();
    assert_eq!(browser.get("/alerts?level=high").await.sent_on(), "/sign-in?next=%2Falerts%3Flevel%3Dhigh");
    assert!(browser.get("/sign-in?next=/alerts").await.expect(200).text().contains("Sign in"));
    assert_eq!(half(&mut browser, &anna.email).await.sent_on(), "/sign-in/second-factor?next=%2Falerts");
    let before = browser.session().unwrap().to_owned();
    assert!(browser.get("/").await.sent_on().starts_with("/sign-in"), "half a session opens nothing");
    browser.get("/sign-in/second-factor?next=/alerts").await.expect(200);
    let digits = anna.secret.now(hub.now());
    let fields = [("digits", digits.as_str()), ("next", "/alerts")];
    assert_eq!(browser.post("/sign-in/second-factor", &fields).await.sent_on(), "/alerts");
    let session = browser.session().unwrap().to_owned();
    assert_ne!(session, before, "another secret");
    assert!(browser.get("/alerts").await.expect(200).text().contains("Shadow copies deleted"));
    let mut old = hub.browser();
    old.cookies.insert("__Host-ward-session".into(), before);
    assert!(
        old.get("/alerts").await.sent_on().starts_with("/sign-in"),
        "the first secret opens nothing any more"
    );
    let told = browser.get("/account").await.expect(200).text();
    assert!(told.contains("Organisation security lead") && told.contains("this browser"), "{told}");

    assert_eq!(browser.post("/sign-out", &[]).await.sent_on(), "/sign-in?done=signed-out");
    assert_eq!(browser.session(), None);
    old.cookies.insert("__Host-ward-session".into(), session);
    assert!(old.get("/").await.sent_on().starts_with("/sign-in"), "the session is over, not only the cookie");
}

#[tokio::test]
async fn what_is_wrong_is_told_without_telling_who_has_an_account() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let mut told = Vec::new();
    for email in [anna.email.as_str(), "nobody@ward.example"] {
        let fields = [("email", email), ("password", "not her password at all")];
        let answer = hub.browser().post("/sign-in", &fields).await.expect(422);
        assert_eq!(answer.headers.get("set-cookie"), None);
        told.push(answer.text().replace(email, ""));
    }
    assert_eq!(told[0], told[1]);
    let empty = hub.browser().post("/sign-in", &[]).await.expect(422).text();
    assert!(empty.contains("Enter your e-mail address") && empty.contains("Enter your password"), "{empty}");
    assert!(empty.contains("<title>Error: "), "{empty}");
}

#[tokio::test]
async fn digits_open_once_and_wrong_ones_never() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let (mut one, mut other) = (hub.browser(), hub.browser());
    half(&mut one, &anna.email).await;
    half(&mut other, &anna.email).await;
    one.post("/sign-in/second-factor", &[("digits", "000000")]).await.expect(422);
    let digits = anna.secret.now(hub.now());
    assert_eq!(one.post("/sign-in/second-factor", &[("digits", &digits)]).await.sent_on(), "/");
    other.post("/sign-in/second-factor", &[("digits", &digits)]).await.expect(422);
    assert!(other.get("/").await.sent_on().starts_with("/sign-in"));
}

#[tokio::test]
async fn a_recovery_code_opens_once_in_place_of_the_digits() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let by = Actor::person(anna.id.to_string());
    let codes = recovery_codes::make(&hub.store, &by, hub.now(), anna.id).await.unwrap();
    let mut browser = hub.browser();
    half(&mut browser, &anna.email).await;
    browser.get("/sign-in/recovery").await.expect(200);
    browser.post("/sign-in/recovery", &[("code", "ABCD-EFGH")]).await.expect(422);
    let code = codes[3].expose().to_ascii_lowercase();
    let on = browser.post("/sign-in/recovery", &[("code", &code), ("next", "/alerts")]).await;
    let account = browser.get(on.sent_on()).await.expect(200).text();
    assert!(account.contains("9 left") && account.contains("/alerts"), "{account}");
    let mut again = hub.browser();
    half(&mut again, &anna.email).await;
    again.post("/sign-in/recovery", &[("code", &code)]).await.expect(422);
}

#[tokio::test]
async fn the_first_link_makes_an_administrator_with_all_that_it_takes() {
    let hub = Hub::start().await;
    let first = links::make_first(&hub.store, &Actor::ward("serve"), hub.now()).await.unwrap().unwrap();
    let path = format!("/link/{}", first.expose());
    let mut browser = hub.browser();
    let page = browser.get(&path).await.expect(200).text();
    assert!(page.contains("Become the first administrator"), "{page}");
    let weak = [("name", "Mo"), ("email", "mo@ward.example"), ("password", "ward ward ward"), ("again", "")];
    assert!(browser.post(&path, &weak).await.expect(422).text().contains("Choose another password"));
    let good =
        [("name", "Mo Ahmed"), ("email", "mo@ward.example"), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(browser.post(&path, &good).await.sent_on(), "/sign-in/set-up?next=%2F");
    assert_eq!(hub.browser().get(&path).await.status, 410, "a link is good once");

    let set_up = browser.get("/sign-in/set-up").await.expect(200);
    assert_eq!(set_up.header("content-encoding"), None, "a secret is not packed");
    let set_up = set_up.text();
    let letters = set_up.split("ward-letters\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(browser.get("/sign-in/set-up").await.text(), set_up, "loaded again it is the same");
    let digits = ward_people::TotpSecret::from_bytes(&base32(&letters)).unwrap().now(hub.now());
    browser.post("/sign-in/set-up", &[("digits", "123")]).await.expect(422);
    let codes = browser.post("/sign-in/set-up", &[("digits", &digits)]).await.expect(200);
    assert_eq!(codes.text().matches("ward-letters").count(), 10);
    let now = browser.get("/").await.expect(200).text();
    assert!(now.contains("Mo Ahmed"), "{now}");
    assert!(links::make_first(&hub.store, &Actor::ward("serve"), hub.now()).await.unwrap().is_none());
}

/// RFC 4648, section 6.
fn base32(letters: &str) -> Vec<u8> {
    let (mut bits, mut many, mut bytes) = (0_u32, 0, Vec::new());
    for letter in letters.bytes().filter(|letter| *letter != b' ') {
        bits =
            bits << 5 | u32::from(if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' });
        many += 5;
        if many >= 8 {
            many -= 8;
            bytes.push((bits >> many) as u8);
        }
    }
    bytes
}

#[tokio::test]
async fn a_link_for_a_new_password_keeps_the_second_factor() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let mut signed_in = hub.signed_in(&anna, true).await;
    signed_in.get("/").await.expect(200);
    let (by, powers) = (Actor::operator("test"), Powers::everything(Scope::whole_sector()));
    let expires = Timestamp::from_micros(hub.now().micros() + 3_600_000_000);
    let (_, secret) =
        links::make(&hub.store, &by, hub.now(), &powers, anna.id, Purpose::Password, expires).await.unwrap();
    let path = format!("/link/{}", secret.expose());
    let mut browser = hub.browser();
    let page = browser.get(&path).await.expect(200).text();
    assert!(page.contains(&anna.email) && !page.contains("name=\"email\""), "{page}");
    let other = "seven quiet harbours wobble";
    let fields = [("password", other), ("again", other)];
    assert!(browser.post(&path, &fields).await.sent_on().starts_with("/sign-in/second-factor"));
    hub.wait(3);
    assert!(signed_in.get("/").await.sent_on().starts_with("/sign-in"), "all sessions ended");
}

#[tokio::test]
async fn guesses_wait_and_a_browser_that_was_here_before_does_not_wait_for_strangers() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let mut known = hub.browser();
    half(&mut known, &anna.email).await;
    let digits = anna.secret.now(hub.now());
    known.post("/sign-in/second-factor", &[("digits", &digits)]).await.sent_on();
    known.cookies.remove("__Host-ward-session");
    let mut slowed = 0;
    for guess in 0..40_u8 {
        let mut stranger = hub.browser();
        stranger.address = [198, 51, 100, guess].into();
        let fields = [("email", anna.email.as_str()), ("password", "wrong wrong wrong")];
        let told = stranger.post("/sign-in", &fields).await;
        if told.status == 429 {
            assert!(told.header("retry-after").unwrap().parse::<u64>().unwrap() <= 900);
            assert!(told.text().contains("too many tries"));
            slowed += 1;
        }
    }
    assert!(slowed >= 15, "{slowed}");
    assert!(half(&mut known, &anna.email).await.sent_on().starts_with("/sign-in/second-factor"));
    let mut elsewhere = hub.browser();
    elsewhere.address = "203.0.113.9".parse().unwrap();
    assert_eq!(
        half(&mut elsewhere, &anna.email).await.status,
        429,
        "where she never was, she waits or has a link"
    );
}

#[tokio::test]
async fn whoever_knows_the_password_cannot_guess_digits_for_ever_by_typing_it_between() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let mut thief = hub.browser();
    let mut guesses = 0;
    for _ in 0..30 {
        if half(&mut thief, &anna.email).await.status == 429 {
            break;
        }
        if thief.post("/sign-in/second-factor", &[("digits", "000000")]).await.status == 429 {
            break;
        }
        guesses += 1;
    }
    assert!(guesses <= 3, "{guesses}");
}

#[tokio::test]
async fn forms_of_other_sites_change_nothing() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let mut browser = hub.signed_in(&anna, true).await;
    browser.origin = "https://evil.example".into();
    let verdict = [("verdict", "false_positive"), ("reason", "x")];
    for path in ["/sign-out".to_owned(), format!("/alerts/{}/verdict", hub.leeds.alert), "/alerts".to_owned()]
    {
        assert!(browser.post(&path, &verdict).await.expect(403).text().contains("nothing was changed"));
    }
    browser.origin = "null".into();
    browser.post("/sign-out", &[]).await.expect(403);
    browser.get("/").await.expect(200);
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    for wrong in ["//evil.example", "https://evil.example/", "/\\evil.example", "/a\r\nSet-Cookie: x=y"] {
        let mut browser = hub.browser();
        let fields = [("email", anna.email.as_str()), ("password", PASSWORD), ("next", wrong)];
        assert_eq!(
            browser.post("/sign-in", &fields).await.sent_on(),
            "/sign-in/second-factor?next=%2F",
            "{wrong:?}"
        );
        hub.wait(1_000);
    }
    let mut signed_in = hub.signed_in(&anna, true).await;
    assert_eq!(signed_in.get("/sign-in?next=%2F%2Fevil.example").await.sent_on(), "/");
}

#[tokio::test]
async fn a_session_ends_when_nothing_happens_and_a_page_that_fetches_itself_is_nothing() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let mut browser = hub.signed_in(&anna, true).await;
    for _ in 0..4 {
        hub.wait(25 * 60);
        browser.get("/").await.expect(200);
        settle().await;
    }
    hub.wait(31 * 60);
    assert!(browser.get("/").await.sent_on().starts_with("/sign-in"));
}

/// Lets what was set going behind an answer be done.
async fn settle() {
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}

#[tokio::test]
async fn what_lets_in_later_wants_the_second_factor_of_a_moment_ago() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let mut browser = hub.signed_in(&anna, true).await;
    browser.get("/account/recovery-codes").await.expect(200);
    hub.wait(10 * 60);
    for path in ["/account/recovery-codes", "/account/second-factor"] {
        let again = format!("/again?next={}", path.replace('/', "%2F"));
        assert_eq!(browser.get(path).await.sent_on(), again);
        assert_eq!(browser.post(path, &[]).await.sent_on(), again);
    }
    let before = browser.session().unwrap().to_owned();
    browser.post("/again", &[("digits", "000000"), ("next", "/account")]).await.expect(422);
    let digits = anna.secret.now(hub.now());
    let fields = [("digits", digits.as_str()), ("next", "/account/recovery-codes")];
    assert_eq!(browser.post("/again", &fields).await.sent_on(), "/account/recovery-codes");
    assert_ne!(browser.session().unwrap(), before);
    let codes = browser.post("/account/recovery-codes", &[]).await.expect(200);
    assert_eq!(codes.text().matches("ward-letters").count(), 10);
}

#[tokio::test]
async fn one_ends_ones_own_sessions_and_nobody_elses() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let bert = hub.person("bert", &[(Role::NationalAnalyst, Reach::WholeSector)]).await;
    let (mut here, mut there) = (hub.signed_in(&anna, true).await, hub.signed_in(&anna, true).await);
    let mut berts = hub.signed_in(&bert, true).await;
    let of_bert = sessions::own(&hub.store, bert.id).await.unwrap()[0].id.to_string();
    here.post("/account/sessions", &[("session", &of_bert)]).await.sent_on();
    hub.wait(3);
    berts.get("/").await.expect(200);
    here.post("/account/sessions", &[("session", "others")]).await.sent_on();
    hub.wait(3);
    assert!(there.get("/").await.sent_on().starts_with("/sign-in"));
    here.get("/").await.expect(200);
}

#[tokio::test]
async fn a_changed_password_ends_all_other_sessions() {
    let hub = Hub::start().await;
    let anna = hub.person("anna", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let (mut here, mut there) = (hub.signed_in(&anna, true).await, hub.signed_in(&anna, true).await);
    let other = "seven quiet harbours wobble";
    let wrong = [("before", "not it, not it, not it"), ("password", other), ("again", other)];
    here.post("/account/password", &wrong).await.expect(422);
    let right = [("before", PASSWORD), ("password", other), ("again", other)];
    assert_eq!(here.post("/account/password", &right).await.sent_on(), "/account?done=password");
    hub.wait(3);
    here.get("/account").await.expect(200);
    assert!(there.get("/account").await.sent_on().starts_with("/sign-in"));
}

#[tokio::test]
async fn whoever_broke_the_glass_sees_what_lies_behind_it_while_it_lasts() {
    let hub = Hub::start().await;
    let lead = hub.person("lena", &[(Role::RegionalLead, below(LEEDS))]).await;
    let mut browser = hub.signed_in(&lead, true).await;
    let yorks = format!("/alerts/{}", hub.york.alert);
    browser.get(&yorks).await.expect(404);
    let powers = Powers::of([(Role::RegionalLead, Scope::of([crate::kit::code(LEEDS)]))]);
    let new = glass::NewGlass {
        person: lead.id,
        organisation: crate::kit::code("RCB"),
        reason: "York's lead is ill and ransomware is spreading".into(),
        ends: Timestamp::from_micros(hub.now().micros() + 3_600_000_000),
    };
    let by = Actor::person(lead.id.to_string());
    glass::break_it(&hub.store, &by, hub.now(), &powers, &new).await.unwrap();
    hub.wait(3);
    browser.get(&yorks).await.expect(200);
    settle().await;
    hub.wait(1_500);
    browser.get(&yorks).await.expect(200);
    settle().await;
    hub.wait(1_500);
    browser.get(&yorks).await.expect(200);
    settle().await;
    hub.wait(700);
    browser.get(&yorks).await.expect(404);
}
