//! IP addresses and networks, in their canonical forms only.

use core::net::IpAddr;

use gostd::netip::{masked, width};

/// An address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ip(pub(crate) IpAddr);

/// An address and how many bits of it name the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    pub(crate) ip: Ip,
    pub(crate) bits: u32,
}

impl Ip {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Ok(ip) = text.parse::<IpAddr>() else {
            return Err(match text.contains('%') {
                true => format!("IP address {text:?} with zone value is not allowed"),
                false => format!(
                    "IP Address {text:?} parse error during conversion from string: ParseAddr({text:?}): {}",
                    why(text)
                ),
            });
        };
        match ip {
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
                Err(format!("IPv4-mapped IPv6 address {text:?} is not allowed"))
            }
            ip => Ok(Self(ip)),
        }
    }

    pub(crate) fn family(self) -> i64 {
        if self.0.is_ipv4() { 4 } else { 6 }
    }

    pub(crate) fn is_link_local_unicast(self) -> bool {
        match self.0 {
            IpAddr::V4(ip) => ip.is_link_local(),
            IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
        }
    }

    pub(crate) fn is_link_local_multicast(self) -> bool {
        match self.0 {
            IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
            IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
        }
    }

    pub(crate) fn is_global_unicast(self) -> bool {
        let broadcast = matches!(self.0, IpAddr::V4(ip) if ip.is_broadcast());
        !broadcast
            && !self.0.is_unspecified()
            && !self.0.is_loopback()
            && !self.0.is_multicast()
            && !self.is_link_local_unicast()
    }

    fn masked(self, bits: u32) -> Self {
        Self(masked(self.0, bits))
    }
}

/// Go's words for what is no address.
fn why(text: &str) -> String {
    if text.contains(':') {
        return "unexpected character".into();
    }
    if !text.contains('.') {
        return "unable to parse IP".into();
    }
    let parts: Vec<&str> = text.split('.').collect();
    if parts.iter().any(|part| part.parse::<u32>().is_ok_and(|number| number > 255)) {
        return "IPv4 field has value >255".into();
    }
    if parts.len() < 4 { "IPv4 address too short".into() } else { "unexpected character".into() }
}

impl Cidr {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fail = |why: String| format!("CIDR {text:?} parse error during conversion from string: {why}");
        let prefix = |why: &str| fail(format!("netip.ParsePrefix({text:?}): {why}"));
        let (address, bits) = text.rsplit_once('/').ok_or_else(|| prefix("no '/'"))?;
        let ip =
            Ip::parse(address).map_err(|_| prefix(&format!("ParseAddr({address:?}): {}", why(address))))?;
        let plain =
            bits.bytes().all(|byte| byte.is_ascii_digit()) && (bits.len() == 1 || !bits.starts_with('0'));
        let number = bits
            .parse::<u32>()
            .ok()
            .filter(|_| plain)
            .ok_or_else(|| prefix(&format!("bad bits after slash: {bits:?}")))?;
        if number > width(ip.0) {
            return Err(prefix("prefix length out of range"));
        }
        Ok(Self { ip, bits: number })
    }

    pub(crate) fn contains(self, ip: Ip) -> bool {
        ip.family() == self.ip.family() && ip.masked(self.bits) == self.ip.masked(self.bits)
    }

    pub(crate) fn contains_network(self, other: Self) -> bool {
        self.contains(other.ip) && self.bits <= other.bits
    }

    pub(crate) fn masked(self) -> Self {
        Self { ip: self.ip.masked(self.bits), bits: self.bits }
    }
}
