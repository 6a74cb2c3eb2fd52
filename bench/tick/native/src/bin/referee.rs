//! The referee as a program: options as one JSON object, JSON lines on stdout.
//!
//! Owns: nothing. Must not know: anything. Invariant: it ends when its input does.

use whitewire_tick::options;
use whitewire_tick::server::Server;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    Server::new(options::read())?.run()
}
