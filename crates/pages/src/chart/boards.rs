//! The 42 integrated care boards of England, and where each has its tile.
//!
//! Codes and names are those of the ODS (December 2024). A tile stands about where the board lies, so that
//! neighbours are mostly neighbours; no boundary is drawn, as none is needed.

/// A care board and its tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CareBoard {
    /// Its code in the ODS.
    pub code: &'static str,
    /// Its name, without `NHS` and `Integrated Care Board`.
    pub name: &'static str,
    /// What its tile is marked with: at most four letters.
    pub mark: &'static str,
    /// From the west, from 0.
    pub column: u8,
    /// From the north, from 0.
    pub row: u8,
}

/// Columns and rows of the map.
pub const COLUMNS: u8 = 8;
/// Rows of the map.
pub const ROWS: u8 = 9;

/// All of them, from north to south and west to east.
pub const CARE_BOARDS: [CareBoard; 42] = [
    at(4, 0, "QHM", "NENC", "North East and North Cumbria"),
    at(3, 1, "QE1", "LSC", "Lancashire and South Cumbria"),
    at(4, 1, "QWO", "WY", "West Yorkshire"),
    at(5, 1, "QOQ", "HNY", "Humber and North Yorkshire"),
    at(2, 2, "QYG", "CM", "Cheshire and Merseyside"),
    at(3, 2, "QOP", "GM", "Greater Manchester"),
    at(4, 2, "QF7", "SY", "South Yorkshire"),
    at(2, 3, "QOC", "STW", "Shropshire, Telford and Wrekin"),
    at(3, 3, "QNC", "SSOT", "Staffordshire and Stoke-on-Trent"),
    at(4, 3, "QJ2", "DD", "Derby and Derbyshire"),
    at(5, 3, "QT1", "NN", "Nottingham and Nottinghamshire"),
    at(6, 3, "QJM", "LINC", "Lincolnshire"),
    at(2, 4, "QGH", "HW", "Herefordshire and Worcestershire"),
    at(3, 4, "QUA", "BC", "Black Country"),
    at(4, 4, "QHL", "BSOL", "Birmingham and Solihull"),
    at(5, 4, "QK1", "LLR", "Leicester, Leicestershire and Rutland"),
    at(6, 4, "QUE", "CP", "Cambridgeshire and Peterborough"),
    at(7, 4, "QMM", "NAW", "Norfolk and Waveney"),
    at(2, 5, "QR1", "GLOS", "Gloucestershire"),
    at(3, 5, "QWU", "CW", "Coventry and Warwickshire"),
    at(4, 5, "QPM", "NHTS", "Northamptonshire"),
    at(5, 5, "QHG", "BLMK", "Bedfordshire, Luton and Milton Keynes"),
    at(6, 5, "QM7", "HWE", "Hertfordshire and West Essex"),
    at(7, 5, "QJG", "SNEE", "Suffolk and North East Essex"),
    at(1, 6, "QUY", "BNSG", "Bristol, North Somerset and South Gloucestershire"),
    at(2, 6, "QOX", "BSW", "Bath and North East Somerset, Swindon and Wiltshire"),
    at(3, 6, "QU9", "BOB", "Buckinghamshire, Oxfordshire and Berkshire West"),
    at(4, 6, "QRV", "NWL", "North West London"),
    at(5, 6, "QMJ", "NCL", "North Central London"),
    at(6, 6, "QMF", "NEL", "North East London"),
    at(7, 6, "QH8", "MSE", "Mid and South Essex"),
    at(1, 7, "QSL", "SOM", "Somerset"),
    at(3, 7, "QNQ", "FRIM", "Frimley"),
    at(4, 7, "QWE", "SWL", "South West London"),
    at(5, 7, "QKK", "SEL", "South East London"),
    at(6, 7, "QKS", "KM", "Kent and Medway"),
    at(0, 8, "QT6", "CIOS", "Cornwall and the Isles of Scilly"),
    at(1, 8, "QJK", "DEV", "Devon"),
    at(2, 8, "QVV", "DOR", "Dorset"),
    at(3, 8, "QRL", "HIOW", "Hampshire and Isle of Wight"),
    at(4, 8, "QXU", "SH", "Surrey Heartlands"),
    at(5, 8, "QNX", "SX", "Sussex"),
];

const fn at(column: u8, row: u8, code: &'static str, mark: &'static str, name: &'static str) -> CareBoard {
    CareBoard { code, name, mark, column, row }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_code_a_mark_and_a_place_that_no_other_has() {
        fn different<T: Ord>(of: impl Fn(&CareBoard) -> T) -> usize {
            CARE_BOARDS.iter().map(of).collect::<BTreeSet<T>>().len()
        }
        assert_eq!(different(|board| board.code), 42);
        assert_eq!(different(|board| board.mark), 42);
        assert_eq!(different(|board| board.name), 42);
        assert_eq!(different(|board| (board.column, board.row)), 42);
    }

    #[test]
    fn all_are_on_the_map_in_the_order_in_which_one_reads() {
        assert!(CARE_BOARDS.is_sorted_by_key(|board| (board.row, board.column)));
        for board in CARE_BOARDS {
            assert!(board.column < COLUMNS && board.row < ROWS && board.mark.len() <= 4, "{}", board.name);
        }
    }
}
