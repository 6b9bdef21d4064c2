//! The hub over HTTP, as any shipper talks to it: events to `POST /ingest/v1/events`.
//!
//! Invariant: a request is tried again only with the same key, so that the hub takes it once.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ureq::Agent;

use super::office::read;
use crate::error::Error;
use crate::outbound::agent;

/// Where the hub is and what speaks for the sender.
#[derive(Debug, Clone, Args)]
pub struct HubArgs {
    /// Where the hub listens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8088")]
    pub hub: String,
    /// File with the token of a source [default: the token in $WARD_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The authority of the hub's certificate, PEM [default: those that the system trusts]
    #[arg(long, value_name = "FILE.pem")]
    pub ca_file: Option<PathBuf>,
    /// Send over plain http to another machine, where token and events can be read on the way
    #[arg(long)]
    pub plain_text_off_loopback: bool,
    /// Seconds that one request is tried for while the hub is busy or away
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub patience: u64,
}

/// A connection to a hub.
pub struct Client {
    agent: Agent,
    url: String,
    token: Option<String>,
    patience: Duration,
}

/// What the hub said to a batch of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is durable there.
    Taken,
    /// It will never be taken like this; the rest may be.
    Refused(String),
    /// Nothing will be taken.
    Stop(String),
}

/// What to do after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    Done(Answer),
    Again(Duration),
}

impl Client {
    /// Gets ready to send. Nothing is sent yet.
    ///
    /// # Errors
    /// The URL, token or authority cannot be used.
    pub fn new(args: &HubArgs) -> Result<Self, Error> {
        let agent = agent(&args.hub, args.ca_file.as_deref(), args.plain_text_off_loopback)?;
        let token = match &args.token_file {
            Some(file) => Some(read(file)?),
            None => std::env::var("WARD_TOKEN").ok(),
        };
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        Ok(Self {
            agent,
            url: args.hub.trim_end_matches('/').to_owned(),
            token,
            patience: Duration::from_secs(args.patience),
        })
    }

    /// The token that is shown.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Sends events, again and again while the hub is busy or away. `wait` is told of each pause beforehand.
    pub fn send(
        &self,
        format: Option<&str>,
        key: &str,
        events: &[u8],
        wait: &mut dyn FnMut(Duration, &str),
    ) -> Answer {
        let format = format.map(|format| format!("?format={format}")).unwrap_or_default();
        let url = format!("{}/ingest/v1/events{format}", self.url);
        let mut waited = Duration::ZERO;
        for attempt in 0.. {
            let mut request = self.agent.post(&url).header("Idempotency-Key", key);
            if let Some(token) = &self.token {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            if events.len() > LARGE {
                // Else a hub that does not want so much closes before it is read, and its answer is lost.
                request = request.header("Expect", "100-continue");
            }
            let (next, why) = match request.content_type("application/octet-stream").send(events) {
                Ok(mut answer) => {
                    let status = answer.status().as_u16();
                    let after = answer
                        .headers()
                        .get("retry-after")
                        .and_then(|value| value.to_str().ok()?.parse().ok());
                    let said =
                        answer.body_mut().with_config().limit(64 << 10).read_to_string().unwrap_or_default();
                    let why = reason(status, &said) + hint(status, self.token.is_some());
                    (next(status, after, attempt, &why), why)
                }
                Err(error) => {
                    let why = format!("{} could not be reached: {error}", self.url);
                    let next = if is_for_good(&error) {
                        Next::Done(Answer::Stop(why.clone()))
                    } else {
                        Next::Again(pause(attempt))
                    };
                    (next, why)
                }
            };
            match next {
                Next::Done(answer) => return answer,
                Next::Again(_) if waited >= self.patience => return Answer::Stop(why),
                Next::Again(pause) => {
                    let pause = pause.min(self.patience.saturating_sub(waited));
                    wait(pause, &why);
                    std::thread::sleep(pause);
                    // An attempt that fails at once without a pause would never end.
                    waited += pause.max(Duration::from_millis(100));
                }
            }
        }
        Answer::Stop("it was tried too often".to_owned())
    }
}

/// Bodies from here on are sent once the hub has said that it takes them.
const LARGE: usize = 1 << 20;

/// What an answer means (RFC 9110, section 15; RFC 6585, section 4).
fn next(status: u16, retry_after: Option<u64>, attempt: u32, why: &str) -> Next {
    match status {
        200..=299 => Next::Done(Answer::Taken),
        408 | 429 | 500 | 502 | 503 | 504 => Next::Again(
            retry_after.map_or_else(|| pause(attempt), |seconds| Duration::from_secs(seconds.min(300))),
        ),
        400 | 413 | 415 | 422 => Next::Done(Answer::Refused(why.to_owned())),
        _ => Next::Done(Answer::Stop(why.to_owned())),
    }
}

/// A quarter of a second, doubled with each attempt up to half a minute.
fn pause(attempt: u32) -> Duration {
    Duration::from_millis(250_u64.saturating_mul(1 << attempt.min(7))).min(Duration::from_secs(30))
}

/// What the hub said, in a line.
fn reason(status: u16, said: &str) -> String {
    let error = serde_json::from_str::<serde_json::Value>(said).ok();
    let error = error.as_ref().and_then(|said| said.get("error")?.as_str());
    let text: String = error.unwrap_or(said).trim().chars().take(200).collect();
    if text.is_empty() { format!("it answered {status}") } else { format!("it answered {status}: {text}") }
}

/// What helps whoever is not known.
fn hint(status: u16, has_token: bool) -> &'static str {
    match (status, has_token) {
        (401 | 403, false) => "; no token was shown: name its file with --token-file, or set WARD_TOKEN",
        (401 | 403, true) => {
            "; the token of --token-file or WARD_TOKEN is none of a source: `ward token issue --source` makes one"
        }
        _ => "",
    }
}

/// Whether the same will happen whenever it is tried.
fn is_for_good(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::BadUri(_) | ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Http(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_when_the_hub_says() {
        assert_eq!(next(429, Some(3), 0, ""), Next::Again(Duration::from_secs(3)));
        assert_eq!(next(503, None, 2, ""), Next::Again(Duration::from_secs(1)));
        assert_eq!(next(503, Some(u64::MAX), 0, ""), Next::Again(Duration::from_secs(300)));
        assert_eq!(next(200, None, 0, ""), Next::Done(Answer::Taken));
        assert_eq!(next(413, None, 0, "x"), Next::Done(Answer::Refused("x".to_owned())));
        assert_eq!(next(401, None, 0, "x"), Next::Done(Answer::Stop("x".to_owned())));
    }

    #[test]
    fn whoever_is_not_known_is_told_where_a_token_goes() {
        assert!(hint(401, false).contains("--token-file") && hint(401, false).contains("WARD_TOKEN"));
        assert!(hint(401, true).contains("ward token issue --source"));
        assert_eq!((hint(503, false), hint(200, true)), ("", ""));
    }

    #[test]
    fn pauses_grow_to_half_a_minute() {
        assert_eq!(pause(0), Duration::from_millis(250));
        assert!((0..40).map(pause).is_sorted() && pause(40) == Duration::from_secs(30));
    }

    #[test]
    fn the_hubs_own_words_are_told_in_short() {
        assert_eq!(reason(400, "{\"error\":\"no\"}"), "it answered 400: no");
        assert_eq!(reason(502, ""), "it answered 502");
        assert!(reason(500, &"x".repeat(10_000)).len() < 300);
    }
}
