//! A complete response head: status, headers, and how its body is framed.
//!
//! Owns the reading of one head. Must not know how its bytes arrived. Invariant: the index refers
//! to the head that it was made from and is cleared together with it.
//!
//! The rules H1 to H6 are those of the parent module.

use std::mem::MaybeUninit;

use super::HttpError;

/// Most header lines of one head, and most of its trailers.
pub const MAX_HEADERS: usize = 64;

/// Where a header's name and value start and end within the head.
#[derive(Clone, Copy, Default)]
struct Header {
    name: (usize, usize),
    value: (usize, usize),
}

/// An index of the headers of one head.
pub(super) struct Headers {
    all: [Header; MAX_HEADERS],
    count: usize,
}

impl Default for Headers {
    fn default() -> Headers {
        Headers { all: [Header::default(); MAX_HEADERS], count: 0 }
    }
}

/// How the body after a head ends.
pub(super) enum Framing {
    /// There is none.
    Empty,
    /// After this many bytes.
    Sized(usize),
    /// With a chunk of size zero.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// What a head says about itself.
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) keep_alive: bool,
    pub(super) framing: Framing,
}

impl Headers {
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// The first value of a header, its name in any case; `head` is what `parse` saw, or longer.
    pub(super) fn value<'a>(&self, head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
        let at = |(start, end): (usize, usize)| &head[start..end];
        let mut all = self.all[..self.count].iter();
        all.find(|header| at(header.name).eq_ignore_ascii_case(name)).map(|header| at(header.value))
    }

    /// Indexes a head that ends with its empty line.
    pub(super) fn parse(&mut self, head: &[u8]) -> Result<Head, HttpError> {
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        match config.parse_response_with_uninit_headers(&mut response, head, &mut headers) {
            Ok(httparse::Status::Complete(len)) if len == head.len() => {}
            Err(httparse::Error::TooManyHeaders) => return Err(HttpError::TooManyHeaders), // H1
            _ => return Err(HttpError::BadHead),
        }
        let Some(status @ 100..=599) = response.code else {
            return Err(HttpError::BadHead);
        };
        let base = head.as_ptr() as usize;
        let within = |part: &[u8]| {
            // An empty value need not point into the head.
            let start = if part.is_empty() { 0 } else { part.as_ptr() as usize - base };
            (start, start + part.len())
        };
        self.count = response.headers.len();
        let mut said = Said::default();
        for (to, from) in self.all.iter_mut().zip(response.headers.iter()) {
            *to = Header { name: within(from.name.as_bytes()), value: within(from.value) };
            said.note(from.name, from.value);
        }
        let modern = response.version == Some(1);
        let keep_alive = !said.close && (modern || said.keep_alive);
        Ok(Head { status, keep_alive, framing: said.framing(status, modern)? })
    }
}

/// What the headers of one head say about its framing and its connection.
#[derive(Default)]
struct Said {
    close: bool,
    keep_alive: bool,
    /// A content length was seen: its value if it was sound and alone.
    length: Option<Result<usize, HttpError>>,
    /// A transfer coding was seen: whether it was `chunked` and alone.
    chunked: Option<bool>,
}

impl Said {
    fn note(&mut self, name: &str, value: &[u8]) {
        if name.eq_ignore_ascii_case("content-length") {
            let len = number(value, 10).filter(|_| self.length.is_none());
            self.length = Some(len.ok_or(HttpError::BadContentLength)); // H5
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            let first = self.chunked.is_none();
            self.chunked = Some(first && value.eq_ignore_ascii_case(b"chunked"));
        // H4
        } else if name.eq_ignore_ascii_case("connection") {
            for token in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                self.close |= token.eq_ignore_ascii_case(b"close");
                self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
            }
        }
    }

    fn framing(&self, status: u16, modern: bool) -> Result<Framing, HttpError> {
        if status < 200 || matches!(status, 204 | 304) {
            return Ok(Framing::Empty); // H2, H3
        }
        match (self.length, self.chunked) {
            (None, None) => Ok(Framing::UntilClose), // H6
            (None, Some(true)) if modern => Ok(Framing::Chunked),
            (_, Some(_)) => Err(HttpError::BadTransferEncoding), // H4
            (Some(len), None) => len.map(Framing::Sized),
        }
    }
}

/// A run of 1 to 15 digits and nothing else: no sign, no space, no overflow in either radix.
pub(super) fn number(text: &[u8], radix: u32) -> Option<usize> {
    if text.is_empty() || text.len() > 15 {
        return None;
    }
    let value = text.iter().try_fold(0u64, |value, &byte| {
        Some(value * u64::from(radix) + u64::from(char::from(byte).to_digit(radix)?))
    })?;
    usize::try_from(value).ok()
}
