//! What can be said of listeners without starting them.

use std::collections::HashSet;
use std::net::SocketAddr;

use super::{IntakeConfig, PlainText, StreamListener, TlsFiles};
use crate::IntakeError;
use crate::tls::Tls;

impl IntakeConfig {
    /// Checks all listeners: names, sources, plain text, and that certificates and keys can be used. Whether
    /// their addresses are free is not looked at.
    ///
    /// # Errors
    /// One of them could not be started.
    pub fn check(&self) -> Result<(), IntakeError> {
        let mut names = HashSet::new();
        for listener in self.listeners() {
            let name = || listener.name.to_owned();
            if !names.insert(listener.name) {
                return Err(IntakeError::SameName { name: name() });
            }
            if listener.must_have_tls && listener.tls.is_none() {
                return Err(IntakeError::NoTls { name: name() });
            }
            let certificates = listener.tls.is_some_and(|tls| tls.client_authorities.is_some());
            if listener.must_have_source && !listener.has_source && !certificates {
                return Err(IntakeError::NoSource { name: name() });
            }
            let off_loopback = !listener.address.ip().to_canonical().is_loopback();
            let accepted = self.plain_text_off_loopback == Some(PlainText::Accepted);
            match listener.tls {
                Some(files) => drop(Tls::load(files, &[])?),
                None if off_loopback && !accepted => {
                    return Err(IntakeError::PlainText { name: name(), address: listener.address });
                }
                None => {}
            }
        }
        Ok(())
    }

    fn listeners(&self) -> impl Iterator<Item = Shown<'_>> {
        let http = self.http.iter().map(|listener| Shown {
            name: &listener.name,
            address: listener.listen,
            tls: listener.tls.as_ref(),
            must_have_tls: false,
            has_source: listener.source.is_some(),
            must_have_source: false,
        });
        let grpc = self.otlp_grpc.iter().map(|listener| Shown { must_have_source: false, ..of(listener) });
        let secure = self.syslog_tls.iter().map(|listener| Shown { must_have_tls: true, ..of(listener) });
        let streams = self.syslog_tcp.iter().chain(&self.relp);
        let streams = streams.chain(&self.beats).chain(&self.gelf_tcp).chain(&self.fluent_forward).map(of);
        let datagrams = self.syslog_udp.iter().chain(&self.gelf_udp).map(|listener| Shown {
            name: &listener.name,
            address: listener.listen,
            tls: None,
            must_have_tls: false,
            has_source: listener.source.is_some(),
            must_have_source: true,
        });
        http.chain(grpc).chain(secure).chain(streams).chain(datagrams)
    }
}

/// What is looked at of a listener, of whatever kind.
struct Shown<'a> {
    name: &'a str,
    address: SocketAddr,
    tls: Option<&'a TlsFiles>,
    must_have_tls: bool,
    has_source: bool,
    must_have_source: bool,
}

fn of(listener: &StreamListener) -> Shown<'_> {
    Shown {
        name: &listener.name,
        address: listener.listen,
        tls: listener.tls.as_ref(),
        must_have_tls: false,
        has_source: listener.source.is_some(),
        must_have_source: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let config: IntakeConfig = toml::from_str(text).unwrap();
        config.check().map_or_else(|error| error.to_string(), |()| "good".to_owned())
    }

    #[test]
    fn what_could_not_be_started_is_told_by_name_without_starting_it() {
        let listener = |kind: &str, rest: &str| format!("[[{kind}]]\nname = \"a\"\nlisten = {rest}\n");
        let here = "\"127.0.0.1:0\"";
        assert_eq!(said(&listener("http", here)), "good");
        assert_eq!(said(&listener("otlp_grpc", here)), "good", "its clients show tokens");
        assert!(said(&listener("http", "\"0.0.0.0:0\"")).contains("plain text on 0.0.0.0:0"));
        let accepted = "plain_text_off_loopback = \"accepted\"\n".to_owned();
        assert_eq!(said(&(accepted + &listener("http", "\"[::]:0\""))), "good");
        assert!(said(&listener("syslog_tls", &format!("{here}\nsource = \"b\""))).contains("needs `tls`"));
        for kind in ["syslog_tcp", "syslog_udp", "beats", "gelf_tcp", "gelf_udp", "fluent_forward", "relp"] {
            assert!(said(&listener(kind, here)).contains("needs a `source`"), "{kind}");
            assert_eq!(said(&listener(kind, &format!("{here}\nsource = \"b\""))), "good", "{kind}");
        }
        assert!(said(&listener("http", here).repeat(2)).contains("another listener has this name"));
        let absent = "tls = { certificate = \"/no/such.pem\", key = \"/no/such.key\" }";
        assert!(said(&listener("http", &format!("{here}\n{absent}"))).contains("/no/such.pem"));
    }
}
