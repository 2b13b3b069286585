//! Kubernetes' own types: URLs, quantities, addresses, versions, formats; and optional values.

use std::sync::Arc;

use schema::{Quantity, QuantityError};

use super::address::{Cidr, Ip};
use super::semver::Version;
use super::url::Url;
use super::{Answer, named_format};
use crate::val::Val;

/// Functions that make a value, or ask whether one could be made.
pub(super) fn make(name: &str, args: &[Val]) -> Option<Answer> {
    let yes = |flag: bool| Some(Ok(Val::Bool(flag)));
    match (name, args) {
        ("url", [Val::String(text)]) => Some(
            Url::parse(text)
                .map(|url| Val::Url(Arc::new(url)))
                .map_err(|why| format!("URL parse error during conversion from string: {why}")),
        ),
        ("isURL", [Val::String(text)]) => yes(Url::parse(text).is_ok()),
        ("quantity", [Val::String(text)]) => Some(
            text.parse()
                .map(|quantity| Val::Quantity(Arc::new(quantity)))
                .map_err(|error: QuantityError| error.to_string()),
        ),
        ("isQuantity", [Val::String(text)]) => yes(text.parse::<Quantity>().is_ok()),
        ("sign", [Val::Quantity(quantity)]) => Some(Ok(Val::Int(quantity.sign() as i64))),
        ("ip", [Val::String(text)]) => Some(Ip::parse(text).map(Val::Ip)),
        ("isIP", [Val::String(text)]) => yes(Ip::parse(text).is_ok()),
        ("ip.isCanonical", [Val::String(text)]) => {
            Some(Ip::parse(text).map(|ip| Val::Bool(ip.0.to_string() == **text)))
        }
        ("cidr", [Val::String(text)]) => Some(Cidr::parse(text).map(Val::Cidr)),
        ("isCIDR", [Val::String(text)]) => yes(Cidr::parse(text).is_ok()),
        ("semver", [Val::String(text)]) => {
            Some(Version::parse(text).map(|version| Val::Semver(Arc::new(version))))
        }
        ("semver", [Val::String(text), Val::Bool(loosely)]) => {
            Some(version(text, *loosely).map(|version| Val::Semver(Arc::new(version))))
        }
        ("isSemver", [Val::String(text)]) => yes(Version::parse(text).is_ok()),
        ("isSemver", [Val::String(text), Val::Bool(loosely)]) => yes(version(text, *loosely).is_ok()),
        ("format.named", [Val::String(name)]) => {
            Some(Ok(Val::Optional(named_format::is_named(name).map(|name| Arc::new(Val::Format(name))))))
        }
        ("optional.of", [value]) => Some(Ok(Val::some(value.clone()))),
        ("optional.none", []) => Some(Ok(Val::Optional(None))),
        ("optional.ofNonZeroValue", [value]) => {
            Some(Ok(if is_zero(value) { Val::Optional(None) } else { Val::some(value.clone()) }))
        }
        (name, []) => {
            let format = named_format::is_named(name.strip_prefix("format.")?)?;
            Some(Ok(Val::Format(format)))
        }
        _ => None,
    }
}

fn version(text: &str, loosely: bool) -> Result<Version, String> {
    if loosely { Version::parse_loosely(text) } else { Version::parse(text) }
}

fn is_zero(value: &Val) -> bool {
    match value {
        Val::Null | Val::Optional(None) => true,
        Val::Bool(flag) => !flag,
        Val::Int(0) | Val::Uint(0) | Val::Duration(0) => true,
        Val::Double(number) => *number == 0.0,
        other => other.size() == Some(0),
    }
}

pub(super) fn method(name: &str, target: &Val, args: &[Val]) -> Option<Answer> {
    match target {
        Val::Url(url) => url_part(name, url, args),
        Val::Quantity(quantity) => quantity_method(name, quantity, args),
        Val::Ip(ip) => ip_method(name, *ip, args),
        Val::Cidr(cidr) => cidr_method(name, *cidr, args),
        Val::Semver(version) => {
            let number = |at: usize| Some(Ok(Val::Int(version.numbers[at] as i64)));
            match (name, args) {
                ("major", []) => number(0),
                ("minor", []) => number(1),
                ("patch", []) => number(2),
                (_, [Val::Semver(other)]) => order(name, version.cmp(other)),
                _ => None,
            }
        }
        Val::Format(format) => match (name, args) {
            ("validate", [Val::String(text)]) => {
                let mistakes = named_format::validate(format, text);
                let list = || Val::list(mistakes.iter().map(|text| Val::text(&**text)).collect());
                Some(Ok(if mistakes.is_empty() { Val::Optional(None) } else { Val::some(list()) }))
            }
            _ => None,
        },
        Val::Optional(inner) => optional(name, inner, args),
        _ => None,
    }
}

fn url_part(name: &str, url: &Url, args: &[Val]) -> Option<Answer> {
    if !args.is_empty() {
        return None;
    }
    Some(Ok(match name {
        "getScheme" => Val::text(&*url.scheme),
        "getHost" => Val::text(&*url.host),
        "getHostname" => Val::text(url.hostname()),
        "getPort" => Val::text(url.port()),
        "getEscapedPath" => Val::text(url.escaped_path()),
        "getQuery" => url.query(),
        _ => return None,
    }))
}

fn order(name: &str, order: std::cmp::Ordering) -> Option<Answer> {
    Some(Ok(match name {
        "isLessThan" => Val::Bool(order.is_lt()),
        "isGreaterThan" => Val::Bool(order.is_gt()),
        "compareTo" => Val::Int(order as i64),
        _ => return None,
    }))
}

fn quantity_method(name: &str, quantity: &Quantity, args: &[Val]) -> Option<Answer> {
    let other = match args {
        [Val::Quantity(other)] => Some((**other).clone()),
        [Val::Int(number)] => Some(Quantity::from(*number)),
        _ => None,
    };
    Some(Ok(match (name, other) {
        ("isInteger", None) => Val::Bool(quantity.integer().is_some()),
        ("asInteger", None) => {
            return Some(quantity.integer().map(Val::Int).ok_or("cannot convert value to integer".into()));
        }
        ("asApproximateFloat", None) => Val::Double(quantity.float()),
        ("add", Some(other)) => Val::Quantity(Arc::new(quantity.plus(&other))),
        ("sub", Some(other)) => Val::Quantity(Arc::new(quantity.minus(&other))),
        (name, Some(other)) => return order(name, quantity.cmp(&other)),
        _ => return None,
    }))
}

fn ip_method(name: &str, ip: Ip, args: &[Val]) -> Option<Answer> {
    if !args.is_empty() {
        return None;
    }
    Some(Ok(match name {
        "family" => Val::Int(ip.family()),
        "isUnspecified" => Val::Bool(ip.0.is_unspecified()),
        "isLoopback" => Val::Bool(ip.0.is_loopback()),
        "isLinkLocalMulticast" => Val::Bool(ip.is_link_local_multicast()),
        "isLinkLocalUnicast" => Val::Bool(ip.is_link_local_unicast()),
        "isGlobalUnicast" => Val::Bool(ip.is_global_unicast()),
        _ => return None,
    }))
}

fn cidr_method(name: &str, cidr: Cidr, args: &[Val]) -> Option<Answer> {
    Some(Ok(match (name, args) {
        ("ip", []) => Val::Ip(cidr.ip),
        ("masked", []) => Val::Cidr(cidr.masked()),
        ("prefixLength", []) => Val::Int(cidr.bits.into()),
        ("containsIP", [Val::Ip(ip)]) => Val::Bool(cidr.contains(*ip)),
        ("containsIP", [Val::String(text)]) => {
            return Some(Ip::parse(text).map(|ip| Val::Bool(cidr.contains(ip))));
        }
        ("containsCIDR", [Val::Cidr(other)]) => Val::Bool(cidr.contains_network(*other)),
        ("containsCIDR", [Val::String(text)]) => {
            return Some(Cidr::parse(text).map(|other| Val::Bool(cidr.contains_network(other))));
        }
        _ => return None,
    }))
}

fn optional(name: &str, inner: &Option<Arc<Val>>, args: &[Val]) -> Option<Answer> {
    Some(match (name, args) {
        ("hasValue", []) => Ok(Val::Bool(inner.is_some())),
        ("value", []) => inner.as_deref().cloned().ok_or("optional.none() dereference".into()),
        ("orValue", [other]) => Ok(inner.as_deref().unwrap_or(other).clone()),
        ("or", [other @ Val::Optional(_)]) => {
            Ok(if inner.is_some() { Val::Optional(inner.clone()) } else { other.clone() })
        }
        _ => return None,
    })
}
