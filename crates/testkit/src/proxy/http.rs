//! Where HTTP/1.1 requests and answers end in a stream of bytes.
//!
//! Invariant: whatever comes, all bytes are accounted for; what is not understood (a body in chunks, a head that is too
//! large, another protocol) is passed on as it is, and no boundary is seen in it any more.

/// Bytes of a head that is looked into.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Header lines of such a head.
const HEADERS_MAX: usize = 64;

/// What begins or ends at a place of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// `GET`, or anything that asks for no change.
    pub(super) is_get: bool,
    /// From here on WebSocket is spoken: of a request, if it is granted.
    pub(super) is_upgrade: bool,
    /// Of an answer.
    pub(super) status: u16,
}

/// What was found in a piece of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More is needed; everything was taken.
    More,
    /// A request or answer ends after so many bytes of the piece.
    End(usize, Head),
    /// No boundaries are seen from here on.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Requests,
    Answers,
}

#[derive(Debug)]
pub(super) struct Parser {
    side: Side,
    head: Vec<u8>,
    /// Bytes of the body that are still to come, and what its head said.
    body: Option<(u64, Head)>,
}

impl Parser {
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            head: Vec::new(),
            body: None,
        }
    }

    /// Whether a request or answer has begun and not ended.
    pub(super) fn is_within(&self) -> bool {
        self.body.is_some() || !self.head.is_empty()
    }

    /// Looks at the next bytes, up to the first boundary.
    pub(super) fn step(&mut self, bytes: &[u8]) -> Step {
        let (left, head, used) = match self.body {
            Some((left, head)) => (left, head, 0),
            None => match self.read_head(bytes) {
                Ok(Some(found)) => found,
                Ok(None) => return Step::More,
                Err(Lost) => return Step::Lost,
            },
        };
        let rest = (bytes.len() - used) as u64;
        if rest < left {
            self.body = Some((left - rest, head));
            return Step::More;
        }
        self.body = None;
        Step::End(used + left as usize, head)
    }

    /// The length of the body, what the head says, and how many of these bytes belong to it.
    fn read_head(&mut self, bytes: &[u8]) -> Result<Option<(u64, Head, usize)>, Lost> {
        let before = self.head.len();
        let room = HEAD_BYTES_MAX - before;
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let found = match self.side {
            Side::Requests => request(&self.head)?,
            Side::Answers => answer(&self.head)?,
        };
        let Some((length, left, head)) = found else {
            return if self.head.len() == HEAD_BYTES_MAX {
                Err(Lost)
            } else {
                Ok(None)
            };
        };
        self.head = Vec::new();
        Ok(Some((left, head, length - before)))
    }
}

struct Lost;

type Found = Option<(usize, u64, Head)>;

fn request(bytes: &[u8]) -> Result<Found, Lost> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = request.parse(bytes).map_err(|_| Lost)? else {
        return Ok(None);
    };
    let head = Head {
        is_get: matches!(request.method, Some("GET" | "HEAD" | "OPTIONS")),
        is_upgrade: value(request.headers, "upgrade").is_some(),
        status: 0,
    };
    if request.method == Some("HEAD") {
        // Its answer has a length and no body.
        return Err(Lost);
    }
    Ok(Some((
        length,
        body_length(request.headers)?.unwrap_or(0),
        head,
    )))
}

fn answer(bytes: &[u8]) -> Result<Found, Lost> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = answer.parse(bytes).map_err(|_| Lost)? else {
        return Ok(None);
    };
    let status = answer.code.unwrap_or(0);
    let head = Head {
        is_get: false,
        is_upgrade: status == 101,
        status,
    };
    let left = match (status, body_length(answer.headers)?) {
        (100..=199 | 204 | 304, _) => 0,
        (_, Some(left)) => left,
        // It goes on until the connection ends.
        (_, None) => return Err(Lost),
    };
    Ok(Some((length, left, head)))
}

fn body_length(headers: &[httparse::Header<'_>]) -> Result<Option<u64>, Lost> {
    if value(headers, "transfer-encoding").is_some() {
        return Err(Lost);
    }
    let Some(length) = value(headers, "content-length") else {
        return Ok(None);
    };
    let length = std::str::from_utf8(length)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    length.map(Some).ok_or(Lost)
}

fn value<'a>(headers: &[httparse::Header<'a>], name: &str) -> Option<&'a [u8]> {
    let found = headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name));
    found.map(|header| header.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: &[u8] = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    const GET: &[u8] = b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n";

    /// Where requests end, for every way to cut the stream in two.
    fn ends(bytes: &[u8], side: Side, at: usize) -> Vec<usize> {
        let mut parser = Parser::new(side);
        let (mut ends, mut done) = (vec![], 0);
        for mut piece in [&bytes[..at], &bytes[at..]] {
            while !piece.is_empty() {
                let Step::End(used, _) = parser.step(piece) else {
                    break;
                };
                ends.push(done + used);
                done += used;
                piece = &piece[used..];
            }
            done += piece.len();
        }
        ends
    }

    #[test]
    fn requests_end_where_they_end_however_they_are_cut() {
        let both = [POST, GET, POST].concat();
        let expected = vec![POST.len(), POST.len() + GET.len(), both.len()];
        for at in 0..=both.len() {
            assert_eq!(ends(&both, Side::Requests, at), expected, "cut at {at}");
        }
    }

    #[test]
    fn answers_end_where_they_end_however_they_are_cut() {
        let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc";
        let none = b"HTTP/1.1 204 No Content\r\n\r\n";
        let both = [&ok[..], none].concat();
        for at in 0..=both.len() {
            assert_eq!(
                ends(&both, Side::Answers, at),
                vec![ok.len(), both.len()],
                "cut at {at}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_given_up() {
        let mut parser = Parser::new(Side::Requests);
        assert_eq!(parser.step(b"\x00\x01 no request\r\n\r\n"), Step::Lost);
        let mut parser = Parser::new(Side::Answers);
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(parser.step(chunked), Step::Lost);
        let mut parser = Parser::new(Side::Requests);
        let endless = [b"GET /".to_vec(), vec![b'a'; HEAD_BYTES_MAX]].concat();
        assert_eq!(parser.step(&endless), Step::Lost);
    }
}
