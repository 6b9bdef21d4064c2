//! Every seed, whole and damaged, through its target: what libFuzzer once found stays mended, on machines
//! without libFuzzer too.

use std::fs;
use std::path::{Path, PathBuf};

use ward_fuzz::{TARGETS, Target};

#[test]
fn every_seed_whole_cut_short_and_with_flipped_bits_comes_back() {
    for target in TARGETS {
        for path in seeds(target) {
            let seed = fs::read(&path).unwrap();
            (target.run)(&seed);
            for cut in places(seed.len()) {
                (target.run)(&seed[..cut]);
            }
            for (nth, place) in places(seed.len()).enumerate() {
                let mut damaged = seed.clone();
                damaged[place] ^= 1 << (nth % 8);
                (target.run)(&damaged);
            }
        }
    }
}

#[test]
fn each_target_has_seeds_and_each_folder_of_seeds_a_target() {
    let mut folders: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(folders, names, "TARGETS is sorted, each with a folder of its name in fuzz/seeds");
    for target in TARGETS {
        assert!(!seeds(target).is_empty(), "{} has no seeds", target.name);
        for seed in seeds(target) {
            let size = seed.metadata().unwrap().len();
            assert!(size <= 64 * 1024, "{} has {size} bytes: seeds stay small", seed.display());
        }
    }
}

#[test]
fn the_empty_input_comes_back() {
    for target in TARGETS {
        (target.run)(b"");
    }
}

/// At most 40 places, evenly spread.
fn places(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(len.div_ceil(40).max(1))
}

fn seeds(target: &Target) -> Vec<PathBuf> {
    let folder = root().join(target.name);
    let mut seeds: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    seeds
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
}
