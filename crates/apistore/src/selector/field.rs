//! Field selectors: `metadata.name=a,status.phase!=Running`.

/// What fields must be like: name, whether equal, value; in the order of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: String,
    equal: bool,
    value: String,
}

impl FieldSelector {
    /// Reads a selector; the error is the server's.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = split_terms(text);
        parts.sort_unstable();
        let terms = parts.into_iter().filter(|part| !part.is_empty()).map(|part| {
            let (field, equal, value) = split_term(part)
                .ok_or_else(|| format!("invalid selector: '{text}'; can't understand '{part}'"))?;
            Ok(Term { field: field.to_owned(), equal, value: unescape(value)? })
        });
        terms.collect::<Result<_, String>>().map(Self)
    }

    /// The selector of one field.
    pub(crate) fn one(field: &str, value: &str) -> Self {
        Self(vec![Term { field: field.to_owned(), equal: true, value: value.to_owned() }])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|term| &*term.field)
    }

    /// The value that a field must have.
    pub(crate) fn exact(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|term| term.field == field && term.equal).map(|term| &*term.value)
    }

    /// Whether only name and namespace are asked for.
    pub(crate) fn is_of_metadata(&self) -> bool {
        self.fields().all(|field| matches!(field, "metadata.name" | "metadata.namespace"))
    }

    /// Whether the fields, looked up one by one, are as wanted. A field that is not there is empty.
    pub(crate) fn matches(&self, field: impl Fn(&str) -> String) -> bool {
        self.0.iter().all(|term| (field(&term.field) == term.value) == term.equal)
    }
}

fn split_terms(text: &str) -> Vec<&str> {
    let (mut terms, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    term.char_indices().find_map(|(at, _)| {
        let rest = &term[at..];
        [("!=", false), ("==", true), ("=", true)]
            .into_iter()
            .find_map(|(operator, equal)| Some((&term[..at], equal, rest.strip_prefix(operator)?)))
    })
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some(c @ ('\\' | ',' | '=')) => out.push(c),
                Some(c) => return Err(format!("invalid field selector: invalid escape sequence: \\{c}")),
                None => return Err("invalid field selector: invalid escape sequence: \\".to_owned()),
            },
            ',' | '=' => {
                let code = u32::from(c);
                return Err(format!("invalid field selector: unescaped character in value: {code}"));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_matched() {
        let object = |field: &str| match field {
            "metadata.name" => "a,b".to_owned(),
            "status.phase" => "Running".to_owned(),
            _ => String::new(),
        };
        for (selector, matches) in [
            ("", true),
            ("status.phase=Running", true),
            ("status.phase==Running,metadata.name=a\\,b", true),
            ("status.phase!=Running", false),
            ("spec.nodeName=", true),
            ("spec.nodeName!=x", true),
        ] {
            assert_eq!(FieldSelector::parse(selector).unwrap().matches(object), matches, "{selector}");
        }
    }

    #[test]
    fn mistakes_are_told_in_the_words_of_the_server() {
        let error = |text| FieldSelector::parse(text).unwrap_err();
        assert_eq!(error("foo"), "invalid selector: 'foo'; can't understand 'foo'");
        assert_eq!(error("a=b\\c"), "invalid field selector: invalid escape sequence: \\c");
        assert_eq!(error("a=b=c"), "invalid field selector: unescaped character in value: 61");
    }
}
