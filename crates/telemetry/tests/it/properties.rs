//! What holds for all bytes: no panic, and the same outcome however the bytes arrive and are cut.

use crate::reading::{names, read, read_from};
use proptest::prelude::*;
use std::io::Read;
use ward_telemetry::input::{Decoder, Format, Limits, Options, parts};

/// Gives its bytes a few at a time.
struct Trickle(Vec<u8>, usize);

impl Read for Trickle {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(self.0.len()).min(out.len());
        out[..count].copy_from_slice(&self.0[..count]);
        self.0.drain(..count);
        Ok(count)
    }
}

const KNOWN: [&str; 12] =
    ["a", "b", "message", "name", "severity", "hostname", "timestamp", "type", "a0", "id.x", "src", "body"];

/// Words that mean something to some parser.
fn telling() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\",
        "\n",
        "\r\n",
        ",",
        ":",
        "=",
        "|",
        "\t",
        " ",
        "a",
        "b",
        "1",
        "\"a\":1",
        "{\"a\":\"b\"}\n",
        "{\"Records\":[",
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":",
        "<34>",
        "1 ",
        "<165>1 2003-10-11T22:14:15.003Z h a p m [id x=\"y\"] ",
        "Oct 11 22:14:15 ",
        "12 <1>",
        "CEF:0|",
        "LEEF:2.0|a|b|c|d|^|",
        "cs1Label=",
        "type=EXECVE msg=audit(1.2:3): a0=",
        "6162",
        "#fields\t",
        "#Fields: ",
        "#separator \\x09\n",
        "a,b\n",
        "\"x\ny\",",
        "é",
        "\u{0}",
        "- - [10/Oct/2000:1 +0] \"GET ",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

fn formats() -> impl Strategy<Value = Option<Format>> {
    prop::option::of(prop::sample::select(Format::ALL.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_bytes_as_any_format_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        format in formats(),
    ) {
        let options = Options { format, ..Options::default() };
        read(&bytes, &names(&KNOWN), &options);
        if let Some(format) = format {
            Decoder::new(&options).decode_kept(format, &bytes, &names(&KNOWN), &mut |_| {});
            parts(format, &bytes, &mut |_| {});
        }
    }

    #[test]
    fn telling_words_as_any_format_read_the_same_however_they_are_cut(
        text in telling(),
        format in formats(),
        block in 1usize..80,
        piece in 1usize..20,
        live in any::<bool>(),
    ) {
        let names = names(&KNOWN);
        let options = Options { format, ..Options::default() };
        let whole = read(text.as_bytes(), &names, &options);
        let limits = Limits { block, ..Limits::default() };
        // The format of a live input is told from what is there, which may be less.
        let live = live && whole.format.is_some_and(|format| format != Format::Json);
        let format = if live { whole.format } else { format };
        let trickle = Trickle(text.clone().into_bytes(), piece);
        let cut = read_from(Box::new(trickle), &names, &Options { format, live, limits, ..Options::default() });
        prop_assert_eq!(whole.outcome(), cut.outcome());
    }

    #[test]
    fn evtx_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), at in 0usize..3000) {
        let mut file = b"ElfFile\0".to_vec();
        file.resize(4096, 0);
        file.extend_from_slice(b"ElfChnk\0");
        file.resize(4096 + 65_536, 0);
        file[4096 + 48..4096 + 52].copy_from_slice(&60_000u32.to_le_bytes());
        file[4096 + 512..4096 + 516].copy_from_slice(b"**\0\0");
        let at = 4096 + at;
        file[at..at + bytes.len()].copy_from_slice(&bytes);
        read(&file, &names(&KNOWN), &Options::default());
    }
}
