//! What the allocator holds, in the words of Prometheus: whether memory that grows is in use, or lies in pieces.

use std::fmt::Write as _;

use tikv_jemalloc_ctl::{epoch, stats};

/// The figures of jemalloc (its manual, `stats.*`), in bytes. Empty if it has none.
pub fn text() -> String {
    // They stand still between epochs.
    if epoch::advance().is_err() {
        return String::new();
    }
    let figures = [
        ("ward_heap_allocated_bytes", "Bytes that the program asked for", stats::allocated::read()),
        ("ward_heap_active_bytes", "Bytes of the pages that these lie in", stats::active::read()),
        ("ward_heap_metadata_bytes", "Bytes of the allocator's own", stats::metadata::read()),
        ("ward_heap_resident_bytes", "Bytes of pages not given back yet", stats::resident::read()),
    ];
    let mut text = String::new();
    for (name, help, value) in figures {
        if let Ok(value) = value {
            let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} gauge\n{name} {value}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_held_is_told() {
        let held = vec![1_u8; 10 << 20];
        let text = super::text();
        let of = |name: &str| -> u64 {
            let line = text.lines().find(|line| line.starts_with(name)).expect(name);
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        assert!(of("ward_heap_allocated_bytes ") >= held.len() as u64, "{text}");
        assert!(of("ward_heap_resident_bytes ") >= of("ward_heap_active_bytes "), "{text}");
    }
}
