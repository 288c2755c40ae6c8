//! From where a request comes, as far as that can be believed.
//!
//! Invariant: what a header says of addresses counts only when a proxy that the settings name has sent it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Entries of one header that are looked at, from its end: no honest chain of proxies is longer.
const HOPS_MAX: usize = 16;

/// The address of whoever sent a request, of which limits are kept: one of IPv4, or the first half of one of IPv6, which is
/// what one customer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientAddress(IpAddr);

impl std::fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ClientAddress {
    /// The address of whoever connected, or whom the proxies between us and them say to have connected.
    pub fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
        let mut client = peer.to_canonical();
        if !is_trusted(&client) {
            return Self::one(client);
        }
        // The last proxy adds at the end. What comes before the first one that is not trusted may be made up.
        for hop in hops(headers).into_iter().rev().take(HOPS_MAX) {
            let Some(address) = hop else { break };
            client = address.to_canonical();
            if !is_trusted(&client) {
                break;
            }
        }
        Self::one(client)
    }

    fn one(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                let half = address.to_bits() & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from_bits(half))
            }
        })
    }
}

/// Whom each proxy saw: `X-Forwarded-For`, else `Forwarded` (RFC 7239). None for what is no address.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = |name: &str| {
        let values = headers.get_all(name).into_iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|value| value.trim().to_owned())
            .collect::<Vec<_>>()
    };
    let plain = values("x-forwarded-for");
    if !plain.is_empty() {
        return plain.iter().map(|text| address(text)).collect();
    }
    let full = values("forwarded");
    full.iter().map(|text| forwarded_for(text)).collect()
}

fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pair = element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    });
    address(pair?.trim_matches('"'))
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| {
        let with_port = text.parse::<SocketAddr>().ok();
        with_port.map(|address| address.ip())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, name: &'static str, value: &str) -> IpAddr {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        ClientAddress::of(peer.parse().unwrap(), &headers, &trusted).0
    }

    #[test]
    fn headers_of_proxies_count_and_those_of_others_do_not() {
        let cases = [
            ("192.0.2.1", "x-forwarded-for", "198.51.100.7", "192.0.2.1"),
            (
                "10.0.0.1",
                "x-forwarded-for",
                "198.51.100.7",
                "198.51.100.7",
            ),
            // The client made up the first one.
            (
                "10.0.0.1",
                "x-forwarded-for",
                "203.0.113.9, 198.51.100.7",
                "198.51.100.7",
            ),
            (
                "10.0.0.1",
                "x-forwarded-for",
                "198.51.100.7, 10.0.0.2",
                "198.51.100.7",
            ),
            (
                "10.0.0.1",
                "x-forwarded-for",
                "198.51.100.7:4711",
                "198.51.100.7",
            ),
            ("10.0.0.1", "x-forwarded-for", "unknown", "10.0.0.1"),
            (
                "10.0.0.1",
                "forwarded",
                "for=198.51.100.7;proto=https",
                "198.51.100.7",
            ),
            (
                "10.0.0.1",
                "forwarded",
                "For=\"[2001:db8::1]:4711\"",
                "2001:db8::",
            ),
            (
                "fd00::1",
                "x-forwarded-for",
                "2001:db8::ffff:1:2:3",
                "2001:db8::",
            ),
            (
                "::ffff:10.0.0.1",
                "x-forwarded-for",
                "198.51.100.7",
                "198.51.100.7",
            ),
            ("10.0.0.1", "x-other", "198.51.100.7", "10.0.0.1"),
        ];
        for (peer, name, value, expected) in cases {
            let expected: IpAddr = expected.parse().unwrap();
            assert_eq!(
                client(peer, name, value),
                expected,
                "{peer} {name}: {value}"
            );
        }
    }
}
