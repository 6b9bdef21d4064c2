//! `ward sql-process`: the process of one statement of SQL, which a hub starts for whoever asks it. What it takes past
//! its limits ends it, and not the hub.

use std::io::{BufWriter, Read};
use std::process::exit;

use rustix::process::{Resource, Rlimit, setrlimit};
use ward_lake::{Limits, SqlProcess, SqlProgram};

use crate::Ending;
use crate::error::Error;

/// The command, as it is called.
pub const NAME: &str = "sql-process";

/// How a hub starts it: the very program that runs, though an upgrade may have put another in its place.
pub fn program() -> Option<SqlProgram> {
    let own = std::path::PathBuf::from("/proc/self/exe");
    let program = if own.exists() { own } else { std::env::current_exe().ok()? };
    Some(SqlProgram { program, arguments: vec![NAME.to_owned()] })
}

/// Answers the statement on standard input.
///
/// # Errors
/// There is none, or nobody hears the answer.
pub fn run() -> Result<Ending, Error> {
    let mut input = std::io::stdin();
    let process = SqlProcess::hear(&mut input)
        .map_err(|source| Error::Read { path: "standard input".into(), source })?;
    restrict(process.limits());
    // The hub says nothing more: when it is gone, so is this process.
    std::thread::spawn(move || {
        let _ = input.read(&mut [0]);
        exit(2);
    });
    process.answer(&mut BufWriter::new(std::io::stdout())).map_err(Error::Write)?;
    Ok(Ending::Nothing)
}

/// Takes away what a statement needs not. What the system does not let be taken away, the hub's own limits bound.
fn restrict(limits: &Limits) {
    // Where memory runs out, the system ends this before anything else.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let data = limits.memory as u64 * 2 + MACHINERY + data_so_far();
    let _ = setrlimit(Resource::Data, both(data));
    let _ = setrlimit(Resource::Core, both(0));
    let _ = setrlimit(Resource::Fsize, both(0));
    let _ = setrlimit(Resource::Cpu, both(limits.time.as_secs().saturating_mul(PROCESSORS) + 1));
}

fn both(most: u64) -> Rlimit {
    Rlimit { current: Some(most), maximum: Some(most) }
}

/// Bytes of writable memory that the process has asked for until now.
fn data_so_far() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmData:")?.split_whitespace().next());
    kilobytes.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Bytes for stacks of threads, and for what reading files takes.
const MACHINERY: u64 = 512 << 20;
/// Most processors that one statement keeps busy.
const PROCESSORS: u64 = 64;
