//! What the kernel says it dropped.

use tokio::net::UdpSocket;

/// The datagrams dropped for one socket, as `/proc/net/udp` and `udp6` count them. Elsewhere: none.
#[derive(Debug)]
pub(crate) struct Dropped {
    port: u16,
    before: u64,
}

impl Dropped {
    pub(crate) fn of(socket: &UdpSocket) -> Self {
        let port = socket.local_addr().map_or(0, |address| address.port());
        Self { port, before: dropped(port) }
    }

    /// How many more they are than when this was last asked.
    pub(crate) fn since(&mut self) -> u64 {
        let now = dropped(self.port);
        let more = now.saturating_sub(self.before);
        self.before = now;
        more
    }
}

fn dropped(port: u16) -> u64 {
    let tables = ["/proc/net/udp", "/proc/net/udp6"];
    tables
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .map(|table| of_port(&table, port))
        .sum()
}

/// The sum of the last column of the sockets with this local port.
fn of_port(table: &str, port: u16) -> u64 {
    let ending = format!(":{port:04X}");
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.get(1).is_some_and(|address| address.ends_with(&ending)))
        .filter_map(|row| row.last()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_read_by_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            1: 0100007F:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 12\n\
            2: 00000000:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 3\n\
            3: 00000000:1202 00000000:0202 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 9\n";
        assert_eq!(of_port(table, 514), 15);
        assert_eq!(of_port(table, 515), 0);
        assert_eq!(of_port("", 514), 0);
    }
}
