//! The index of a file: for each row group its times and the places of its filters.
//!
//! It is kept in the catalogue, so that a search decides about a row group by reading 32 bytes of the file:
//! the one block of a split-block bloom filter in which a value would have left its bits.
//!
//! Invariant: a filter may say "perhaps" of a value that is not there, never "no" of one that is.

use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use ward_core::Timestamp;

use crate::schema::{INDEXED, leaf};

/// What is known of a row group without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    /// How many rows.
    pub rows: u32,
    /// Time of the earliest of them.
    pub min_time: i64,
    /// Time of the latest of them.
    pub max_time: i64,
    /// The first batch that any of them came in.
    pub min_batch: u64,
    /// The last.
    pub max_batch: u64,
    /// Their filters, in the order of [`INDEXED`].
    pub filters: [Filter; INDEXED.len()],
}

/// Where a filter's bits are. Without blocks there is no filter, and anything may be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    offset: u64,
    blocks: u32,
}

impl Filter {
    /// Bytes of a block.
    pub const BLOCK: usize = 32;

    /// Where in the file the block is that would have the bits of a value with this hash. `None`: there is
    /// no filter.
    pub fn block_of(self, hash: u64) -> Option<u64> {
        let nth = (hash >> 32).wrapping_mul(u64::from(self.blocks)) >> 32;
        (self.blocks > 0).then(|| self.offset + nth * Self::BLOCK as u64)
    }
}

/// Hash of a value in the filters.
pub(crate) fn hash(value: &str) -> u64 {
    twox_hash::XxHash64::oneshot(0, value.as_bytes())
}

/// Whether a value may be among those whose block this is.
pub(crate) fn perhaps(block: &[u8], value: &str) -> bool {
    // a filter of one block looks nowhere else
    block.len() != Filter::BLOCK || Sbbf::new(block).check(value)
}

/// The row groups of a file, from its footer. `None`: it has no times, so it is none of the lake's.
pub(crate) fn groups_of(footer: &ParquetMetaData) -> Option<Vec<Group>> {
    footer.row_groups().iter().map(group_of).collect()
}

fn group_of(group: &RowGroupMetaData) -> Option<Group> {
    let (min_time, max_time) = range_of(group, "time")?;
    let (min_batch, max_batch) = range_of(group, "batch")?;
    let mut filters = [Filter::default(); INDEXED.len()];
    for (filter, column) in filters.iter_mut().zip(INDEXED) {
        let chunk = group.columns().iter().find(|chunk| *chunk.column_path() == leaf(column))?;
        let (Some(offset), Some(length)) = (chunk.bloom_filter_offset(), chunk.bloom_filter_length()) else {
            continue;
        };
        // a short header, then a power of two of blocks, which is more than the header
        let length = u64::try_from(length).ok()?;
        let bits = length.checked_ilog2().map_or(0, |power| 1_u64 << power);
        let offset = u64::try_from(offset).ok()? + (length - bits);
        *filter = Filter { offset, blocks: u32::try_from(bits / Filter::BLOCK as u64).ok()? };
    }
    Some(Group {
        rows: u32::try_from(group.num_rows()).ok()?,
        min_time,
        max_time,
        min_batch: min_batch as u64,
        max_batch: max_batch as u64,
        filters,
    })
}

fn range_of(group: &RowGroupMetaData, name: &str) -> Option<(i64, i64)> {
    let column = group.columns().iter().find(|column| column.column_path().string() == name)?;
    let Some(Statistics::Int64(values)) = column.statistics() else { return None };
    Some((*values.min_opt()?, *values.max_opt()?))
}

/// The bytes that the catalogue keeps.
pub(crate) fn encode(groups: &[Group]) -> Vec<u8> {
    let mut out = vec![VERSION];
    for group in groups {
        out.extend_from_slice(&group.rows.to_le_bytes());
        out.extend_from_slice(&group.min_time.to_le_bytes());
        out.extend_from_slice(&group.max_time.to_le_bytes());
        out.extend_from_slice(&group.min_batch.to_le_bytes());
        out.extend_from_slice(&group.max_batch.to_le_bytes());
        for filter in group.filters {
            out.extend_from_slice(&filter.offset.to_le_bytes());
            out.extend_from_slice(&filter.blocks.to_le_bytes());
        }
    }
    out
}

/// What [`encode`] made. `None`: it was made otherwise, so the file itself must tell.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<Group>> {
    let (&version, rest) = bytes.split_first()?;
    let (groups, left) = rest.as_chunks::<GROUP>();
    (version == VERSION && left.is_empty()).then(|| groups.iter().map(group_from).collect())
}

fn group_from(bytes: &[u8; GROUP]) -> Group {
    let mut rest = &bytes[..];
    let mut number = |length: usize| {
        let (now, later) = rest.split_at(length);
        rest = later;
        now.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let rows = number(4) as u32;
    let (min_time, max_time) = (number(8) as i64, number(8) as i64);
    let (min_batch, max_batch) = (number(8), number(8));
    let filters = std::array::from_fn(|_| Filter { offset: number(8), blocks: number(4) as u32 });
    Group { rows, min_time, max_time, min_batch, max_batch, filters }
}

/// First and last time of all groups.
pub(crate) fn span(groups: &[Group]) -> Option<(Timestamp, Timestamp)> {
    let first = groups.iter().map(|group| group.min_time).min()?;
    let last = groups.iter().map(|group| group.max_time).max()?;
    Some((Timestamp::from_micros(first), Timestamp::from_micros(last)))
}

const VERSION: u8 = 1;
const GROUP: usize = 4 + 4 * 8 + INDEXED.len() * 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_comes_back_as_it_was_and_no_other_bytes_are_one() {
        let filters = std::array::from_fn(|nth| Filter { offset: 1 << (nth * 9), blocks: 1 << nth });
        let group = Group {
            rows: 32_768,
            min_time: -5,
            max_time: i64::MAX,
            min_batch: 1,
            max_batch: u64::MAX,
            filters,
        };
        let bytes = encode(&[group, Group { rows: 1, ..group }]);
        assert_eq!(bytes.len(), 1 + 2 * GROUP);
        assert_eq!(decode(&bytes), Some(vec![group, Group { rows: 1, ..group }]));
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&[VERSION + 1]), None);
    }

    #[test]
    fn one_block_answers_as_the_whole_filter_does() {
        let mut whole = Sbbf::new_with_ndv_fpp(1_000, 0.01).unwrap();
        let values: Vec<String> = (0..1_000).map(|nth| format!("10.0.{}.{}", nth / 250, nth % 250)).collect();
        values.iter().for_each(|value| whole.insert(value.as_str()));
        let mut bits = Vec::new();
        whole.write_bitset(&mut bits).unwrap();
        let filter = Filter { offset: 0, blocks: whole.num_blocks() as u32 };
        let ask = |value: &str| {
            let at = filter.block_of(hash(value)).unwrap() as usize;
            perhaps(&bits[at..at + Filter::BLOCK], value)
        };
        assert!(values.iter().all(|value| ask(value)));
        let strangers = (0..10_000).map(|nth| format!("host{nth}"));
        let wrong = strangers.filter(|value| {
            assert_eq!(ask(value), whole.check(value.as_str()));
            ask(value)
        });
        assert!(wrong.count() < 300);
    }
}
