//! Messages one after another, in the shape in which the batch is read again.

use ward_telemetry::input::Format;

/// A batch of syslog messages being filled.
#[derive(Debug, Default)]
pub struct Messages {
    payload: Vec<u8>,
    events: u64,
    frames: bool,
}

impl Messages {
    /// Adds a message. `counted`: it came so, and may hold anything.
    pub fn push(&mut self, message: &[u8], counted: bool) {
        if !self.frames && (counted || memchr::memchr(b'\n', message).is_some()) {
            self.frames = true;
            let lines = std::mem::take(&mut self.payload);
            for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                self.frame(line);
            }
        }
        if self.frames {
            self.frame(message);
        } else {
            self.payload.extend_from_slice(message);
            self.payload.push(b'\n');
        }
        self.events += 1;
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// Whether there is none yet.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// The name of their format, their bytes and how many they are; it is empty then.
    pub fn take(&mut self) -> (&'static str, Vec<u8>, u64) {
        let format = if self.frames { Format::SyslogFrames } else { Format::Syslog };
        let room = Vec::with_capacity(self.payload.len());
        let payload = std::mem::replace(&mut self.payload, room);
        self.frames = false;
        (format.as_str(), payload, std::mem::take(&mut self.events))
    }

    fn frame(&mut self, message: &[u8]) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = message.len();
        loop {
            at -= 1;
            if let Some(digit) = digits.get_mut(at) {
                *digit = b'0' + (rest % 10) as u8;
            }
            rest /= 10;
            if rest == 0 || at == 0 {
                break;
            }
        }
        self.payload.extend_from_slice(digits.get(at..).unwrap_or_default());
        self.payload.push(b' ');
        self.payload.extend_from_slice(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(messages: &[(&str, bool)]) -> (String, String, u64) {
        let mut batch = Messages::default();
        for (message, counted) in messages {
            batch.push(message.as_bytes(), *counted);
        }
        let (format, payload, events) = batch.take();
        assert!(batch.is_empty());
        (format.to_owned(), String::from_utf8(payload).unwrap(), events)
    }

    #[test]
    fn lines_stay_lines_until_a_message_does_not_fit_on_one() {
        let (format, payload, events) = taken(&[("<1>a", false), ("<1>bc", false)]);
        assert_eq!((format.as_str(), payload.as_str(), events), ("syslog", "<1>a\n<1>bc\n", 2));
        let (format, payload, events) = taken(&[("<1>a", false), ("<1>b\nc", false), ("<1>d", false)]);
        assert_eq!((format.as_str(), events), ("syslog-frames", 3));
        assert_eq!(payload, "4 <1>a6 <1>b\nc4 <1>d");
    }

    #[test]
    fn counted_messages_stay_counted() {
        let long = format!("<1>{}", "x".repeat(1234));
        let (format, payload, _) = taken(&[("<1>a\n", true), (&long, true)]);
        assert_eq!((format.as_str(), payload), ("syslog-frames", format!("5 <1>a\n1237 {long}")));
    }
}
