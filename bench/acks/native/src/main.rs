//! `whitewire_front SERVICE_US`: an order front that serves each connection's orders one by one.
//!
//! Owns: the listener and the loop. Must not know: what is measured. Invariant: it sleeps while it
//! has nothing to do and spins while an answer is to come, so that an answer leaves within
//! microseconds of its moment and an idle front takes nobody's processor.
//!
//! The embedded venue takes a hundred microseconds of processor for an order, so twenty at a time
//! take two milliseconds however they are sent. This front takes a few, and so shows what the
//! clients do. It knows no books, balances or signatures. Plain HTTP on 127.0.0.1. The first line
//! on stdout is JSON: its port; the last, once its input ended: `placed`, `canceled`, `resting`.

mod connection;
mod orders;

use std::collections::HashMap;
use std::io::{Read, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use connection::Connection;
use orders::Desk;

const LISTENER: Token = Token(0);
const INPUT: Token = Token(1);

fn main() -> Result<()> {
    let service_us = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let Some(service_us) = service_us else {
        eprintln!("usage: whitewire_front SERVICE_US");
        std::process::exit(2);
    };
    let desk = serve(Duration::from_micros(service_us))?;
    let (placed, canceled, resting) = (desk.placed, desk.canceled, desk.resting());
    println!("{{\"placed\": {placed}, \"canceled\": {canceled}, \"resting\": {resting}}}");
    Ok(())
}

/// Serves until standard input ends.
fn serve(service: Duration) -> Result<Desk> {
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    println!("{{\"port\": {}}}", listener.local_addr()?.port());
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let input = std::io::stdin().as_raw_fd();
    poll.registry().register(&mut SourceFd(&input), INPUT, Interest::READABLE)?;
    let mut events = Events::with_capacity(256);
    let mut connections: HashMap<Token, Connection> = HashMap::new();
    let mut next = INPUT.0 + 1;
    let mut desk = Desk::default();
    loop {
        let is_busy = connections.values().any(Connection::is_busy);
        if let Err(error) = poll.poll(&mut events, is_busy.then_some(Duration::ZERO)) {
            if error.kind() != std::io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        for event in &events {
            match event.token() {
                LISTENER => accept(&listener, &poll, &mut connections, &mut next)?,
                INPUT => {
                    if std::io::stdin().read(&mut [0; 64])? == 0 {
                        return Ok(desk);
                    }
                }
                token => {
                    let Some(connection) = connections.get_mut(&token) else { continue };
                    let served = |path: &str, body: &[u8]| desk.serve(path, body);
                    if !connection.on_readable(service, served).unwrap_or(false) {
                        connections.remove(&token);
                    }
                }
            }
        }
        let now = Instant::now();
        connections.retain(|_, connection| connection.send_due(now).is_ok());
    }
}

fn accept(
    listener: &TcpListener,
    poll: &Poll,
    connections: &mut HashMap<Token, Connection>,
    next: &mut usize,
) -> Result<()> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                stream.set_nodelay(true)?;
                let token = Token(*next);
                *next += 1;
                poll.registry().register(&mut stream, token, Interest::READABLE)?;
                connections.insert(token, Connection::new(stream, Instant::now()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
