//! TLS: certificates that are shown, that are asked for, and that change.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use ward_core::{OrganisationId, Source, SourceId};
use ward_intake::{Counters, Dependencies, IntakeConfig, Reason, Running, SourceTable, digest, start};

use crate::kit::{Kept, dependencies};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Self { issuer: Issuer::new(params, key), pem, der }
    }

    /// A certificate and its key.
    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn write(&self, folder: &Path) {
        let (certificate, key) = self.issue("ward.test");
        std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
        std::fs::write(folder.join("ca.pem"), &self.pem).unwrap();
    }

    async fn connect(
        &self,
        running: &Running,
        client: Option<&(rcgen::Certificate, KeyPair)>,
    ) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let config = match client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                builder.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap()
            }
        };
        let stream = TcpStream::connect(running.address("x").unwrap()).await.unwrap();
        let name = ServerName::try_from("ward.test").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

async fn started(kind: &str, folder: &Path, more: &str, dependencies: &Dependencies) -> Running {
    let at = |name: &str| folder.join(name).display().to_string();
    let config = format!(
        "[[{kind}]]\nname = \"x\"\nlisten = \"127.0.0.1:0\"\n{more}\n[{kind}.tls]\ncertificate = \"{}\"\nkey = \"{}\"\nclient_authorities = \"{}\"",
        at("cert.pem"),
        at("key.pem"),
        at("ca.pem"),
    );
    let config: IntakeConfig = toml::from_str(&config).unwrap();
    start(&config, dependencies).await.unwrap()
}

#[tokio::test]
async fn a_client_certificate_says_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.write(folder.path());
    let (known, stranger) = (authority.issue("device"), authority.issue("stranger"));
    let (inbox, counters) = (Arc::new(Kept::default()), Arc::new(Counters::default()));
    let dependencies = dependencies(&inbox, &counters);
    let mut table = SourceTable::default();
    let id = SourceId::new("device").unwrap();
    table.certificate(digest(known.0.der()), id.clone());
    table.add(Source {
        id,
        organisation: OrganisationId::new("RR8").unwrap(),
        rate: None,
        silent_after: None,
    });
    dependencies.sources.replace(table);
    let running = started("syslog_tls", folder.path(), "", &dependencies).await;
    let figures = counters.listeners()[0].clone();

    let mut stream = authority.connect(&running, Some(&known)).await;
    stream.write_all(b"5 <1>ab5 <1>cd").await.unwrap();
    stream.shutdown().await.unwrap();
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while figures.events.get() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok());

    for client in [Some(&stranger), None] {
        let mut stream = authority.connect(&running, client).await;
        let _ = stream.write_all(b"<1>x\n").await;
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.unwrap();
    }
    assert_eq!((figures.refused(Reason::UnknownCredential), figures.refused(Reason::NoCredential)), (1, 1));
    assert_eq!(figures.events.get(), 2);
}

#[tokio::test]
async fn https_is_served_and_a_changed_certificate_is_shown_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.write(folder.path());
    let (inbox, counters) = (Arc::new(Kept::default()), Arc::new(Counters::default()));
    let running = started("http", folder.path(), "", &dependencies(&inbox, &counters)).await;
    let shown = |stream: &TlsStream<TcpStream>| stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();

    let mut stream = authority.connect(&running, None).await;
    let before = shown(&stream);
    stream
        .write_all(b"GET /services/collector/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    authority.write(folder.path());
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if shown(&authority.connect(&running, None).await) != before {
            return;
        }
    }
    panic!("the old certificate is still shown");
}

#[tokio::test]
async fn a_chunk_of_forward_is_acknowledged_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.write(folder.path());
    let (inbox, counters) = (Arc::new(Kept::default()), Arc::new(Counters::default()));
    let more = "source = \"leeds\"";
    let running = started("fluent_forward", folder.path(), more, &dependencies(&inbox, &counters)).await;
    let mut stream = authority.connect(&running, None).await;
    stream.write_all(b"\x94\xa1t\x05\x81\xa1a\x01\x81\xa5chunk\xa2c1").await.unwrap();
    let mut answer = [0; 8];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_exact(&mut answer)).await;
    assert!(matches!(read, Ok(Ok(_))), "{read:?}");
    assert_eq!(&answer, b"\x81\xa3ack\xa2c1");
    assert_eq!(counters.listeners()[0].events.get(), 1);
}

#[tokio::test]
async fn who_does_not_speak_tls_is_counted_and_closed() {
    let folder = tempfile::tempdir().unwrap();
    Authority::new().write(folder.path());
    let (inbox, counters) = (Arc::new(Kept::default()), Arc::new(Counters::default()));
    let running =
        started("beats", folder.path(), "source = \"leeds\"", &dependencies(&inbox, &counters)).await;
    let mut stream = TcpStream::connect(running.address("x").unwrap()).await.unwrap();
    stream.write_all(b"2W\0\0\0\x01 plain text, long enough to be looked at").await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert_eq!(counters.listeners()[0].refused(Reason::Handshake), 1);
}
