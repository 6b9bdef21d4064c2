//! A disk so small that it can be filled.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of its own, in memory. Gone when dropped.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// One of so many megabytes in this folder. `None`: that is not permitted here, which was told.
    pub fn mount(folder: &Path, megabytes: u32) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let size = format!("size={megabytes}m");
        let mounted = mount(&["-t", "tmpfs", "-o", &size, "tmpfs", &folder.to_string_lossy()])
            .then(|| Self(folder.to_owned()));
        if mounted.is_none() {
            println!("skipped: no tmpfs mount");
        }
        mounted
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut ballast = File::options().create(true).append(true).open(self.ballast()).unwrap();
        for size in [1 << 20, 4096, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Gives the room back.
    pub fn empty(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    /// Lets nothing be written, or everything again.
    pub fn protect(&self, protected: bool) {
        let how = if protected { "remount,ro" } else { "remount,rw" };
        assert!(mount(&["-o", how, &self.0.to_string_lossy()]), "{how}");
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str]) -> bool {
    Command::new("mount").args(arguments).status().is_ok_and(|status| status.success())
}
