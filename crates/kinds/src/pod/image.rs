//! Names of images, as far as the server reads them: to know whether they name a version.

/// The pull policy of a container that says none: `Always` for `latest`, which an image without tag and digest is.
pub(crate) fn default_pull_policy(image: &str) -> &'static str {
    match tag(image).as_deref() {
        Some("latest") => "Always",
        _ => "IfNotPresent",
    }
}

/// The tag; `None` where a digest stands for it, or what is there names no image.
fn tag(image: &str) -> Option<String> {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let colon = name.rfind(':').filter(|colon| !name[*colon..].contains('/'));
    let (path, tag) = match colon {
        Some(colon) => (&name[..colon], Some(&name[colon + 1..])),
        None => (name, None),
    };
    let known = is_path(path) && tag.is_none_or(is_tag) && digest.is_none_or(is_digest);
    match (known, tag, digest) {
        (false, ..) => None,
        (true, Some(tag), _) => Some(tag.to_owned()),
        (true, None, Some(_)) => None,
        (true, None, None) => Some("latest".to_owned()),
    }
}

fn is_path(path: &str) -> bool {
    let mut parts: Vec<&str> = path.split('/').collect();
    let host = |part: &str| {
        part.contains(['.', ':']) || part == "localhost" || part.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    if parts.len() > 1 && host(parts[0]) {
        let domain = parts.remove(0);
        let fine =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
        if !domain.bytes().all(fine) {
            return false;
        }
    }
    let hex = parts.len() == 1 && path.len() == 64 && path.bytes().all(|byte| byte.is_ascii_hexdigit());
    !hex && parts.into_iter().all(is_component)
}

fn is_component(part: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separators = part.split(|char: char| alphanumeric(u8::try_from(char).unwrap_or(b'-')));
    let (bytes, fine) = (part.as_bytes(), |text: &str| {
        matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-')
    });
    let ends = bytes.first().zip(bytes.last());
    ends.is_some_and(|(&first, &last)| alphanumeric(first) && alphanumeric(last))
        && separators.into_iter().all(fine)
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = tag.as_bytes();
    bytes.len() <= 128
        && bytes.first().is_some_and(|&first| word(first))
        && bytes.iter().all(|&byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        let length = match algorithm {
            "sha256" => hex.len() == 64,
            "sha384" => hex.len() == 96,
            "sha512" => hex.len() == 128,
            _ => false,
        };
        length && hex.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_without_a_version_are_pulled_always() {
        let digest = format!("a@sha256:{}", "a".repeat(64));
        let check = |image: &str, policy: &str| assert_eq!(default_pull_policy(image), policy, "{image}");
        check("a", "Always");
        check("a:latest", "Always");
        check("localhost:5000/a", "Always");
        check("a/b__c/d-e", "Always");
        check("a:1", "IfNotPresent");
        check("localhost:5000/a:v1", "IfNotPresent");
        check(&digest, "IfNotPresent");
        check("Nginx", "IfNotPresent");
        check("", "IfNotPresent");
        check(" a ", "IfNotPresent");
    }
}
