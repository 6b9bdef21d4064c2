//! What this process has used, as the kernel says under `/proc/self`. 0 where it does not.

use std::time::Duration;

/// Resident bytes now.
pub fn resident() -> u64 {
    read("VmRSS:")
}

/// Most resident bytes so far.
pub fn peak() -> u64 {
    read("VmHWM:")
}

/// Time that this thread has run on a processor: what a busy machine does not distort.
pub fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|number| number.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

fn read(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
