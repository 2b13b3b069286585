//! IP addresses.

use core::net::IpAddr;

use schema::At;

/// An address as Go's lenient reader takes it: leading zeros in IPv4 count as decimal.
pub(crate) fn parse_ip(text: &str) -> Option<IpAddr> {
    let lenient = || {
        let octets: Vec<u8> = text.split('.').map(octet).collect::<Option<_>>()?;
        Some(IpAddr::from(<[u8; 4]>::try_from(octets).ok()?))
    };
    text.parse().ok().filter(|_| !text.contains('%')).or_else(lenient)
}

fn octet(text: &str) -> Option<u8> {
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().ok(),
        false => None,
    }
}

/// What is wrong with an address where only its canonical form is taken.
pub(crate) fn is_canonical_ip(text: &str) -> Vec<String> {
    let Some(address) = parse_ip(text) else {
        return vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".into()];
    };
    if text.parse::<IpAddr>().is_err() {
        return vec!["must not have leading 0s".into()];
    }
    if matches!(address, IpAddr::V6(six) if six.to_ipv4_mapped().is_some()) {
        return vec!["must not be an IPv4-mapped IPv6 address".into()];
    }
    match address.to_string() {
        canonical if canonical == text => Vec::new(),
        canonical => vec![format!("must be in canonical form (\"{canonical}\")")],
    }
}

/// What is wrong with an address where another than the canonical form has always been taken.
pub(crate) fn legacy_ip(text: &str) -> Vec<String> {
    is_canonical_ip(text)
        .into_iter()
        .filter(|wrong| !wrong.starts_with("must be in canonical form"))
        .collect()
}

/// What the server warns of in an address that it takes.
pub(crate) fn ip_warnings(at: &At, text: &str) -> Vec<String> {
    let Some(address) = parse_ip(text) else { return Vec::new() };
    let canonical = match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        four => four,
    };
    if canonical != address || text.parse::<IpAddr>().is_err() {
        return vec![format!("{at}: non-standard IP address {text:?} is invalid: use \"{canonical}\"")];
    }
    if address.is_ipv6() && address.to_string() != text {
        return vec![format!(
            "{at}: IPv6 address {text:?} should be in RFC 5952 canonical format (\"{address}\")"
        )];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_canonical_or_the_server_says_why_not() {
        let check = |text: &str, wrong: &[&str]| assert_eq!(is_canonical_ip(text), wrong, "{text}");
        check("10.0.0.1", &[]);
        check("::1", &[]);
        check("010.0.0.1", &["must not have leading 0s"]);
        check("::ffff:1.2.3.4", &["must not be an IPv4-mapped IPv6 address"]);
        check("0:0::1", &["must be in canonical form (\"::1\")"]);
        check("x", &["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]);
    }
}
