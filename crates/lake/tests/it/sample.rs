//! Events to fill a lake with.

use tempfile::TempDir;
use ward_core::{BatchId, EventId, OrganisationId, Scope, Timestamp};
use ward_lake::{
    FoundRow, Lake, LakeFile, LakeRow, Limits, Query, Scanned, SegmentWriter, TimeRange, WriteOptions,
};

/// A lake in a folder of its own, and what its catalogue would say.
pub struct TestLake {
    pub folder: TempDir,
    pub lake: Lake,
    pub files: Vec<LakeFile>,
    pub rows: Vec<FoundRow>,
}

impl TestLake {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let lake = Lake::new(folder.path());
        Self { folder, lake, files: Vec::new(), rows: Vec::new() }
    }

    /// Writes a segment of these events.
    pub fn with(mut self, segment: &str, rows: Vec<FoundRow>) -> Self {
        self.files.extend(self.write(segment, &rows, small()));
        self.rows.extend(rows);
        self
    }

    pub fn write(&self, segment: &str, rows: &[FoundRow], options: WriteOptions) -> Vec<LakeFile> {
        let writer = SegmentWriter::new(&self.lake, segment, options).unwrap();
        rows.iter().for_each(|row| push(&writer, row));
        writer.finish().unwrap()
    }

    pub fn search(&self, scope: &Scope, query: &str) -> (Vec<FoundRow>, Scanned) {
        self.search_in(scope, query, TimeRange::ALL, Limits { rows: usize::MAX, ..Limits::default() })
    }

    pub fn search_in(
        &self,
        scope: &Scope,
        query: &str,
        range: TimeRange,
        limits: Limits,
    ) -> (Vec<FoundRow>, Scanned) {
        let query = Query::parse(query).unwrap();
        let mut search = self.lake.search(scope, &self.files, &query, range, limits).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = search.blocking_next() {
            rows.push(row.unwrap());
        }
        (rows, search.scanned())
    }

    /// What the plain meaning of the query says, newest first.
    pub fn plainly(&self, query: &str) -> Vec<FoundRow> {
        let query = Query::parse(query).unwrap();
        let mut rows: Vec<_> = self.rows.iter().filter(|row| query.matches(row)).cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.time, row.id, row.organisation.clone())));
        rows
    }
}

/// Row groups so small that a test has many.
pub fn small() -> WriteOptions {
    WriteOptions { group_rows: 512, ..WriteOptions::default() }
}

pub fn push(writer: &SegmentWriter, row: &FoundRow) {
    fn texts(list: &[String]) -> Vec<&str> {
        list.iter().map(String::as_str).collect()
    }
    writer
        .push(&LakeRow {
            id: row.id,
            organisation: &row.organisation,
            time: row.time,
            received: row.received,
            source: &row.source,
            format: &row.format,
            device: row.device.as_deref(),
            user: row.user.as_deref(),
            class_uid: row.class_uid,
            log_source: &row.log_source,
            addresses: &texts(&row.addresses),
            hashes: &texts(&row.hashes),
            domains: &texts(&row.domains),
            urls: &texts(&row.urls),
            raw: &row.raw,
        })
        .unwrap();
}

pub fn organisation(code: &str) -> OrganisationId {
    OrganisationId::new(code).unwrap()
}

pub fn leeds() -> Scope {
    Scope::of([organisation("RR8")])
}

pub fn everyone() -> Scope {
    Scope::of(["RR8", "RCB", "RAE"].map(organisation))
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The nth of many events: of three organisations, over three days, mostly in order of time.
pub fn event(nth: u64) -> FoundRow {
    let organisation = organisation(["RR8", "RCB", "RAE"][(nth % 3) as usize]);
    let jitter = (nth.wrapping_mul(2_654_435_761) % 30_000_000) as i64;
    let time = at("2026-11-24T06:00:00Z").micros() + (nth as i64) * 60_000_000 + jitter;
    let device = format!("pc{:04}.{}.example", nth % 200, organisation.as_str().to_lowercase());
    let address = format!("10.{}.{}.{}", nth % 3, nth / 250 % 250, nth % 250);
    let raw = format!(
        r#"{{"EventID":{},"Computer":"{}","winlog":{{"event_data":{{"Image":"C:\\Windows\\System32\\{}","LogonType":"{}"}}}},"bytes":{},"src":"{address}"}}"#,
        4624 + nth % 3,
        device.to_uppercase(),
        ["cmd.exe", "powershell.exe", "Spiegel\u{e9}.exe"][(nth % 7 % 3) as usize],
        nth % 11,
        nth * 13 % 5000,
    );
    FoundRow {
        id: EventId { batch: BatchId(1 + nth / 100), index: (nth % 100) as u32 },
        organisation,
        time: Timestamp::from_micros(time),
        received: Timestamp::from_micros(time + 1_000_000),
        source: format!("winlogbeat-{}", nth % 4),
        format: if nth.is_multiple_of(5) { "syslog".into() } else { "ndjson".into() },
        device: Some(device),
        user: (!nth.is_multiple_of(4)).then(|| format!("trust\\user{}", nth % 50)),
        class_uid: [3002, 1007, 0][(nth % 3) as usize],
        log_source: ["windows/process_creation/sysmon", "windows//security"][(nth % 2) as usize].into(),
        addresses: if nth.is_multiple_of(2) { vec![address, format!("2001:db8::{nth:x}")] } else { vec![] },
        hashes: if nth.is_multiple_of(9) { vec![format!("{nth:064x}")] } else { vec![] },
        domains: if nth.is_multiple_of(6) { vec![format!("d{}.evil.example", nth % 40)] } else { vec![] },
        urls: if nth.is_multiple_of(50) {
            vec![format!("https://d{nth}.evil.example/a?b=c")]
        } else {
            vec![]
        },
        raw: raw.into_bytes(),
    }
}

pub fn events(range: std::ops::Range<u64>) -> Vec<FoundRow> {
    range.map(event).collect()
}
