//! The detection corpus, whole and damaged.

use crate::reading::{corpus, files_below, names, read, read_from};
use std::fs::File;
use ward_telemetry::input::{Format, Options};

#[test]
fn every_file_of_the_corpus_is_read_without_fault() {
    let Some(folder) = corpus() else { return };
    let names = names(&["Event.System.EventID", "Event.System.EventID.#text", "EventID"]);
    for (below, extension, format, files, events) in [
        ("", "evtx", Format::Evtx, 251, None),
        ("sigma_regression", "json", Format::Json, 165, None),
        ("json/OTRF", "jsonl", Format::JsonLines, 14, Some(9267)),
    ] {
        let found = files_below(&folder.join(below), extension);
        assert_eq!(found.len(), files);
        let mut count = 0;
        for path in found {
            let reading = read_from(Box::new(File::open(&path).unwrap()), &names, &Options::default());
            assert!(reading.failure.is_none(), "{}: {:?}", path.display(), reading.failure);
            assert!(reading.bad.is_empty(), "{}: {:?}", path.display(), reading.bad);
            assert_eq!(reading.format, Some(format), "{}", path.display());
            assert!(reading.count() > 0, "{}", path.display());
            assert!(reading.events.iter().all(|(_, values)| !values.is_empty()), "{}", path.display());
            count += reading.count();
        }
        println!("{extension}: {count} events");
        assert!(events.is_none_or(|events| events == count), "{count}");
    }
}

#[test]
fn an_evtx_cut_anywhere_gives_what_came_before_and_says_so() {
    let Some(folder) = corpus() else { return };
    let names = names(&["Event.System.EventID"]);
    for path in files_below(&folder, "evtx") {
        let whole = std::fs::read(&path).unwrap();
        let complete = read(&whole, &names, &Options::default());
        let mut most = 0;
        for twentieth in 0..20 {
            let cut = whole.len() * twentieth / 20;
            let reading = read(&whole[..cut], &names, &Options::default());
            let place = format!("{} cut at {cut}", path.display());
            assert!(reading.count() >= most, "{place}: fewer events than from less");
            assert_eq!(reading.events[..], complete.events[..reading.count()], "{place}");
            let told = !reading.bad.is_empty() || reading.failure.is_some();
            // Where a chunk ends, a file that was not closed may end too.
            let on_border = cut == 0 || (cut >= 4096 && (cut - 4096).is_multiple_of(65_536));
            assert!(told || on_border || reading.count() == complete.count(), "{place}: not told");
            most = reading.count();
        }
    }
}

#[test]
fn an_evtx_with_flipped_bits_loses_little_and_says_so() {
    let Some(folder) = corpus() else { return };
    let names = names(&["Event.System.EventID"]);
    let mut seed = 0x5eed_u64;
    for path in files_below(&folder, "evtx").into_iter().step_by(5) {
        let whole = std::fs::read(&path).unwrap();
        let complete = read(&whole, &names, &Options::default()).count();
        for _ in 0..10 {
            let mut damaged = whole.clone();
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 20) as usize % damaged.len();
            damaged[at] ^= 1 << (seed >> 60 & 7);
            let reading = read(&damaged, &names, &Options::default());
            let place = format!("{} flipped at {at}", path.display());
            // All chunks but the one hit are whole.
            let of_one_chunk = 65_536 / 100;
            assert!(reading.count() + of_one_chunk >= complete, "{place}: {} of {complete}", reading.count());
        }
    }
}
