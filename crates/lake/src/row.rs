//! One event as the lake keeps it.

use ward_core::{EventId, OrganisationId, Timestamp};

/// An event to be written. What it is searched by is put into lower case on the way; the original bytes
/// stay as they came.
#[derive(Debug, Clone, Copy)]
pub struct LakeRow<'a> {
    /// Which event of the hub.
    pub id: EventId,
    /// Whose it is.
    pub organisation: &'a OrganisationId,
    /// When it happened, by its own account.
    pub time: Timestamp,
    /// When it came.
    pub received: Timestamp,
    /// Who sent it.
    pub source: &'a str,
    /// In which format.
    pub format: &'a str,
    /// The device it happened on.
    pub device: Option<&'a str>,
    /// The user it is about.
    pub user: Option<&'a str>,
    /// OCSF class, such as 1007 for process activity. 0: unknown.
    pub class_uid: u32,
    /// Log source, such as `windows/process_creation/sysmon`.
    pub log_source: &'a str,
    /// IP addresses in it.
    pub addresses: &'a [&'a str],
    /// Hashes of files in it, in hexadecimal.
    pub hashes: &'a [&'a str],
    /// Domain names in it.
    pub domains: &'a [&'a str],
    /// URLs in it.
    pub urls: &'a [&'a str],
    /// The original bytes.
    pub raw: &'a [u8],
}

/// An event as it was read from the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRow {
    /// Which event of the hub.
    pub id: EventId,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// When it happened; when it came, if its own account was not credible.
    pub time: Timestamp,
    /// When it came.
    pub received: Timestamp,
    /// Who sent it.
    pub source: String,
    /// In which format.
    pub format: String,
    /// The device it happened on, in lower case.
    pub device: Option<String>,
    /// The user it is about, in lower case.
    pub user: Option<String>,
    /// OCSF class. 0: unknown.
    pub class_uid: u32,
    /// Log source.
    pub log_source: String,
    /// IP addresses in it.
    pub addresses: Vec<String>,
    /// Hashes of files in it.
    pub hashes: Vec<String>,
    /// Domain names in it.
    pub domains: Vec<String>,
    /// URLs in it.
    pub urls: Vec<String>,
    /// The original bytes.
    pub raw: Vec<u8>,
}

impl FoundRow {
    /// Bytes that it takes in memory, about.
    pub fn size(&self) -> usize {
        let texts = [&self.source, &self.format, &self.log_source].map(String::len).iter().sum::<usize>();
        let options = [&self.device, &self.user].map(|text| text.as_ref().map_or(0, String::len));
        let lists = [&self.addresses, &self.hashes, &self.domains, &self.urls];
        let lists: usize = lists.iter().flat_map(|list| list.iter()).map(|text| text.len() + 24).sum();
        size_of::<Self>() + texts + options.iter().sum::<usize>() + lists + self.raw.len()
    }
}

/// When the event counts as having happened: its own account, unless that is more than a day after it came
/// or more than ten years before (clocks that were never set say such things).
pub(crate) fn credible(time: Timestamp, received: Timestamp) -> Timestamp {
    let age = received.micros().saturating_sub(time.micros());
    if (-DAY..=10 * 366 * DAY).contains(&age) { time } else { received }
}

const DAY: i64 = 86_400_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_does_not_decide_the_day() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let received = at("2026-11-26T10:00:00Z");
        for honest in ["2026-11-26T09:59:59Z", "2026-11-27T09:00:00Z", "2019-01-01T00:00:00Z"] {
            assert_eq!(credible(at(honest), received), at(honest));
        }
        for silly in ["1970-01-01T00:00:00Z", "2026-11-27T10:00:01Z", "2106-02-07T06:28:15Z"] {
            assert_eq!(credible(at(silly), received), received, "{silly}");
        }
        assert_eq!(credible(Timestamp::from_micros(i64::MIN), received), received);
    }
}
