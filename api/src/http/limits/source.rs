//! Where a request comes from, as far as limits need to know.

use axum::http::HeaderMap;
use std::net::{IpAddr, SocketAddr};

/// A source: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Source([u8; 16]);

impl Source {
    /// The source that an address belongs to. An IPv4 address that came mapped into IPv6 is the same source.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(v4.to_ipv6_mapped().octets()),
            IpAddr::V6(v6) => Self((u128::from(v6) >> 64 << 64).to_be_bytes()),
        }
    }
}

/// The address of a request. A trusted proxy is believed for the address that it added, which stands last: a client can
/// write what it likes before that. An entry that cannot be read ends the search, since what stands before it was
/// vouched for by nobody.
pub(super) fn address(trusted: &[IpAddr], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.contains(&peer) {
        return peer;
    }
    // Some proxies add a line of their own instead of an entry to the line that is there.
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let entries = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(',').map(str::trim));
    let mut nearest = peer;
    for entry in entries {
        let Some(address) = parse(entry) else { return nearest };
        nearest = address;
        if !trusted.contains(&address) {
            break;
        }
    }
    nearest
}

/// An address, with a port or brackets or without.
fn parse(entry: &str) -> Option<IpAddr> {
    let bare = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || Some(entry.parse::<SocketAddr>().ok()?.ip());
    entry.parse().ok().or_else(bare).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn seen(peer: &str, lines: &[&str]) -> IpAddr {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        address(&[ip("10.0.0.1"), ip("10.0.0.2"), ip("2001:db8:f::1")], ip(peer), &headers)
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_for_what_it_added() {
        let table: [(&str, &[&str], &str); 14] = [
            ("198.51.100.7", &["203.0.113.9"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            // A proxy that writes a line of its own: the client's line is not the last.
            ("10.0.0.1", &["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["6.6.6.6, 203.0.113.9:4711"], "203.0.113.9"),
            ("10.0.0.1", &["[2001:db8::7]:443"], "2001:db8::7"),
            ("10.0.0.1", &["6.6.6.6, [2001:db8::7]"], "2001:db8::7"),
            // What cannot be read is no reason to believe what stands before it.
            ("10.0.0.1", &["6.6.6.6, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:198.51.100.7", &["203.0.113.9"], "198.51.100.7"),
            ("2001:db8:f::1", &["::ffff:203.0.113.9"], "203.0.113.9"),
        ];
        for (peer, lines, expected) in table {
            assert_eq!(seen(peer, lines), ip(expected), "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_source_is_an_ipv4_address_or_half_an_ipv6_address() {
        let same = |a: &str, b: &str| Source::of(ip(a)) == Source::of(ip(b));
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("203.0.113.9", "::ffff:203.0.113.9"));
        assert!(!same("203.0.113.9", "203.0.113.10"));
    }
}
