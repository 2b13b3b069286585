//! As much of HTTP/1.1 as Git clients speak.
use std::io::{self, BufRead, Read, Write};

/// One request, its body read whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// The value of a header; `name` in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The next request of a connection, or `None` at its end. `interim` takes the `100 Continue` that a client
/// with a large body waits for.
pub(super) fn read_request(
    input: &mut impl BufRead,
    interim: &mut impl Write,
) -> io::Result<Option<Request>> {
    let Some(line) = read_line(input)? else { return Ok(None) };
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(invalid("request line"));
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request =
        Request { method: method.into(), path: path.into(), query: query.into(), ..Request::default() };
    while let Some(line) = read_line(input)?.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| invalid("header"))?;
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if request.header("expect").is_some_and(|v| v.eq_ignore_ascii_case("100-continue")) {
        interim.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        interim.flush()?;
    }
    request.body = read_body(input, &request)?;
    Ok(Some(request))
}

fn read_body(input: &mut impl BufRead, request: &Request) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if request.header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
        while let Some(line) = read_line(input)? {
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(digits, 16).map_err(|_| invalid("chunk size"))?;
            input.take(size).read_to_end(&mut body)?;
            read_line(input)?; // the line end after the chunk, or the one that ends the trailer
            if size == 0 {
                break;
            }
        }
        return Ok(body);
    }
    let length = request.header("content-length").map_or(Ok(0), str::parse);
    input.take(length.map_err(|_| invalid("content length"))?).read_to_end(&mut body)?;
    Ok(body)
}

/// One line without its end; `None` at the end of the input.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = input.read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed {what}"))
}

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Response {
    /// An answer that is a status alone.
    pub(super) fn bare(status: &str) -> Self {
        Self { status: status.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// An answer as a CGI program prints it: headers, `Status:` among them, an empty line, the body.
    pub(super) fn from_cgi(output: &[u8]) -> Self {
        let mut response = Self::bare("200 OK");
        let mut rest = output;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&rest[..end]).trim_end().to_owned();
            rest = &rest[end + 1..];
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("status") => {
                    value.trim().clone_into(&mut response.status)
                }
                Some((name, value)) => response.headers.push((name.to_owned(), value.trim().to_owned())),
                None => break,
            }
        }
        rest.clone_into(&mut response.body);
        response
    }

    pub(super) fn write(&self, output: &mut impl Write) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {}\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in
            self.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
        {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        output.write_all(head.as_bytes())?;
        output.write_all(b"\r\n")?;
        output.write_all(&self.body)?;
        output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> io::Result<Option<Request>> {
        read_request(&mut text.as_bytes(), &mut io::sink())
    }

    #[test]
    fn bodies_come_by_length_and_by_chunk() {
        let check = |text: &str, body: &str| {
            let request = read(text).expect("valid").expect("a request");
            assert_eq!(request.body, body.as_bytes(), "{text}");
            assert_eq!((request.path.as_str(), request.query.as_str()), ("/a.git/x", "service=y"));
        };
        check("GET /a.git/x?service=y HTTP/1.1\r\nHost: h\r\n\r\n", "");
        check("POST /a.git/x?service=y HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcrest", "abc");
        check(
            "POST /a.git/x?service=y HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e=1\r\nde\r\n0\r\n\r\n",
            "abcde",
        );
    }

    #[test]
    fn a_closed_connection_is_no_request_and_nonsense_is_an_error() {
        assert_eq!(read("").expect("valid"), None);
        assert!(read("hello\r\n\r\n").is_err());
        assert!(read("POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n").is_err());
    }

    #[test]
    fn cgi_output_becomes_an_answer() {
        let response = Response::from_cgi(b"Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno\n");
        assert_eq!(response.status, "404 Not Found");
        assert_eq!(response.headers, [("Content-Type".to_owned(), "text/plain".to_owned())]);
        assert_eq!(response.body, b"no\n");
    }
}
