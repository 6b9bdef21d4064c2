//! Listeners, started and stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::accept::{Connection, Until, accept};
use crate::config::{
    DatagramListener, HttpListener, IntakeConfig, Limits, Protocol, StreamListener, TlsFiles,
};
use crate::datagrams::{self, Reader};
use crate::door::{Dependencies, Door};
use crate::http::{self, HttpState};
use crate::tls::Tls;
use crate::{IntakeError, beats, fluent, gelf, relp, syslog};

/// A listener and where it really listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Its name.
    pub name: String,
    /// Its protocol, as its part of the configuration is called.
    pub protocol: &'static str,
    /// The address, with the port that the system chose if the configuration said 0.
    pub address: SocketAddr,
}

/// All listeners, running.
#[derive(Debug)]
pub struct Running {
    bound: Vec<Bound>,
    until: Until,
}

/// Starts all listeners. Must be called within a tokio runtime.
///
/// # Errors
/// One of them cannot be started; then none is.
pub async fn start(config: &IntakeConfig, dependencies: &Dependencies) -> Result<Running, IntakeError> {
    config.check()?;
    let until = Until::default();
    let mut starting = Starting { dependencies, bound: Vec::new(), ready: Vec::new(), until: until.clone() };
    for listener in &config.http {
        starting.http(listener).await?;
    }
    for listener in &config.syslog_tcp {
        starting.stream(listener, "syslog_tcp", syslog::serve).await?;
    }
    for listener in &config.syslog_tls {
        starting.stream(listener, "syslog_tls", syslog::serve).await?;
    }
    for listener in &config.relp {
        starting.stream(listener, "relp", relp::serve).await?;
    }
    for listener in &config.syslog_udp {
        starting.datagrams(listener, "syslog_udp", |_| syslog::Syslog)?;
    }
    for listener in &config.beats {
        starting.stream(listener, "beats", beats::serve).await?;
    }
    for listener in &config.gelf_tcp {
        starting.stream(listener, "gelf_tcp", gelf::serve).await?;
    }
    for listener in &config.gelf_udp {
        starting.datagrams(listener, "gelf_udp", gelf::Gelf::new)?;
    }
    for listener in &config.fluent_forward {
        starting.stream(listener, "fluent_forward", fluent::serve).await?;
    }
    for listener in &config.otlp_grpc {
        starting.grpc(listener).await?;
    }
    for task in starting.ready {
        until.tasks.spawn(task);
    }
    for bound in &starting.bound {
        tracing::info!(listener = bound.name, protocol = bound.protocol, address = %bound.address, "listening");
    }
    for (listener, source) in config.sources() {
        if dependencies.sources.by_id(source).is_none() {
            tracing::warn!(
                listener,
                %source,
                "the source of a listener is not known or disabled: who shows no credential there is refused until \
                 `ward source add` enters it"
            );
        }
    }
    Ok(Running { bound: starting.bound, until })
}

impl Running {
    /// The listeners and their addresses, in the order of the configuration.
    pub fn bound(&self) -> &[Bound] {
        &self.bound
    }

    /// The address of the listener of this name.
    pub fn address(&self, name: &str) -> Option<SocketAddr> {
        self.bound.iter().find(|bound| bound.name == name).map(|bound| bound.address)
    }

    /// Takes no more connections, lets what has begun come to its end, and hands over what was read.
    /// `false`: not all of it was done by the deadline, and the rest was broken off.
    pub async fn stop(self, deadline: Duration) -> bool {
        self.until.stop.cancel();
        self.until.tasks.close();
        let clean = timeout(deadline, self.until.tasks.wait()).await.is_ok();
        self.until.kill.cancel();
        self.until.tasks.wait().await;
        clean
    }
}

type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

struct Starting<'a> {
    dependencies: &'a Dependencies,
    bound: Vec<Bound>,
    /// What runs once all could be bound.
    ready: Vec<Task>,
    until: Until,
}

impl Starting<'_> {
    async fn http(&mut self, listener: &HttpListener) -> Result<(), IntakeError> {
        self.http_as(listener, "http").await
    }

    /// OTLP over gRPC is HTTP with nothing else.
    async fn grpc(&mut self, listener: &StreamListener) -> Result<(), IntakeError> {
        let listener = HttpListener {
            name: listener.name.clone(),
            listen: listener.listen,
            tls: listener.tls.clone(),
            source: listener.source.clone(),
            protocols: vec![Protocol::Otlp],
            token_in_query: false,
            elastic_version: String::new(),
            api: false,
            limits: listener.limits.clone(),
        };
        self.http_as(&listener, "otlp_grpc").await
    }

    async fn http_as(&mut self, listener: &HttpListener, protocol: &'static str) -> Result<(), IntakeError> {
        let tls = self.tls(listener.tls.as_ref(), &[b"h2", b"http/1.1"])?;
        let bound = self.bind(&listener.name, protocol, listener.listen).await?;
        let state = HttpState::of(listener, protocol, self.dependencies);
        let door = Arc::clone(state.door());
        let api = self.dependencies.api.clone().filter(|_| listener.api);
        let router = match api {
            Some(api) => http::beside(state, api),
            None => http::routes(state),
        };
        let (serving, stop) = (Arc::clone(&door), self.until.stop.clone());
        self.accept(bound, door, tls, move |connection| {
            http::serve(Arc::clone(&serving), router.clone(), connection, stop.clone())
        });
        Ok(())
    }

    async fn stream<F, S>(
        &mut self,
        listener: &StreamListener,
        protocol: &'static str,
        serve: S,
    ) -> Result<(), IntakeError>
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(Arc<Door>, Connection, CancellationToken) -> F + Clone + Send + Sync + 'static,
    {
        let tls = self.tls(listener.tls.as_ref(), &[])?;
        let bound = self.bind(&listener.name, protocol, listener.listen).await?;
        let name = (listener.name.as_str(), protocol);
        let door = Door::new(name, &listener.limits, listener.source.as_ref(), self.dependencies);
        let (serving, stop) = (Arc::clone(&door), self.until.stop.clone());
        self.accept(bound, door, tls, move |connection| {
            serve(Arc::clone(&serving), connection, stop.clone())
        });
        Ok(())
    }

    fn datagrams<R: Reader + 'static>(
        &mut self,
        listener: &DatagramListener,
        protocol: &'static str,
        reader: impl FnOnce(&Limits) -> R,
    ) -> Result<(), IntakeError> {
        let address = listener.listen;
        let unbound = |source| IntakeError::Bind { name: listener.name.clone(), address, source };
        let socket = datagrams::bind(address, listener.receive_buffer_bytes).map_err(unbound)?;
        let address = socket.local_addr().map_err(unbound)?;
        self.bound.push(Bound { name: listener.name.clone(), protocol, address });
        let name = (listener.name.as_str(), protocol);
        let door = Door::new(name, &listener.limits, listener.source.as_ref(), self.dependencies);
        let reader = reader(&listener.limits);
        self.ready.push(Box::pin(datagrams::read(door, socket, reader, self.until.stop.clone())));
        Ok(())
    }

    /// Binds.
    async fn bind(
        &mut self,
        name: &str,
        protocol: &'static str,
        address: SocketAddr,
    ) -> Result<TcpListener, IntakeError> {
        let unbound = |source| IntakeError::Bind { name: name.to_owned(), address, source };
        let listener = TcpListener::bind(address).await.map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        self.bound.push(Bound { name: name.to_owned(), protocol, address });
        Ok(listener)
    }

    fn tls(
        &mut self,
        files: Option<&TlsFiles>,
        protocols: &'static [&'static [u8]],
    ) -> Result<Option<Arc<Tls>>, IntakeError> {
        let Some(files) = files else { return Ok(None) };
        let tls = Tls::load(files, protocols)?;
        self.ready.push(Box::pin(Arc::clone(&tls).keep_up(self.until.stop.clone())));
        Ok(Some(tls))
    }

    fn accept<F, S>(&mut self, bound: TcpListener, door: Arc<Door>, tls: Option<Arc<Tls>>, serve: S)
    where
        F: Future<Output = ()> + Send + 'static,
        S: Fn(Connection) -> F + Clone + Send + Sync + 'static,
    {
        self.ready.push(Box::pin(accept(bound, door, tls, self.until.clone(), serve)));
    }
}
