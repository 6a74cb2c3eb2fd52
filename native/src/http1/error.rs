//! Why a stream of responses cannot be trusted any more.
//!
//! Owns the error type and its words. Must not know the parser. Invariant: no text repeats bytes
//! of the stream.

use std::fmt;

/// Why a stream cannot be trusted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// Bytes that start no response.
    NotHttp,
    /// A malformed status line or header.
    BadHead,
    /// A head that is longer than allowed.
    HeadTooLong,
    /// More headers than [`MAX_HEADERS`].
    TooManyHeaders,
    /// Too many 1xx responses in a row, or a protocol switch.
    UnexpectedInterim,
    /// A content length that is no number, or stands there twice.
    BadContentLength,
    /// A transfer coding other than `chunked`, or one beside a content length.
    BadTransferEncoding,
    /// A malformed chunk.
    BadChunk,
    /// A malformed trailer.
    BadTrailer,
    /// A body that is longer than allowed.
    BodyTooLong,
    /// Bytes after a response that was the last one of the connection.
    AfterClose,
    /// The connection ended within a response.
    Truncated,
}

impl HttpError {
    /// One line for people.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            HttpError::NotHttp => "bytes that start no HTTP/1 response",
            HttpError::BadHead => "malformed response head",
            HttpError::HeadTooLong => "response head too long",
            HttpError::TooManyHeaders => "too many response headers",
            HttpError::UnexpectedInterim => "unexpected interim response",
            HttpError::BadContentLength => "malformed or repeated content length",
            HttpError::BadTransferEncoding => "unusable transfer coding",
            HttpError::BadChunk => "malformed chunk",
            HttpError::BadTrailer => "malformed trailer",
            HttpError::BodyTooLong => "response body too long",
            HttpError::AfterClose => "bytes after the connection's last response",
            HttpError::Truncated => "the connection ended within a response",
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for HttpError {}
