//! What can be said of listeners without starting them.

use std::collections::HashSet;
use std::net::SocketAddr;

use ward_core::SourceId;

use super::limits::OutOfBounds;
use super::{DatagramListener, IntakeConfig, Limits, PlainText, StreamListener, TlsFiles};
use crate::IntakeError;
use crate::tls::Tls;

impl IntakeConfig {
    /// Checks all listeners: names, sources, plain text, and that certificates and keys can be used. Whether
    /// their addresses are free is not looked at.
    ///
    /// # Errors
    /// One of them could not be started.
    pub fn check(&self) -> Result<(), IntakeError> {
        self.check_figures()?;
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
            if listener.must_have_source && listener.source.is_none() && !certificates {
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

    /// Checks the figures of all listeners: that each is within its bounds.
    ///
    /// # Errors
    /// One is not.
    pub fn check_figures(&self) -> Result<(), IntakeError> {
        let buffers = self.syslog_udp.iter().chain(&self.gelf_udp).filter_map(|listener| {
            let DatagramListener { name, receive_buffer_bytes, .. } = listener;
            let bytes = *receive_buffer_bytes as u64;
            let bounds: OutOfBounds = ("receive_buffer_bytes", bytes, 1, 1 << 30);
            (!(1..=1 << 30).contains(&bytes)).then_some((name.as_str(), bounds))
        });
        let limits =
            self.listeners().filter_map(|listener| Some((listener.name, listener.limits.out_of_bounds()?)));
        match limits.chain(buffers).next() {
            None => Ok(()),
            Some((name, (key, value, least, most))) => {
                Err(IntakeError::OutOfBounds { name: name.to_owned(), key, value, least, most })
            }
        }
    }

    /// The sources that listeners name, each with the name of its listener.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &SourceId)> {
        self.listeners().filter_map(|listener| Some((listener.name, listener.source?)))
    }

    fn listeners(&self) -> impl Iterator<Item = Shown<'_>> {
        let http = self.http.iter().map(|listener| Shown {
            name: &listener.name,
            address: listener.listen,
            limits: &listener.limits,
            tls: listener.tls.as_ref(),
            must_have_tls: false,
            source: listener.source.as_ref(),
            must_have_source: false,
        });
        let grpc = self.otlp_grpc.iter().map(|listener| Shown { must_have_source: false, ..of(listener) });
        let secure = self.syslog_tls.iter().map(|listener| Shown { must_have_tls: true, ..of(listener) });
        let streams = self.syslog_tcp.iter().chain(&self.relp);
        let streams = streams.chain(&self.beats).chain(&self.gelf_tcp).chain(&self.fluent_forward).map(of);
        let datagrams = self.syslog_udp.iter().chain(&self.gelf_udp).map(|listener| Shown {
            name: &listener.name,
            address: listener.listen,
            limits: &listener.limits,
            tls: None,
            must_have_tls: false,
            source: listener.source.as_ref(),
            must_have_source: true,
        });
        http.chain(grpc).chain(secure).chain(streams).chain(datagrams)
    }
}

/// What is looked at of a listener, of whatever kind.
struct Shown<'a> {
    name: &'a str,
    address: SocketAddr,
    limits: &'a Limits,
    tls: Option<&'a TlsFiles>,
    must_have_tls: bool,
    source: Option<&'a SourceId>,
    must_have_source: bool,
}

fn of(listener: &StreamListener) -> Shown<'_> {
    Shown {
        name: &listener.name,
        address: listener.listen,
        limits: &listener.limits,
        tls: listener.tls.as_ref(),
        must_have_tls: false,
        source: listener.source.as_ref(),
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
        for (kind, set, told) in [
            ("http", "limits = { body_bytes = 0 }", "its body_bytes is 0, and must be from 1 to 1073741824"),
            (
                "beats",
                "limits = { idle_seconds = 9223372036854775807 }",
                "its idle_seconds is 9223372036854775807",
            ),
            ("relp", "limits = { silent_seconds = 0 }", "its silent_seconds is 0, and must be from 1"),
            ("gelf_udp", "receive_buffer_bytes = 0", "its receive_buffer_bytes is 0, and must be from 1"),
        ] {
            let said = said(&listener(kind, &format!("{here}\nsource = \"b\"\n{set}")));
            assert!(said.contains("'a'") && said.contains(told), "{said}");
        }
        let absent = "tls = { certificate = \"/no/such.pem\", key = \"/no/such.key\" }";
        assert!(said(&listener("http", &format!("{here}\n{absent}"))).contains("/no/such.pem"));
    }
}
