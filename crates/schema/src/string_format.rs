//! The formats of strings that the API server knows, as k8s.io/kube-openapi's strfmt checks them.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use regex::Regex;

/// Whether the API server checks a format of strings; hyphens do not count in its name.
pub(crate) fn is_known(format: &str) -> bool {
    FORMATS.iter().any(|(name, _)| *name == normal(format))
}

/// Whether a text is of a format; of one that is not known, it is.
pub(crate) fn is_valid(format: &str, text: &str) -> bool {
    let normal = normal(format);
    FORMATS.iter().find(|(name, _)| *name == normal).is_none_or(|(_, check)| check(text))
}

fn normal(format: &str) -> String {
    format.replace('-', "")
}

type Check = fn(&str) -> bool;

static FORMATS: &[(&str, Check)] = &[
    ("bsonobjectid", |text| text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())),
    ("uri", is_uri),
    ("email", is_email),
    ("hostname", is_hostname),
    ("ipv4", |text| text.contains('.') && is_ip(text)),
    ("ipv6", |text| text.contains(':') && is_ip(text)),
    ("cidr", is_cidr),
    ("mac", is_mac),
    ("uuid", |text| matches(&UUID, text)),
    ("uuid3", |text| matches(&UUID3, text)),
    ("uuid4", |text| matches(&UUID4, text)),
    ("uuid5", |text| matches(&UUID5, text)),
    ("isbn", |text| is_isbn10(text) || is_isbn13(text)),
    ("isbn10", is_isbn10),
    ("isbn13", is_isbn13),
    ("creditcard", is_credit_card),
    ("ssn", |text| matches(&SSN, text)),
    ("hexcolor", |text| matches(&HEX_COLOR, text)),
    ("rgbcolor", |text| matches(&RGB_COLOR, text)),
    ("byte", is_base64),
    ("password", |_| true),
    ("date", is_date),
    ("duration", |text| duration(text).is_some()),
    ("datetime", is_date_time),
    ("k8sshortname", |text| text.len() <= 63 && matches(&SHORT_NAME, text)),
    ("k8slongname", |text| text.len() <= 253 && matches(&LONG_NAME, text)),
];

type Lazy = LazyLock<Option<Regex>>;

fn matches(regex: &Lazy, text: &str) -> bool {
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
}

static UUID: Lazy = LazyLock::new(|| Regex::new("(?i)^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$").ok());
static UUID3: Lazy = LazyLock::new(|| {
    Regex::new("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$").ok()
});
static UUID4: Lazy = LazyLock::new(|| {
    Regex::new("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$").ok()
});
static UUID5: Lazy = LazyLock::new(|| {
    Regex::new("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$").ok()
});
static SSN: Lazy = LazyLock::new(|| Regex::new("^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$").ok());
static HEX_COLOR: Lazy = LazyLock::new(|| Regex::new("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$").ok());
static RGB_COLOR: Lazy = LazyLock::new(|| {
    let part = "(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])";
    Regex::new(&format!(r"^rgb\(\s*{part}\s*,\s*{part}\s*,\s*{part}\s*\)$")).ok()
});
static BASE64: Lazy = LazyLock::new(|| {
    Regex::new("^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$").ok()
});
static SHORT_NAME: Lazy = LazyLock::new(|| Regex::new("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$").ok());
static LONG_NAME: Lazy =
    LazyLock::new(|| Regex::new("^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$").ok());
static HOSTNAME: Lazy = LazyLock::new(|| {
    Regex::new(r"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$").ok()
});
static TIME: Lazy = LazyLock::new(|| {
    Regex::new("^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$").ok()
});
static CARD: Lazy = LazyLock::new(|| {
    Regex::new("^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|(222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11}|6[27][0-9]{14})$").ok()
});
static DURATION: Lazy = LazyLock::new(|| Regex::new(r"(([0-9]+)\s*([A-Za-zµ]+))").ok());

fn is_base64(text: &str) -> bool {
    matches(&BASE64, text)
}

/// As Go's `url.ParseRequestURI`: a scheme, or a path from the root.
fn is_uri(text: &str) -> bool {
    if text.is_empty() || text.chars().any(|char| char.is_control() || char == ' ') {
        return false;
    }
    if text.starts_with('/') {
        return true;
    }
    let Some((scheme, _)) = text.split_once(':') else { return false };
    scheme.starts_with(|char: char| char.is_ascii_alphabetic())
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
}

/// The address part of Go's `mail.ParseAddress`: a bare address, or one in angle brackets behind a name.
fn is_email(text: &str) -> bool {
    let text = text.trim();
    let address = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((_, address)) => address,
        None => text,
    };
    let atom = |part: &str| {
        !part.is_empty()
            && part.split('.').all(|word| {
                !word.is_empty()
                    && word.chars().all(|char| {
                        char.is_ascii_alphanumeric()
                            || "!#$%&'*+-/=?^_`{|}~".contains(char)
                            || !char.is_ascii()
                    })
            })
    };
    address.rsplit_once('@').is_some_and(|(local, domain)| {
        (atom(local) || (local.len() > 2 && local.starts_with('"') && local.ends_with('"'))) && atom(domain)
    })
}

fn is_hostname(text: &str) -> bool {
    matches(&HOSTNAME, text) && text.len() <= 255 && text.split('.').all(|part| part.len() <= 63)
}

/// As Kubernetes' "sloppy" reader: leading zeros are ignored.
fn is_ip(text: &str) -> bool {
    let sloppy = || {
        let parts: Vec<_> = text.split('.').collect();
        parts.len() == 4
            && parts.iter().all(|part| {
                !part.is_empty()
                    && part.bytes().all(|byte| byte.is_ascii_digit())
                    && part.trim_start_matches('0').parse::<u32>().unwrap_or(0) < 256
            })
    };
    text.parse::<Ipv4Addr>().is_ok() || text.parse::<Ipv6Addr>().is_ok() || sloppy()
}

fn is_cidr(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| {
        let most = if address.contains(':') { 128 } else { 32 };
        is_ip(address)
            && !bits.is_empty()
            && bits.bytes().all(|byte| byte.is_ascii_digit())
            && bits.parse::<u32>().is_ok_and(|bits| bits <= most)
    })
}

/// 6, 8 or 20 bytes, in pairs behind `:` or `-` or in fours behind `.`, as Go's `net.ParseMAC` reads them.
fn is_mac(text: &str) -> bool {
    let separator = text.chars().find(|char| ":-.".contains(*char));
    let Some(separator) = separator else { return false };
    let width = if separator == '.' { 4 } else { 2 };
    let parts: Vec<_> = text.split(separator).collect();
    parts.iter().all(|part| part.len() == width && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
        && [6, 8, 20].contains(&(parts.len() * width / 2))
}

fn digits(text: &str) -> String {
    text.chars().filter(|char| !char.is_whitespace() && *char != '-').collect()
}

fn is_isbn10(text: &str) -> bool {
    let text = digits(text);
    let value = |at: usize, byte: u8| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'X' if at == 9 => Some(10),
        _ => None,
    };
    let sum: Option<u32> =
        text.bytes().enumerate().map(|(at, byte)| Some((at as u32 + 1) * value(at, byte)?)).sum();
    text.len() == 10 && sum.is_some_and(|sum| sum % 11 == 0)
}

fn is_isbn13(text: &str) -> bool {
    let text = digits(text);
    let all = text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_digit());
    let weigh = |(at, byte): (usize, u8)| u32::from(byte - b'0') * if at % 2 == 0 { 1 } else { 3 };
    all && text.bytes().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

fn is_credit_card(text: &str) -> bool {
    let text: String = text.chars().filter(char::is_ascii_digit).collect();
    let luhn = |(at, byte): (usize, u8)| {
        let digit = u32::from(byte - b'0') * if at % 2 == 0 { 1 } else { 2 };
        if digit > 9 { digit - 9 } else { digit }
    };
    matches(&CARD, &text) && text.bytes().rev().enumerate().map(luhn).sum::<u32>() % 10 == 0
}

/// `2006-01-02`, a day that exists.
fn is_date(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let number = |text: &str, width: usize| {
        (text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u32>().ok())
            .flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn is_date_time(text: &str) -> bool {
    let text = text.to_lowercase();
    let mut parts = text.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    let fits = |from: usize, most: &str| time.get(from..from + 2).is_some_and(|part| part <= most);
    is_date(date) && matches(&TIME, time) && fits(0, "23") && fits(3, "59") && fits(6, "59")
}

/// Nanoseconds of Go's duration syntax, or of Scala's (`3 hours`); `None` for what is neither.
pub fn duration(text: &str) -> Option<i64> {
    gostd::time::parse_duration(text).ok().or_else(|| scala_duration(text))
}

fn scala_duration(text: &str) -> Option<i64> {
    const UNITS: [(&[&str], i64); 8] = [
        (&["ns", "nano"], 1),
        (&["us", "µs", "micro"], 1_000),
        (&["ms", "milli"], 1_000_000),
        (&["s", "sec"], 1_000_000_000),
        (&["m", "min"], 60_000_000_000),
        (&["h", "hr", "hour"], 3_600_000_000_000),
        (&["d", "day"], 86_400_000_000_000),
        (&["w", "wk", "week"], 604_800_000_000_000),
    ];
    let mut total = None;
    for found in DURATION.as_ref()?.captures_iter(text) {
        let factor: i64 = found[2].parse().ok()?;
        let unit = found[3].to_lowercase();
        for (names, nanos) in UNITS {
            let long = names.last().is_some_and(|name| unit.starts_with(name));
            if long || names.contains(&&*unit) {
                total = Some(total.unwrap_or(0i64).wrapping_add(factor.wrapping_mul(nanos)));
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_those_of_the_server() {
        for (format, text, want) in [
            ("date-time", "2024-02-29T10:00:00Z", true),
            ("date-time", "2023-02-29T10:00:00Z", false),
            ("date-time", "2024-02-29", false),
            ("date", "2024-13-01", false),
            ("ipv4", "10.0.0.1", true),
            ("ipv4", "::1", false),
            ("ipv6", "::1", true),
            ("cidr", "10.0.0.0/33", false),
            ("mac", "00:00:5e:00:53:01", true),
            ("uuid", "0b1c5b2e-2f4b-4f0a-9a39-5d0d5a0b1c5b", true),
            ("byte", "aGk=", true),
            ("byte", "!!", false),
            ("uri", "https://a.example/b", true),
            ("uri", "a b", false),
            ("email", "a@b.example", true),
            ("email", "a", false),
            ("hostname", "a_b", false),
            ("duration", "1h30m", true),
            ("duration", "3 days", true),
            ("duration", "soon", false),
            ("isbn10", "0321751043", true),
            ("isbn13", "978-0321751041", true),
            ("unknown", "anything", true),
        ] {
            assert_eq!(is_valid(format, text), want, "{format} {text}");
        }
    }

    #[test]
    fn durations_are_in_nanoseconds() {
        assert_eq!(duration("-1.5s"), Some(-1_500_000_000));
        assert_eq!(duration("1 day"), Some(86_400_000_000_000));
    }
}
