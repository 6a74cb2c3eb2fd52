//! HTTP/1.1 responses, from any split of their bytes.
//!
//! Owns the framing of one connection's responses: head, body, boundaries. Must not know sockets,
//! requests or JSON; it is for responses to methods that have bodies (never to HEAD or CONNECT).
//! Invariant: every response is found at the same byte however the stream is cut, nothing is
//! allocated after construction, and an error is final until `reset`.
//!
//! Rules obeyed, by number:
//! * H1 — a head is a status line and header lines that end with CR LF and do not fold; it and
//!   the trailers after it are bounded, and so is their number.
//! * H2 — 1xx responses are skipped, but only a few in a row, and 101 never.
//! * H3 — 204 and 304 have no body.
//! * H4 — a transfer coding must be `chunked` alone and excludes a content length.
//! * H5 — a content length is one run of digits in one header.
//! * H6 — without either, the body ends with the connection.
//! * H7 — after a response that closes the connection, or between responses, there is no byte
//!   that does not start a response.

use memchr::memchr;

mod error;
mod head;

use head::{number, Framing, Headers};

pub use error::HttpError;
pub use head::MAX_HEADERS;

/// Most interim responses before one final.
const MAX_INTERIM: u8 = 8;
/// Longest chunk-size line, extensions included.
const MAX_CHUNK_LINE: usize = 256;
const VERSION: &[u8; 7] = b"HTTP/1.";

/// What a parser may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest head with its trailers, bytes.
    pub max_head: usize,
    /// Longest body, bytes.
    pub max_body: usize,
}

/// What an `advance` came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All input is used; the response goes on.
    NeedMore,
    /// A response is complete; its parts can be read until the next `advance`.
    Response,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between responses or within a head.
    Head,
    /// This many bytes of body are missing.
    Sized(usize),
    /// The body ends with the connection.
    UntilClose,
    /// Within a chunk-size line.
    ChunkSize,
    /// This many bytes of a chunk are missing.
    ChunkData(usize),
    /// At the line end after a chunk.
    ChunkEnd,
    Trailers,
    /// A response was handed out; the next `advance` starts over.
    Done,
    Failed(HttpError),
}

/// An incremental parser of one connection's responses.
pub struct ResponseParser {
    limits: Limits,
    state: State,
    /// The head, then the trailers.
    head: Vec<u8>,
    /// Where the unparsed section of `head` and its unfinished line start.
    section: usize,
    line: usize,
    /// The chunk-size line so far.
    chunk_line: Vec<u8>,
    body: Vec<u8>,
    headers: Headers,
    status: u16,
    keep_alive: bool,
    interim: u8,
}

impl ResponseParser {
    /// Allocates everything that the parser will ever hold.
    #[must_use]
    pub fn new(limits: Limits) -> ResponseParser {
        ResponseParser {
            limits,
            state: State::Head,
            head: Vec::with_capacity(limits.max_head),
            section: 0,
            line: 0,
            chunk_line: Vec::with_capacity(MAX_CHUNK_LINE),
            body: Vec::with_capacity(limits.max_body),
            headers: Headers::default(),
            status: 0,
            keep_alive: true,
            interim: 0,
        }
    }

    /// Takes bytes from the front of `data` until a response is complete or `data` is empty.
    ///
    /// # Errors
    /// The stream is no sequence of responses; the same error comes back until `reset`.
    pub fn advance(&mut self, data: &mut &[u8]) -> Result<Progress, HttpError> {
        let result = self.run(data);
        if let Err(error) = result {
            self.state = State::Failed(error);
        }
        result
    }

    /// Tells the parser that the connection has ended.
    ///
    /// Returns the status of the response whose body the end completes, `None` between responses.
    ///
    /// # Errors
    /// The connection ended within a response, or the stream had failed before.
    pub fn eof(&mut self) -> Result<Option<u16>, HttpError> {
        match self.state {
            State::Failed(error) => Err(error),
            State::Done => Ok(None),
            State::Head if self.head.is_empty() && self.interim == 0 => Ok(None),
            State::UntilClose => {
                self.state = State::Done;
                Ok(Some(self.status))
            }
            _ => {
                self.state = State::Failed(HttpError::Truncated);
                Err(HttpError::Truncated)
            }
        }
    }

    /// Forgets everything, for a new connection.
    pub fn reset(&mut self) {
        self.start();
        self.interim = 0;
        self.keep_alive = true;
    }

    /// The status code of the response.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body of the response, its chunks joined.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether the connection may be used for further requests.
    #[must_use]
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// The first value of a header of the response, its name in any case.
    #[must_use]
    pub fn header(&self, name: &[u8]) -> Option<&[u8]> {
        self.headers.value(&self.head, name)
    }

    fn start(&mut self) {
        self.state = State::Head;
        self.head.clear();
        self.section = 0;
        self.line = 0;
        self.chunk_line.clear();
        self.body.clear();
        self.headers.clear();
    }

    fn run(&mut self, data: &mut &[u8]) -> Result<Progress, HttpError> {
        loop {
            match self.state {
                State::Failed(error) => return Err(error),
                State::Done if data.is_empty() => return Ok(Progress::NeedMore),
                State::Done if !self.keep_alive => return Err(HttpError::AfterClose), // H7
                State::Done => self.start(),
                _ if data.is_empty() => return Ok(Progress::NeedMore),
                State::Head => self.on_head(data)?,
                State::Sized(missing) => {
                    let missing = missing - self.take_body(data, missing)?;
                    self.state = if missing == 0 { State::Done } else { State::Sized(missing) };
                }
                State::UntilClose => {
                    self.take_body(data, usize::MAX)?;
                }
                State::ChunkSize => self.on_chunk_size(data)?,
                State::ChunkData(missing) => {
                    let missing = missing - self.take_body(data, missing)?;
                    self.state =
                        if missing == 0 { State::ChunkEnd } else { State::ChunkData(missing) };
                }
                State::ChunkEnd => self.on_chunk_end(data)?,
                State::Trailers => self.on_trailers(data)?,
            }
            if self.state == State::Done {
                return Ok(Progress::Response);
            }
        }
    }

    /// Appends lines to `head` until an empty one; true when it has come.
    fn take_section(&mut self, data: &mut &[u8]) -> Result<bool, HttpError> {
        while let Some(end) = memchr(b'\n', data) {
            self.take_head(data, end + 1)?;
            let line = &self.head[self.line..];
            let empty = line == b"\r\n";
            if !line.ends_with(b"\r\n") {
                return Err(HttpError::BadHead); // H1
            }
            self.line = self.head.len();
            if empty {
                return Ok(true);
            }
        }
        self.take_head(data, data.len())?;
        Ok(false)
    }

    fn take_head(&mut self, data: &mut &[u8], count: usize) -> Result<(), HttpError> {
        // What fits is taken even if not all does: what is no HTTP is to be called so.
        let fits = count.min(self.limits.max_head - self.head.len());
        let (taken, rest) = data.split_at(fits);
        self.head.extend_from_slice(taken);
        *data = rest;
        if fits == count {
            Ok(())
        } else {
            Err(HttpError::HeadTooLong) // H1
        }
    }

    fn on_head(&mut self, data: &mut &[u8]) -> Result<(), HttpError> {
        let complete = self.take_section(data);
        let start = self.head.len().min(VERSION.len());
        if self.head[..start] != VERSION[..start] {
            return Err(HttpError::NotHttp); // H7
        }
        if !complete? {
            return Ok(());
        }
        let head = self.headers.parse(&self.head)?;
        self.status = head.status;
        if head.status < 200 {
            self.interim += 1;
            if self.status == 101 || self.interim > MAX_INTERIM {
                return Err(HttpError::UnexpectedInterim); // H2
            }
            self.start();
            return Ok(());
        }
        self.interim = 0;
        self.keep_alive = head.keep_alive;
        match head.framing {
            Framing::Empty | Framing::Sized(0) => self.state = State::Done,
            Framing::Sized(len) if len > self.limits.max_body => {
                return Err(HttpError::BodyTooLong);
            }
            Framing::Sized(len) => self.state = State::Sized(len),
            Framing::Chunked => self.state = State::ChunkSize,
            Framing::UntilClose => {
                self.keep_alive = false;
                self.state = State::UntilClose;
            }
        }
        Ok(())
    }

    /// Moves up to `wanted` bytes to the body; returns how many.
    fn take_body(&mut self, data: &mut &[u8], wanted: usize) -> Result<usize, HttpError> {
        let count = data.len().min(wanted);
        if self.body.len() + count > self.limits.max_body {
            return Err(HttpError::BodyTooLong);
        }
        let (taken, rest) = data.split_at(count);
        self.body.extend_from_slice(taken);
        *data = rest;
        Ok(count)
    }

    fn on_chunk_size(&mut self, data: &mut &[u8]) -> Result<(), HttpError> {
        let newline = memchr(b'\n', data);
        let count = newline.map_or(data.len(), |at| at + 1);
        if self.chunk_line.len() + count > MAX_CHUNK_LINE {
            return Err(HttpError::BadChunk);
        }
        let (taken, rest) = data.split_at(count);
        self.chunk_line.extend_from_slice(taken);
        *data = rest;
        if newline.is_none() {
            return Ok(());
        }
        let size = chunk_size(&self.chunk_line).ok_or(HttpError::BadChunk)?;
        self.chunk_line.clear();
        if size > self.limits.max_body - self.body.len() {
            return Err(HttpError::BodyTooLong);
        }
        self.section = self.head.len();
        self.line = self.section;
        self.state = if size == 0 { State::Trailers } else { State::ChunkData(size) };
        Ok(())
    }

    fn on_chunk_end(&mut self, data: &mut &[u8]) -> Result<(), HttpError> {
        const END: &[u8; 2] = b"\r\n";
        while let Some((&byte, rest)) = data.split_first() {
            if byte != END[self.chunk_line.len()] {
                return Err(HttpError::BadChunk);
            }
            *data = rest;
            self.chunk_line.push(byte);
            if self.chunk_line == END {
                self.chunk_line.clear();
                self.state = State::ChunkSize;
                break;
            }
        }
        Ok(())
    }

    fn on_trailers(&mut self, data: &mut &[u8]) -> Result<(), HttpError> {
        if !self.take_section(data)? {
            return Ok(());
        }
        let mut trailers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        match httparse::parse_headers(&self.head[self.section..], &mut trailers) {
            Ok(httparse::Status::Complete(_)) => {
                self.state = State::Done;
                Ok(())
            }
            _ => Err(HttpError::BadTrailer), // H1
        }
    }
}

/// The size in a whole chunk-size line; extensions are passed over.
fn chunk_size(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\r\n")?;
    let end = line.iter().position(|&byte| byte == b';').unwrap_or(line.len());
    let (digits, extension) = line.split_at(end);
    let printable = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t');
    if extension.iter().all(printable) {
        number(digits, 16)
    } else {
        None
    }
}
