//! Requests to other machines.
//!
//! Invariant: nothing leaves the machine in plain text, unless that is said in words.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::error::Error;

/// What speaks to this URL. `ca_file`: the authority of its certificate, PEM; otherwise those that the system
/// trusts. `plain_text`: it may be plain `http` to another machine.
///
/// # Errors
/// The URL or the authority cannot be used.
pub fn agent(url: &str, ca_file: Option<&Path>, plain_text: bool) -> Result<Agent, Error> {
    let refused = |reason: &str| Error::Hub { url: url.to_owned(), reason: reason.to_owned() };
    let uri: Uri = url.parse().map_err(|_| refused("it is no URL"))?;
    let plain = match uri.scheme_str() {
        Some("http") => true,
        Some("https") => false,
        _ => return Err(refused("it starts with neither http:// nor https://")),
    };
    if plain && !plain_text && !is_loopback(uri.host().unwrap_or_default()) {
        return Err(refused(
            "it is plain http to another machine, where tokens and events can be read; use https",
        ));
    }
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .user_agent(concat!("ward/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_send_body(Some(Duration::from_secs(300)))
        .timeout_recv_response(Some(Duration::from_secs(60)));
    if !plain {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots(ca_file)?)));
        config = config.tls_config(tls.unversioned_rustls_crypto_provider(provider).build());
    }
    Ok(config.build().new_agent())
}

fn roots(ca_file: Option<&Path>) -> Result<Vec<Certificate<'static>>, Error> {
    let certificates: Vec<CertificateDer<'static>> = match ca_file {
        Some(path) => {
            let wrong = |reason| Error::Certificate { path: path.to_owned(), reason };
            let pem = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
            let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            let all = all.map_err(|error| wrong(error.to_string()))?;
            if all.is_empty() {
                return Err(wrong("it holds no PEM certificate".to_owned()));
            }
            all
        }
        None => rustls_native_certs::load_native_certs().certs,
    };
    Ok(certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_in_plain_text_to_another_machine() {
        for near in ["http://127.0.0.1:8088", "http://[::1]:1", "http://localhost/"] {
            assert!(agent(near, None, false).is_ok(), "{near}");
        }
        for far in ["http://hub.example:8088", "http://10.0.0.1", "ftp://localhost", "hub.example"] {
            assert!(agent(far, None, false).is_err(), "{far}");
        }
        assert!(agent("http://hub.example", None, true).is_ok());
    }
}
