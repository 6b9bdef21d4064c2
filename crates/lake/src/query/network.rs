//! Networks of IP addresses: `10.0.0.0/8`, `2001:db8::/32`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network in the notation of RFC 4632 and RFC 4291.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether the text is an address in it.
    pub fn holds(self, address: &str) -> bool {
        let Ok(address) = address.parse::<IpAddr>() else { return false };
        let same = |a: u128, b: u128, width: u8| {
            let hidden = u32::from(width.saturating_sub(self.prefix));
            a.checked_shr(hidden).unwrap_or(0) == b.checked_shr(hidden).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = text.split_once('/').ok_or(())?;
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let prefix: u8 = prefix.parse().map_err(|_| ())?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= widest).then_some(Self { address, prefix }).ok_or(())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_other() {
        let ward: Network = "10.4.0.0/14".parse().unwrap();
        assert!(ward.holds("10.4.0.1") && ward.holds("10.7.255.255"));
        assert!(!ward.holds("10.8.0.0") && !ward.holds("::ffff:10.4.0.1") && !ward.holds("pacs01"));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.holds("255.255.255.255") && !all.holds("::1"));
        let six: Network = "2001:db8::/32".parse().unwrap();
        assert!(six.holds("2001:db8:ffff::1") && !six.holds("2001:db9::1"));
        let everything: Network = "::/0".parse().unwrap();
        assert!(everything.holds("fe80::1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0/8", "/8", "10.0.0.0/-1"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
