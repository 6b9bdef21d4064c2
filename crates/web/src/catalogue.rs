//! Files of the lake as the store's catalogue lists them, and back.

use ward_lake::{Day, LakeFile};
use ward_store::lake_files::LakeFile as Entry;

/// Files as entries.
pub fn entries(files: &[LakeFile]) -> Vec<Entry> {
    files.iter().map(entry).collect()
}

/// A file as an entry.
pub fn entry(file: &LakeFile) -> Entry {
    Entry {
        path: file.path.clone(),
        organisation: file.organisation.clone(),
        day: number(file.day),
        rows: file.rows,
        bytes: file.bytes,
        min_time: file.min_time,
        max_time: file.max_time,
        digest: file.digest,
        index: file.index.clone(),
    }
}

/// Entries as files.
pub fn files(entries: Vec<Entry>) -> Vec<LakeFile> {
    entries.into_iter().map(file).collect()
}

/// Days since 1970-01-01.
pub fn number(day: Day) -> i64 {
    day.start().seconds().div_euclid(86_400)
}

/// The day of this number: days since 1970-01-01.
pub fn day(number: i64) -> Day {
    Day::of(ward_core::Timestamp::from_micros(number.saturating_mul(86_400_000_000)))
}

fn file(entry: Entry) -> LakeFile {
    LakeFile {
        path: entry.path,
        organisation: entry.organisation,
        day: day(entry.day),
        rows: entry.rows,
        bytes: entry.bytes,
        min_time: entry.min_time,
        max_time: entry.max_time,
        digest: entry.digest,
        index: entry.index,
    }
}

#[cfg(test)]
mod tests {
    use ward_core::{OrganisationId, Timestamp};

    use super::*;

    #[test]
    fn a_file_comes_back_from_the_catalogue_as_it_went_in() {
        let time = Timestamp::parse("1969-12-31T23:00:00Z").unwrap();
        let file = LakeFile {
            path: "organisation=RR8/day=1969-12-31/1-0.parquet".to_owned(),
            organisation: OrganisationId::new("RR8").unwrap(),
            day: Day::of(time),
            rows: 3,
            bytes: 4711,
            min_time: time,
            max_time: time,
            digest: 7,
            index: vec![1, 2],
        };
        assert_eq!(files(entries(std::slice::from_ref(&file))), [file]);
    }
}
