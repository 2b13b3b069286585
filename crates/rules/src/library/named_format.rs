//! The formats that expressions can ask for by name.

/// The name of a format, if there is one of that name.
pub(crate) fn is_named(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|known| **known == name).copied()
}

const NAMES: [&str; 13] = [
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
];

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const UUID: &str = "does not match the UUID format";

/// What is wrong with a text, in the words of the server.
pub(super) fn validate(format: &str, text: &str) -> Vec<String> {
    // A prefix of a generated name may end with what is no end of a name.
    let (format, text) = match format.strip_suffix("Prefix") {
        Some(format) => (format, text.strip_suffix('-').map_or(text.to_owned(), |text| format!("{text}a"))),
        None => (format, text.to_owned()),
    };
    let text = &*text;
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    match format {
        "dns1123Label" => limited(text, 63, part(text, lower, "-"), LABEL),
        "dns1123Subdomain" => {
            limited(text, 253, text.split('.').all(|text| part(text, lower, "-")), SUBDOMAIN)
        }
        "dns1035Label" => {
            let starts = text.starts_with(|char: char| char.is_ascii_lowercase());
            limited(text, 63, starts && part(text, lower, "-"), LABEL_1035)
        }
        "labelValue" => limited(
            text,
            63,
            text.is_empty() || part(text, |byte| byte.is_ascii_alphanumeric(), "-_."),
            VALUE,
        ),
        "qualifiedName" => qualified(text),
        "uri" => fits(schema_uri(text), "invalid URI"),
        "uuid" => fits(is_uuid(text), UUID),
        "byte" => fits(super::base64::decode(text).is_some() && text.len() % 4 == 0, "invalid base64"),
        "date" => fits(crate::time::Time::parse(&format!("{text}T00:00:00Z")).is_some(), "invalid date"),
        _ => fits(crate::time::Time::parse(text).is_some(), "invalid datetime"),
    }
}

fn fits(fits: bool, mistake: &str) -> Vec<String> {
    if fits { Vec::new() } else { vec![mistake.to_owned()] }
}

fn limited(text: &str, most: usize, fits: bool, mistake: &str) -> Vec<String> {
    let long = (text.len() > most).then(|| format!("must be no more than {most} bytes"));
    long.into_iter().chain((!fits).then(|| mistake.to_owned())).collect()
}

fn part(text: &str, end: impl Fn(u8) -> bool, inner: &str) -> bool {
    let bytes = text.as_bytes();
    !bytes.is_empty()
        && end(bytes[0])
        && end(bytes[bytes.len() - 1])
        && bytes.iter().all(|byte| end(*byte) || inner.as_bytes().contains(byte))
}

fn qualified(text: &str) -> Vec<String> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let mut mistakes = Vec::new();
    match prefix {
        Some("") => mistakes.push("prefix part must be non-empty".into()),
        Some(prefix) => mistakes
            .extend(validate("dns1123Subdomain", prefix).iter().map(|text| format!("prefix part {text}"))),
        None => {}
    }
    if name.is_empty() {
        mistakes.push("name part must be non-empty".into());
    } else if name.len() > 63 {
        mistakes.push("name part must be no more than 63 bytes".into());
    }
    if !part(name, |byte| byte.is_ascii_alphanumeric(), "-_.") {
        mistakes.push(NAME.into());
    }
    mistakes
}

fn schema_uri(text: &str) -> bool {
    super::url::Url::parse(text).is_ok()
}

fn is_uuid(text: &str) -> bool {
    let digits: String = text.chars().filter(|char| *char != '-').collect();
    digits.len() == 32
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        && [32, 36].contains(&text.len())
}
