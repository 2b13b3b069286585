//! The header that says who we are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

use crate::{Access, Error, Result};

/// The value of `Authorization`, where there are credentials.
pub(crate) fn authorization(access: &Access) -> Result<Option<HeaderValue>> {
    let value = match (&access.bearer, &access.basic) {
        (Some(token), _) => format!("Bearer {}", token.expose()),
        (None, Some((user, password))) => basic(user, password.expose()),
        (None, None) => return Ok(None),
    };
    sensitive(&value, "the credentials hold characters that a header cannot").map(Some)
}

/// The value of `Proxy-Authorization` for the user info of a proxy's address.
pub(crate) fn proxy_authorization(user_info: &str) -> Result<HeaderValue> {
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    sensitive(
        &basic(&percent_decoded(user), &percent_decoded(password)),
        "the proxy's user info cannot be sent",
    )
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn sensitive(value: &str, problem: &'static str) -> Result<HeaderValue> {
    let mut header = HeaderValue::from_str(value).map_err(|_| Error::InvalidAccess(problem))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Decodes `%40` and the like; what is no escape stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(access: &Access) -> Option<String> {
        authorization(access).unwrap().map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn credentials_become_one_header() {
        assert_eq!(header(&Access::anonymous()), None);
        assert_eq!(header(&Access::basic("me", "pä:ss")).as_deref(), Some("Basic bWU6cMOkOnNz"));
        assert_eq!(header(&Access::bearer("t0ken")).as_deref(), Some("Bearer t0ken"));
        assert!(matches!(authorization(&Access::bearer("a\nb")), Err(Error::InvalidAccess(_))));
        assert!(!format!("{:?}", authorization(&Access::bearer("t0ken"))).contains("t0ken"));
    }

    #[test]
    fn a_proxys_user_info_is_decoded() {
        let value = proxy_authorization("u%40x:a%3Ab%").unwrap();
        assert_eq!(value.to_str().unwrap(), format!("Basic {}", STANDARD.encode("u@x:a:b%")));
    }
}
