//! One connection: requests in, answers out, each when its time of service is over.
//!
//! Owns: framing and the queue of answers. Must not know: what a request means. Invariant: one
//! request is served at a time, in order; its answer leaves no sooner than its service ends.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Result, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use crate::orders::Answer;

const MAX_HEADERS: usize = 32;
const ROOM: usize = 8192;

/// A request whose bytes are complete: where its path and its body are, and where it ends.
struct Request {
    path: String,
    body: std::ops::Range<usize>,
}

/// A keep-alive connection of a client.
pub struct Connection {
    pub stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
    answers: VecDeque<(Instant, Vec<u8>)>,
    busy_until: Instant,
}

impl Connection {
    pub fn new(stream: TcpStream, now: Instant) -> Self {
        let (input, output) = (Vec::with_capacity(1 << 16), Vec::with_capacity(1 << 16));
        Self { stream, input, output, answers: VecDeque::new(), busy_until: now }
    }

    /// Reads what came and serves every complete request; false where the client has gone.
    ///
    /// # Errors
    /// The connection is broken, or what came is not HTTP.
    pub fn on_readable(
        &mut self,
        service: Duration,
        mut serve: impl FnMut(&str, &[u8]) -> Answer,
    ) -> Result<bool> {
        let mut room = [0; ROOM];
        loop {
            match self.stream.read(&mut room) {
                Ok(0) => return Ok(false),
                Ok(length) => self.input.extend_from_slice(&room[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let now = Instant::now();
        let mut used = 0;
        while let Some(request) = complete(&self.input[used..])? {
            let body = &self.input[used + request.body.start..used + request.body.end];
            let answer = serve(&request.path, body);
            self.busy_until = self.busy_until.max(now) + service * answer.orders;
            self.answers.push_back((self.busy_until, response(&answer)));
            used += request.body.end;
        }
        self.input.drain(..used);
        Ok(true)
    }

    /// Sends every answer that is due.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn send_due(&mut self, now: Instant) -> Result<()> {
        while self.answers.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, bytes)) = self.answers.pop_front() {
                self.output.extend_from_slice(&bytes);
            }
        }
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(length) => drop(self.output.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether something is still to be sent.
    pub fn is_busy(&self) -> bool {
        !self.answers.is_empty() || !self.output.is_empty()
    }
}

fn complete(input: &[u8]) -> Result<Option<Request>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(status) = request.parse(input) else {
        return Err(std::io::Error::new(ErrorKind::InvalidData, "this is not HTTP"));
    };
    let httparse::Status::Complete(head) = status else {
        return Ok(None);
    };
    let length = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok())
        .unwrap_or(0);
    let body = head..head + length;
    let path = request.path.unwrap_or_default().to_owned();
    Ok((input.len() >= body.end).then_some(Request { path, body }))
}

fn response(answer: &Answer) -> Vec<u8> {
    let reason = if answer.status == 200 { "OK" } else { "Refused" };
    let (status, length) = (answer.status, answer.body.len());
    let head = format!("HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\n");
    format!("{head}Content-Length: {length}\r\n\r\n{}", answer.body).into_bytes()
}
