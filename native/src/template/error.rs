//! Why a template or one of its requests was refused.
//!
//! Owns the two error types and their words. Must not know how requests are built. Invariant: no
//! text repeats a field's value, so nothing secret can leak through an error.

use std::fmt;

/// Why a template was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// The host is empty or holds something other than visible ASCII.
    BadHost,
    /// The path does not start with `/` or holds a character that would need escaping.
    BadPath,
    /// The market is not 1 to 32 capitals, digits and underscores.
    BadMarket,
    /// The client id prefix leaves no room for a suffix or holds a foreign character.
    BadClientIdPrefix,
    /// `ioc` with `post_only`: the venue answers 37.
    IocPostOnly,
    /// `ioc` with `rpi`: the venue answers 40.
    IocRpi,
    /// `rpi` with `post_only`: the venue answers 30.
    RpiPostOnly,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TemplateError::BadHost => "the host must be visible ASCII",
            TemplateError::BadPath => "the path must start with '/' and need no escaping",
            TemplateError::BadMarket => "a market is 1 to 32 capitals, digits and underscores",
            TemplateError::BadClientIdPrefix => {
                "a client id prefix is at most 63 letters, digits and dashes"
            }
            TemplateError::IocPostOnly => "ioc and post_only exclude each other (venue code 37)",
            TemplateError::IocRpi => "ioc and rpi exclude each other (venue code 40)",
            TemplateError::RpiPostOnly => {
                "rpi is post-only by itself, leave post_only out (venue code 30)"
            }
        })
    }
}

impl std::error::Error for TemplateError {}

/// Why a request was not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The amount is not a plain positive decimal of at most 32 bytes.
    BadAmount,
    /// The price is not a plain positive decimal of at most 32 bytes.
    BadPrice,
    /// The client id is empty, longer than 64 with its prefix, or holds a foreign character.
    BadClientId,
    /// A modify that changes neither amount nor price.
    NothingToModify,
    /// A bulk without legs or with more than 20.
    BadLegCount,
    /// The members of a raw body would break out of its object, or are not compact.
    BadMembers,
    /// The nonce is zero.
    BadNonce,
    /// The output is shorter than the request, which takes `needed` bytes.
    DoesNotFit {
        /// Length of the request, bytes.
        needed: usize,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EncodeError::BadAmount => "the amount must be a plain positive decimal",
            EncodeError::BadPrice => "the price must be a plain positive decimal",
            EncodeError::BadClientId => {
                "a client id is 1 to 64 letters, digits and dashes, its prefix included"
            }
            EncodeError::NothingToModify => "a modify needs an amount or a price",
            EncodeError::BadLegCount => "a bulk takes 1 to 20 orders",
            EncodeError::BadMembers => "the body must be compact JSON members in printable ASCII",
            EncodeError::BadNonce => "the nonce must not be zero",
            EncodeError::DoesNotFit { needed } => {
                return write!(f, "the request takes {needed} bytes, the output is shorter");
            }
        })
    }
}

impl std::error::Error for EncodeError {}
