//! A desk to work at: a folder with rules and events, and `ward` run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder that goes when the test ends.
pub struct Desk {
    folder: TempDir,
}

/// A rule for the command line of a process, with this title, level and text to look for.
pub fn rule(title: &str, level: &str, text: &str) -> String {
    format!(
        "title: {title}\nid: {title}\nstatus: test\nlevel: {level}\nauthor: A. Nurse\n\
         tags:\n  - attack.impact\n  - attack.t1490\n\
         logsource:\n  category: process_creation\n  product: windows\n\
         detection:\n  sel:\n    CommandLine|contains: '{text}'\n  condition: sel\n"
    )
}

/// A process creation as a shipper writes it, at this second of 2026-11-23 08:00.
pub fn event(second: u32, host: &str, command: &str) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        "{{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":1,\
         \"UtcTime\":\"2026-11-23 08:{minute:02}:{second:02}.000\",\"Hostname\":\"{host}\",\
         \"User\":\"TRUST\\\\nurse\",\"CommandLine\":\"{command}\"}}"
    )
}

impl Desk {
    /// A desk with one rule, `shadow`, in `rules/`.
    pub fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.write("rules/shadow.yml", rule("shadow", "high", "delete shadows"));
        desk
    }

    /// Writes a file.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Writes events of which each `every`th is found.
    pub fn write_events(&self, path: &str, count: u32, every: u32) {
        let command = |n: u32| if n.is_multiple_of(every) { "vssadmin delete shadows" } else { "whoami" };
        let lines: Vec<String> = (1..=count).map(|n| event(n % 3600, "PACS01", command(n))).collect();
        self.write(path, lines.join("\n"));
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `ward` with these arguments, in the folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ward"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null()).env_remove("NO_COLOR");
        command
    }

    /// Runs `ward`.
    pub fn ward(&self, args: &[&str]) -> Ran {
        Ran(self.command(args).output().unwrap())
    }
}

/// What became of a run.
pub struct Ran(pub Output);

impl Ran {
    /// Its exit code.
    pub fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    /// What it wrote to standard output.
    pub fn out(&self) -> &str {
        std::str::from_utf8(&self.0.stdout).unwrap()
    }

    /// What it wrote to standard error.
    pub fn err(&self) -> &str {
        std::str::from_utf8(&self.0.stderr).unwrap()
    }

    /// Its output, as JSON lines.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
