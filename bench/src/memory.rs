//! How much memory this process has, as the kernel says (`/proc/self/status`). 0 where it does not.

/// Resident bytes now.
pub fn resident() -> u64 {
    read("VmRSS:")
}

/// Most resident bytes so far.
pub fn peak() -> u64 {
    read("VmHWM:")
}

fn read(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
