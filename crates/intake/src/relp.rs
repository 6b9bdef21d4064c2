//! RELP, version 0 (librelp): syslog whose every message is answered; rsyslog's `omrelp`.
//!
//! A client opens a session, sends messages, each with a number, and holds them until it hears that number. It is
//! told once they are kept. What comes together goes into one batch and is answered together.
//!
//! After a broken connection the client sends again what it has not heard of, under new numbers, so a message whose
//! answer was lost on the way comes twice. There is no refusing: while the journal is full nothing is answered, and
//! after a while the connection is closed, so that the client knows that it must send again.

pub mod frames;
mod serve;

pub(crate) use serve::serve;
