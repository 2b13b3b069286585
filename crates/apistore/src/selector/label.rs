//! Label selectors: `app in (a,b),!old`.

use super::name::{key_errors, value_errors};
use crate::failure::quoted;

/// What labels must be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    Absent,
    Greater,
    Less,
}

impl LabelSelector {
    /// Reads a selector; the error is the server's.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: tokens(text), position: 0 };
        parser.selector().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the labels, looked up one by one, are as wanted.
    pub(crate) fn matches<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.0.iter().all(|requirement| requirement.matches(label(&requirement.key)))
    }
}

impl Requirement {
    fn matches(&self, value: Option<&str>) -> bool {
        let listed = |value: &str| self.values.iter().any(|wanted| wanted == value);
        let number = |text: &str| text.parse::<i64>().ok();
        let wanted = || self.values.first().and_then(|text| number(text));
        match self.operator {
            Operator::In => value.is_some_and(listed),
            Operator::NotIn => !value.is_some_and(listed),
            Operator::Exists => value.is_some(),
            Operator::Absent => value.is_none(),
            Operator::Greater => {
                value.and_then(number).zip(wanted()).is_some_and(|(value, wanted)| value > wanted)
            }
            Operator::Less => {
                value.and_then(number).zip(wanted()).is_some_and(|(value, wanted)| value < wanted)
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    End,
    Error,
    Word,
    Close,
    Comma,
    Not,
    Equals,
    Greater,
    Less,
    In,
    NotEquals,
    NotIn,
    Open,
}

fn is_special(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn symbol(text: &str) -> Option<Token> {
    Some(match text {
        ")" => Token::Close,
        "," => Token::Comma,
        "!" => Token::Not,
        "==" | "=" => Token::Equals,
        ">" => Token::Greater,
        "<" => Token::Less,
        "!=" => Token::NotEquals,
        "(" => Token::Open,
        _ => return None,
    })
}

/// The tokens with their texts, the end last.
fn tokens(text: &str) -> Vec<(Token, String)> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', '\r', '\n']);
    while let Some(first) = rest.chars().next() {
        let (token, literal, length) = if is_special(first) { scan_symbol(rest) } else { scan_word(rest) };
        tokens.push((token, literal));
        rest = rest[length..].trim_start_matches([' ', '\t', '\r', '\n']);
    }
    tokens.push((Token::End, String::new()));
    tokens
}

fn scan_word(text: &str) -> (Token, String, usize) {
    let end =
        text.find(|c: char| is_special(c) || matches!(c, ' ' | '\t' | '\r' | '\n')).unwrap_or(text.len());
    let word = &text[..end];
    let token = match word {
        "in" => Token::In,
        "notin" => Token::NotIn,
        _ => Token::Word,
    };
    (token, word.to_owned(), end)
}

/// The longest symbol: characters are taken as long as they are special and make one.
fn scan_symbol(text: &str) -> (Token, String, usize) {
    let mut last: Option<(Token, String, usize)> = None;
    let mut end = 0;
    for c in text.chars().take_while(|c| is_special(*c)) {
        end += c.len_utf8();
        match symbol(&text[..end]) {
            Some(token) => last = Some((token, text[..end].to_owned(), end)),
            None if last.is_some() => break,
            None => {}
        }
    }
    let unknown = || (Token::Error, format!("error expected: keyword found '{}'", &text[..end]), end);
    last.unwrap_or_else(unknown)
}

struct Parser {
    tokens: Vec<(Token, String)>,
    position: usize,
}

/// Whether `in` and `notin` are words or operators.
#[derive(Clone, Copy, PartialEq)]
enum Context {
    Values,
    Operator,
}

impl Parser {
    fn look(&self, context: Context) -> (Token, String) {
        let (token, literal) = self.tokens.get(self.position).cloned().unwrap_or((Token::End, String::new()));
        match token {
            Token::In | Token::NotIn if context == Context::Values => (Token::Word, literal),
            _ => (token, literal),
        }
    }

    fn take(&mut self, context: Context) -> (Token, String) {
        let token = self.look(context);
        self.position += 1;
        token
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        loop {
            let (token, literal) = self.look(Context::Values);
            match token {
                Token::Word | Token::Not => {
                    let requirement = self
                        .requirement()
                        .map_err(|error| format!("unable to parse requirement: {error}"))?;
                    requirements.push(requirement);
                    if self.after_requirement()? {
                        return Ok(requirements);
                    }
                }
                Token::End => return Ok(requirements),
                _ => return Err(format!("found '{literal}', expected: !, identifier, or 'end of string'")),
            }
        }
    }

    /// Whether the selector ends here.
    fn after_requirement(&mut self) -> Result<bool, String> {
        match self.take(Context::Values) {
            (Token::End, _) => Ok(true),
            (Token::Comma, _) => match self.look(Context::Values) {
                (Token::Word | Token::Not, _) => Ok(false),
                (_, literal) => Err(format!("found '{literal}', expected: identifier after ','")),
            },
            (_, literal) => Err(format!("found '{literal}', expected: ',' or 'end of string'")),
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let (mut token, mut key) = self.take(Context::Values);
        let negated = token == Token::Not;
        if negated {
            (token, key) = self.take(Context::Values);
        }
        if token != Token::Word {
            return Err(format!("found '{key}', expected: identifier"));
        }
        let errors = key_errors(&key);
        if !errors.is_empty() {
            return Err(format!("<nil>: Invalid value: {}: {}", quoted(&key), errors.join("; ")));
        }
        if negated {
            return Ok(Requirement { key, operator: Operator::Absent, values: Vec::new() });
        }
        if matches!(self.look(Context::Values).0, Token::End | Token::Comma) {
            return Ok(Requirement { key, operator: Operator::Exists, values: Vec::new() });
        }
        let (token, operator) = self.operator()?;
        let mut values = match token {
            Token::In | Token::NotIn => self.values()?,
            _ => vec![self.value()?],
        };
        values.sort();
        values.dedup();
        check_values(&key, operator, &values)?;
        Ok(Requirement { key, operator, values })
    }

    fn operator(&mut self) -> Result<(Token, Operator), String> {
        let (token, literal) = self.take(Context::Operator);
        let operator = match token {
            Token::In | Token::Equals => Operator::In,
            Token::NotIn | Token::NotEquals => Operator::NotIn,
            Token::Greater => Operator::Greater,
            Token::Less => Operator::Less,
            _ => return Err(format!("found '{literal}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        Ok((token, operator))
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        let (token, literal) = self.take(Context::Values);
        if token != Token::Open {
            return Err(format!("found '{literal}' expected: '('"));
        }
        let (token, literal) = self.look(Context::Values);
        match token {
            Token::Word | Token::Comma => {
                let values = self.words()?;
                match self.take(Context::Values) {
                    (Token::Close, _) => Ok(values),
                    _ => Err(format!("found '{literal}', expected: ')'")),
                }
            }
            Token::Close => {
                self.take(Context::Values);
                Ok(vec![String::new()])
            }
            _ => Err(format!("found '{literal}', expected: ',', ')' or identifier")),
        }
    }

    fn words(&mut self) -> Result<Vec<String>, String> {
        let mut words: Vec<String> = Vec::new();
        loop {
            let (token, literal) = self.take(Context::Values);
            match token {
                Token::Word => {
                    words.push(literal);
                    match self.look(Context::Values) {
                        (Token::Comma, _) => {}
                        (Token::Close, _) => return Ok(words),
                        (_, literal) => return Err(format!("found '{literal}', expected: ',' or ')'")),
                    }
                }
                Token::Comma => {
                    if words.is_empty() {
                        words.push(String::new());
                    }
                    match self.look(Context::Values).0 {
                        Token::Close => {
                            words.push(String::new());
                            return Ok(words);
                        }
                        Token::Comma => words.push(String::new()),
                        _ => {}
                    }
                }
                _ => return Err(format!("found '{literal}', expected: ',', or identifier")),
            }
        }
    }

    fn value(&mut self) -> Result<String, String> {
        if matches!(self.look(Context::Values).0, Token::End | Token::Comma) {
            return Ok(String::new());
        }
        match self.take(Context::Values) {
            (Token::Word, literal) => Ok(literal),
            (_, literal) => Err(format!("found '{literal}', expected: identifier")),
        }
    }
}

fn check_values(key: &str, operator: Operator, values: &[String]) -> Result<(), String> {
    let mut errors = Vec::new();
    if matches!(operator, Operator::Greater | Operator::Less) {
        for (index, value) in values.iter().enumerate().filter(|(_, value)| value.parse::<i64>().is_err()) {
            let detail = "for 'Gt', 'Lt' operators, the value must be an integer";
            errors.push(format!("values[{index}]: Invalid value: {}: {detail}", quoted(value)));
        }
    }
    for (index, value) in values.iter().enumerate() {
        let found = value_errors(value);
        if !found.is_empty() {
            let value = quoted(value);
            errors.push(format!("values[{index}][{key}]: Invalid value: {value}: {}", found.join("; ")));
        }
    }
    match &errors[..] {
        [] => Ok(()),
        [only] => Err(only.clone()),
        several => Err(format!("[{}]", several.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(selector: &str, labels: &[(&str, &str)], matches: bool) {
        let parsed = LabelSelector::parse(selector).unwrap();
        let found =
            parsed.matches(|key| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value));
        assert_eq!(found, matches, "{selector} on {labels:?}");
    }

    #[test]
    fn labels_are_matched() {
        let ab = [("app", "b"), ("n", "5")];
        for (selector, matches) in [
            ("", true),
            ("app", true),
            ("!app", false),
            ("app=b", true),
            ("app==b,n=5", true),
            ("app = c", false),
            ("app!=c", true),
            ("tier!=c", true),
            ("app in (a,b)", true),
            ("app notin (a,b)", false),
            ("tier notin (a)", true),
            ("n>4", true),
            ("n<4", false),
            ("n > 5", false),
            ("app in (,)", false),
            ("x=", false),
        ] {
            check(selector, &ab, matches);
        }
        check("in in (in)", &[("in", "in")], true);
    }

    #[track_caller]
    fn refuse(selector: &str, error: &str) {
        assert_eq!(LabelSelector::parse(selector).unwrap_err(), error, "{selector}");
    }

    /// The texts are recorded from a real server.
    #[test]
    fn mistakes_are_told_in_the_words_of_the_server() {
        refuse("a!!b", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt");
        refuse("a in (b", "unable to parse requirement: found '', expected: ',' or ')'");
        refuse("a in b,c!", "unable to parse requirement: found 'b' expected: '('");
        refuse(
            "-a=b",
            "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
        );
        refuse(
            "a=-",
            "unable to parse requirement: values[0][a]: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        );
        refuse("a,", "found '', expected: identifier after ','");
        refuse(")", "found ')', expected: !, identifier, or 'end of string'");
    }
}
