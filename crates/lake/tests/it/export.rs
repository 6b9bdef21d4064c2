//! What leaves for other programs.

use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ward_lake::{Export, ExportFormat, FoundRow};

use crate::sample::{event, events};

fn exported(rows: &[FoundRow], format: ExportFormat) -> Vec<u8> {
    let mut export = Export::new(format).unwrap();
    let mut bytes: Vec<u8> = rows.iter().flat_map(|row| export.push(row).unwrap()).collect();
    bytes.extend(export.finish().unwrap());
    bytes
}

#[test]
fn each_event_is_a_line_of_json_with_all_its_columns() {
    let text = String::from_utf8(exported(&events(0..1_000), ExportFormat::Ndjson)).unwrap();
    assert_eq!(text.lines().count(), 1_000);
    let row: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(row["organisation"], "RR8");
    assert_eq!(row["addresses"][0], "10.0.0.0");
    assert_eq!(row["raw"], String::from_utf8(event(0).raw).unwrap());
    assert_eq!(row.get("user"), None, "what is not known is left out");
}

#[test]
fn no_cell_of_a_table_is_a_formula() {
    let mut row = event(0);
    row.user = Some("=cmd|' /c calc'!a0".into());
    row.domains = vec!["@sum".into(), "b".into()];
    row.raw = b"\0#=1+1".to_vec();
    let text = String::from_utf8(exported(&[row.clone()], ExportFormat::Csv)).unwrap();
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with("organisation,batch,index,time,"));
    let line = lines.next().unwrap();
    assert!(line.contains(",\"'=cmd|' /c calc'!a0\","), "{line}");
    assert!(line.contains(",\"'@sum b\","), "{line}");
    row.raw = b"-2+3".to_vec();
    let text = String::from_utf8(exported(&[row], ExportFormat::Csv)).unwrap();
    assert!(text.ends_with(",\"'-2+3\"\n"), "{text}");
    assert_eq!(exported(&[], ExportFormat::Csv).iter().filter(|byte| **byte == b'\n').count(), 1);
}

#[test]
fn a_parquet_file_has_all_rows() {
    let bytes = Bytes::from(exported(&events(0..3_000), ExportFormat::Parquet));
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 3_000);
}

#[test]
fn formats_are_found_by_their_names() {
    for format in ExportFormat::ALL {
        assert_eq!(ExportFormat::named(format.name()), Some(format));
    }
    assert_eq!(ExportFormat::named("xlsx"), None);
}
