//! From the text of an expression to its tree, by CEL's grammar.

mod macros;

use std::sync::Arc;

use crate::expr::{Expr, Issue, Kind, MessageField};
use crate::token::{Token, Word, words};
use crate::val::Val;

/// How long a chain of operators or members may be, as in the API server.
const DEPTH: usize = 250;

/// How deep brackets nest. The API server has 250 here too, but on a stack that grows; nobody writes that.
const NESTED: usize = 50;

const OPERAND: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/// Words that are kept for later.
pub(crate) const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Reads an expression.
pub(crate) fn parse(text: &str) -> Result<Expr, Vec<Issue>> {
    let (words, mut issues) = words(text);
    let mut parser = Parser { words, next: 0, depth: 0, issues: Vec::new() };
    let expr = parser.expr().and_then(|expr| match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected("extraneous input", "<EOF>")),
    });
    match expr {
        Ok(expr) if issues.is_empty() && parser.issues.is_empty() => Ok(expr),
        Ok(_) => {
            issues.extend(parser.issues);
            Err(issues)
        }
        Err(issue) => {
            issues.extend(parser.issues);
            issues.push(issue);
            Err(issues)
        }
    }
}

struct Parser {
    words: Vec<Word>,
    next: usize,
    depth: usize,
    issues: Vec<Issue>,
}

type Read<T> = Result<T, Issue>;

/// A chain of operators or members is as deep as it is long.
fn bounded(expr: Expr) -> Read<Expr> {
    match expr.depth > DEPTH {
        true => Err(Issue { at: expr.at, text: format!("expression recursion limit exceeded: {DEPTH}") }),
        false => Ok(expr),
    }
}

fn call(at: usize, function: &str, args: Vec<Expr>) -> Expr {
    Expr::new(at, Kind::Call { function: function.into(), target: None, args })
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.words[self.next].token
    }

    fn at(&self) -> usize {
        self.words[self.next].at
    }

    fn bump(&mut self) -> Word {
        let word = self.words[self.next].clone();
        self.next = (self.next + 1).min(self.words.len() - 1);
        word
    }

    /// The place of a mark, if it is next.
    fn eat(&mut self, mark: &str) -> Option<usize> {
        matches!(self.peek(), Token::Mark(next) if *next == mark).then(|| self.bump().at)
    }

    fn expect(&mut self, mark: &str) -> Read<usize> {
        match self.eat(mark) {
            Some(at) => Ok(at),
            None => Err(self.unexpected("mismatched input", &format!("'{mark}'"))),
        }
    }

    fn unexpected(&self, what: &str, wanted: &str) -> Issue {
        let word = &self.words[self.next];
        Issue { at: word.at, text: format!("Syntax error: {what} '{}' expecting {wanted}", word.text) }
    }

    fn ident(&mut self) -> Read<Arc<str>> {
        match self.peek().clone() {
            Token::Ident(name) => {
                self.bump();
                Ok(name.into())
            }
            _ => Err(self.unexpected("no viable alternative at input", "IDENTIFIER")),
        }
    }

    fn expr(&mut self) -> Read<Expr> {
        self.depth += 1;
        if self.depth > NESTED {
            return Err(Issue {
                at: self.at(),
                text: format!("expression recursion limit exceeded: {DEPTH}"),
            });
        }
        let condition = self.any()?;
        let expr = match self.eat("?") {
            None => condition,
            Some(at) => {
                let yes = self.any()?;
                self.expect(":")?;
                let no = self.expr()?;
                call(at, "_?_:_", vec![condition, yes, no])
            }
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn any(&mut self) -> Read<Expr> {
        let first = self.all()?;
        self.logical(first, "||", "_||_", Self::all)
    }

    fn all(&mut self) -> Read<Expr> {
        let first = self.relation()?;
        self.logical(first, "&&", "_&&_", Self::relation)
    }

    /// Terms of one logical operator make a balanced tree, so that a long chain nests little.
    fn logical(
        &mut self,
        first: Expr,
        mark: &str,
        name: &str,
        term: fn(&mut Self) -> Read<Expr>,
    ) -> Read<Expr> {
        let (mut terms, mut places) = (vec![first], Vec::new());
        while let Some(at) = self.eat(mark) {
            places.push(at);
            terms.push(term(self)?);
        }
        Ok(balance(&mut terms.into_iter().map(Some).collect::<Vec<_>>(), &places, name))
    }

    fn relation(&mut self) -> Read<Expr> {
        let mut left = self.sum()?;
        loop {
            let marks = [
                ("<=", "_<=_"),
                (">=", "_>=_"),
                ("<", "_<_"),
                (">", "_>_"),
                ("==", "_==_"),
                ("!=", "_!=_"),
                ("in", "@in"),
            ];
            let Some((at, name)) = marks.iter().find_map(|(mark, name)| Some((self.eat(mark)?, name))) else {
                return Ok(left);
            };
            let right = self.sum()?;
            left = bounded(call(at, name, vec![left, right]))?;
        }
    }

    fn sum(&mut self) -> Read<Expr> {
        let mut left = self.product()?;
        while let Some((at, name)) =
            [("+", "_+_"), ("-", "_-_")].iter().find_map(|(mark, name)| Some((self.eat(mark)?, name)))
        {
            let right = self.product()?;
            left = bounded(call(at, name, vec![left, right]))?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Read<Expr> {
        let mut left = self.unary()?;
        while let Some((at, name)) = [("*", "_*_"), ("/", "_/_"), ("%", "_%_")]
            .iter()
            .find_map(|(mark, name)| Some((self.eat(mark)?, name)))
        {
            let right = self.unary()?;
            left = bounded(call(at, name, vec![left, right]))?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Read<Expr> {
        for (mark, name) in [("!", "!_"), ("-", "-_")] {
            let Some(at) = self.eat(mark) else { continue };
            let number = matches!(self.peek(), Token::Int(_) | Token::Float(_));
            if mark == "-" && number {
                let literal = self.literal(at, "-")?;
                return self.members(literal);
            }
            let mut count = 1;
            while self.eat(mark).is_some() {
                count += 1;
            }
            let operand = self.member()?;
            return Ok(if count % 2 == 1 { call(at, name, vec![operand]) } else { operand });
        }
        self.member()
    }

    fn member(&mut self) -> Read<Expr> {
        let primary = self.primary()?;
        self.members(primary)
    }

    fn members(&mut self, mut expr: Expr) -> Read<Expr> {
        loop {
            if let Some(at) = self.eat(".") {
                expr = bounded(self.selected(expr, at)?)?;
            } else if let Some(at) = self.eat("[") {
                let optional = self.eat("?").is_some();
                let index = self.expr()?;
                self.expect("]")?;
                expr = bounded(call(at, if optional { "_[?_]" } else { "_[_]" }, vec![expr, index]))?;
            } else {
                return Ok(expr);
            }
        }
    }

    fn selected(&mut self, of: Expr, at: usize) -> Read<Expr> {
        let optional = self.eat("?").is_some();
        let field = self.ident()?;
        match self.eat("(") {
            Some(open) if !optional => {
                let args = self.args(")")?;
                self.expand(open, Some(of), field, args)
            }
            _ => Ok(Expr::new(at, Kind::Select { of: Box::new(of), field, optional })),
        }
    }

    /// Expressions between commas, and the bracket behind them.
    fn args(&mut self, close: &str) -> Read<Vec<Expr>> {
        let mut args = Vec::new();
        if self.eat(close).is_some() {
            return Ok(args);
        }
        loop {
            args.push(self.expr()?);
            if self.eat(",").is_none() {
                break;
            }
        }
        self.expect(close)?;
        Ok(args)
    }

    fn primary(&mut self) -> Read<Expr> {
        let at = self.at();
        match self.peek().clone() {
            Token::Mark("(") => {
                self.bump();
                let inner = self.expr()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Mark("[") => {
                self.bump();
                self.list(at)
            }
            Token::Mark("{") => {
                self.bump();
                self.map(at)
            }
            Token::Mark(".") => {
                self.bump();
                self.named(at)
            }
            Token::Ident(_) => self.named(at),
            Token::Mark("true" | "false" | "null")
            | Token::Int(_)
            | Token::Uint(_)
            | Token::Float(_)
            | Token::Text(_)
            | Token::Bytes(_) => self.literal(at, ""),
            _ => Err(self.unexpected("mismatched input", OPERAND)),
        }
    }

    fn named(&mut self, at: usize) -> Read<Expr> {
        let name = self.ident()?;
        if let Some(open) = self.eat("(") {
            let args = self.args(")")?;
            return self.expand(open, None, name, args);
        }
        if RESERVED.contains(&&*name) {
            self.issues.push(Issue { at, text: format!("reserved identifier: {name}") });
        }
        if let Some(message) = self.message_name(&name) {
            return self.message(message);
        }
        Ok(Expr::new(at, Kind::Ident(name)))
    }

    /// Whether a name, with what follows behind dots, is that of a message: a brace comes next. It is passed then.
    fn message_name(&mut self, first: &str) -> Option<Arc<str>> {
        let (mut name, mut ahead) = (first.to_owned(), self.next);
        loop {
            match (&self.words[ahead].token, self.words.get(ahead + 1).map(|word| &word.token)) {
                (Token::Mark("{"), _) => {
                    self.next = ahead;
                    return Some(name.into());
                }
                (Token::Mark("."), Some(Token::Ident(part))) => {
                    name = format!("{name}.{part}");
                    ahead += 2;
                }
                _ => return None,
            }
        }
    }

    fn message(&mut self, name: Arc<str>) -> Read<Expr> {
        let at = self.expect("{")?;
        let mut fields = Vec::new();
        while self.eat("}").is_none() {
            let optional = self.eat("?").is_some();
            let name = self.field_name()?;
            let at = self.expect(":")?;
            fields.push(MessageField { at, optional, name, value: self.expr()? });
            if self.eat(",").is_none() {
                self.expect("}")?;
                break;
            }
        }
        Ok(Expr::new(at, Kind::Message { name, fields }))
    }

    fn field_name(&mut self) -> Read<Arc<str>> {
        self.ident()
            .map_err(|_| self.unexpected("mismatched input", "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}"))
    }

    fn list(&mut self, at: usize) -> Read<Expr> {
        let mut items = Vec::new();
        while self.eat("]").is_none() {
            let optional = self.eat("?").is_some();
            items.push((optional, self.expr()?));
            if self.eat(",").is_none() {
                self.expect("]")?;
                break;
            }
        }
        Ok(Expr::new(at, Kind::List(items)))
    }

    fn map(&mut self, at: usize) -> Read<Expr> {
        let mut entries = Vec::new();
        while self.eat("}").is_none() {
            let optional = self.eat("?").is_some();
            let key = self.expr()?;
            self.expect(":")?;
            entries.push((optional, key, self.expr()?));
            if self.eat(",").is_none() {
                self.expect("}")?;
                break;
            }
        }
        Ok(Expr::new(at, Kind::Map(entries)))
    }

    fn literal(&mut self, at: usize, sign: &str) -> Read<Expr> {
        let bad = |what: &str| Issue { at, text: format!("invalid {what} literal") };
        let radix = |text: &str| match text.strip_prefix("0x") {
            Some(digits) => i128::from_str_radix(digits, 16).ok(),
            None => text.parse::<i128>().ok(),
        };
        let value = match self.bump().token {
            Token::Mark("true") => Val::Bool(true),
            Token::Mark("false") => Val::Bool(false),
            Token::Int(text) => {
                let number = radix(&text).map(|number| if sign == "-" { -number } else { number });
                Val::Int(number.and_then(|number| i64::try_from(number).ok()).ok_or_else(|| bad("int"))?)
            }
            Token::Uint(text) => Val::Uint(
                radix(&text).and_then(|number| u64::try_from(number).ok()).ok_or_else(|| bad("uint"))?,
            ),
            Token::Float(text) => Val::Double(format!("{sign}{text}").parse().map_err(|_| bad("double"))?),
            Token::Text(text) => Val::String(text.into()),
            Token::Bytes(bytes) => Val::Bytes(bytes.into()),
            _ => Val::Null,
        };
        Ok(Expr::new(at, Kind::Const(value)))
    }
}

fn balance(terms: &mut [Option<Expr>], places: &[usize], name: &str) -> Expr {
    if let [term] = terms {
        return term.take().unwrap_or_else(|| Expr::new(0, Kind::Const(Val::Null)));
    }
    let middle = terms.len() / 2;
    let (left, right) = terms.split_at_mut(middle);
    let at = places[middle - 1];
    let left = balance(left, &places[..middle - 1], name);
    let right = balance(right, &places[middle..], name);
    call(at, name, vec![left, right])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_expression_is_deeper_than_the_stack() {
        let deep = "(".repeat(5_000) + "1" + &")".repeat(5_000);
        let long = vec!["1"; 5_000].join("+");
        let members = format!("a{}", ".b".repeat(5_000));
        for text in [deep, long, members, "!".repeat(5_001) + "true", "[".repeat(5_000)] {
            let limited =
                parse(&text).is_err_and(|issues| issues[0].text.contains("recursion limit exceeded"));
            assert!(limited || text.starts_with('!'), "{}", &text[..10]);
        }
        let chain = parse(&vec!["1"; 240].join("+")).unwrap();
        assert_eq!(chain.depth, 240);
        let nested = parse(&format!("{}1{}", "(".repeat(45), ")".repeat(45)));
        assert!(nested.is_ok());
        // What is balanced is not deep, however long.
        assert!(parse(&vec!["true"; 5_000].join("&&")).is_ok());
    }
}
