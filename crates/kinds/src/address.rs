//! Addresses and networks where the server reads them as it did before it was strict: a value that an object had already is
//! taken as it is.

use core::net::IpAddr;

use gostd::netip::{masked, width};
use lockstep_core::Value;
use schema::{At, FieldError};

pub(crate) use crate::meta::ip_warnings;
use crate::meta::{Wrong, invalid_each, parse_ip};

const NOT_A_NETWORK: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// A network: an address with the number of leading bits that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// As Go's lenient reader takes it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address = parse_ip(address)?;
        let bits: u32 =
            Some(bits).filter(|bits| bits.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
        (bits <= width(address)).then_some(Self { address, bits })
    }

    /// The number of leading bits that count.
    pub(crate) fn bits(self) -> u32 {
        self.bits
    }

    /// The address without the bits behind those that count.
    pub(crate) fn first(self) -> IpAddr {
        masked(self.address, self.bits)
    }

    /// Whether an address lies in the network.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.bits) == self.first()
    }

    /// Whether its addresses are of IPv6.
    pub(crate) fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    fn canonical(self) -> String {
        format!("{}/{}", self.first(), self.bits)
    }
}

/// An address that need not be canonical; what stands in `old` is taken.
pub(crate) fn legacy_ip(text: &str, old: &[&str]) -> Wrong {
    if old.contains(&text) { Vec::new() } else { crate::meta::legacy_ip(text) }
}

/// A network that need not be canonical; what stands in `old` is taken.
pub(crate) fn legacy_cidr(text: &str, old: &[&str]) -> Wrong {
    if old.contains(&text) { Vec::new() } else { strict_cidr(text) }
}

fn strict_cidr(text: &str) -> Wrong {
    let Some(network) = Network::parse(text) else { return vec![NOT_A_NETWORK.into()] };
    let (address, bits) = text.split_once('/').unwrap_or_default();
    if address.parse::<IpAddr>().is_err() || (bits.len() > 1 && bits.starts_with('0')) {
        return vec!["must not have leading 0s in IP or prefix length".into()];
    }
    if matches!(network.address, IpAddr::V6(six) if six.to_ipv4_mapped().is_some()) {
        return vec!["must not have an IPv4-mapped IPv6 address".into()];
    }
    match network.address == network.first() {
        true => Vec::new(),
        false => vec!["must not have bits set beyond the prefix length".into()],
    }
}

/// A network in its canonical form only.
pub(crate) fn canonical_cidr(text: &str) -> Wrong {
    let wrong = strict_cidr(text);
    match Network::parse(text).map(Network::canonical) {
        Some(canonical) if wrong.is_empty() && canonical != text => {
            vec![format!("must be in canonical form (\"{canonical}\")")]
        }
        _ => wrong,
    }
}

/// An address that can be that of an endpoint.
pub(crate) fn validate_endpoint_ip(errors: &mut Vec<FieldError>, at: &At, text: &str) {
    let wrong = match parse_ip(text) {
        Some(address) => not_for_endpoints(address, text),
        None => vec!["must be a valid IP address".into()],
    };
    invalid_each(errors, at, &text.into(), wrong);
}

fn not_for_endpoints(address: IpAddr, text: &str) -> Wrong {
    let (link_local, link_multicast) = match address {
        IpAddr::V4(four) => {
            (four.is_link_local(), Network::parse("224.0.0.0/24").is_some_and(|net| net.contains(address)))
        }
        IpAddr::V6(six) => (six.is_unicast_link_local(), six.segments()[0] & 0xff0f == 0xff02),
    };
    let mut wrong = Vec::new();
    if address.is_unspecified() {
        wrong.push(format!("may not be unspecified ({text})"));
    }
    if address.is_loopback() {
        wrong.push("may not be in the loopback range (127.0.0.0/8, ::1/128)".into());
    }
    if link_local {
        wrong.push("may not be in the link-local range (169.254.0.0/16, fe80::/10)".into());
    }
    if link_multicast {
        wrong.push("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".into());
    }
    wrong
}

/// What a writer of a network is warned of.
pub(crate) fn cidr_warnings(at: &At, text: &str) -> Vec<String> {
    let Some(network) = Network::parse(text) else { return Vec::new() };
    let (canonical, mut warnings) = (network.canonical(), Vec::new());
    if network.address != network.first() {
        let single = format!("{}/{}", network.address, width(network.address));
        warnings.push(format!(
            "{at}: CIDR value \"{text}\" is ambiguous in this context (should be \"{canonical}\" or \"{single}\"?)"
        ));
    }
    let address = text.split_once('/').unwrap_or_default().0;
    if address.parse::<IpAddr>().is_err() {
        warnings.push(format!("{at}: non-standard CIDR value \"{text}\" is invalid: use \"{canonical}\""));
    }
    if warnings.is_empty() && network.is_ipv6() && format!("{}/{}", network.address, network.bits) != text {
        warnings.push(format!(
            "{at}: IPv6 CIDR value \"{text}\" should be in RFC 5952 canonical format (\"{canonical}\")"
        ));
    }
    warnings
}

/// The texts of a list.
pub(crate) fn texts(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_leniently_and_named_wrong_in_the_words_of_the_server() {
        let check = |text: &str, wrong: &[&str]| assert_eq!(canonical_cidr(text), wrong, "{text}");
        check("10.0.0.0/8", &[]);
        check("::/0", &[]);
        check("abc", &[NOT_A_NETWORK]);
        check("10.0.0.0/33", &[NOT_A_NETWORK]);
        check("10.0.0.1/8", &["must not have bits set beyond the prefix length"]);
        check("010.0.0.0/8", &["must not have leading 0s in IP or prefix length"]);
        check("0:0::/32", &["must be in canonical form (\"::/32\")"]);
        assert_eq!(legacy_cidr("10.0.0.1/8", &["10.0.0.1/8"]), Wrong::new());
        let network = Network::parse("10.1.0.0/16").unwrap();
        assert!(
            network.contains("10.1.2.3".parse().unwrap()) && !network.contains("10.2.0.0".parse().unwrap())
        );
    }

    #[test]
    fn writers_are_warned_of_odd_addresses() {
        let at = At::ROOT.field("ip");
        assert_eq!(ip_warnings(&at, "10.0.0.1"), Vec::<String>::new());
        assert_eq!(
            ip_warnings(&at, "010.0.0.1"),
            ["ip: non-standard IP address \"010.0.0.1\" is invalid: use \"10.0.0.1\""]
        );
        assert_eq!(
            cidr_warnings(&at, "10.0.0.1/8"),
            [
                "ip: CIDR value \"10.0.0.1/8\" is ambiguous in this context (should be \"10.0.0.0/8\" or \"10.0.0.1/32\"?)"
            ]
        );
    }
}
