//! Serves the sample console of the tests on loopback, to be looked at.

#![allow(clippy::expect_used, clippy::print_stdout)]

#[path = "../tests/sample/mod.rs"]
mod sample;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{}/ and /alerts/7", listener.local_addr()?);
    axum::serve(listener, sample::router(ward_pages::Brand::default())).await
}
