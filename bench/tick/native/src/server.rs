//! The referee: one thread that sends ticks, stamps orders and answers like the venue.
//!
//! Owns: connections and the loop. Must not know: what a right order is (see `judge`), when a tick
//! is due (see `schedule`). Invariant: the moment of an order is taken when its last byte was read,
//! before anything is done with it, and the moment of a tick before its first byte is written.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mio::net::TcpListener;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustls::ServerConfig;
use serde::Deserialize;

use crate::judge::{self, Fault, Judge, PLACE};
use crate::market::{price_text, Market};
use crate::request::{self, put_answer, Request};
use crate::schedule::{Plan, Schedule};
use crate::stream::{server_tls, Stream};
use crate::{options, websocket, Clock};

const LISTENER: Token = Token(usize::MAX);
const INPUT: Token = Token(usize::MAX - 1);
const PING_PATH: &[u8] = b"/api/v4/public/ping";
/// A client that does not answer its first tick within this time will not do so any more.
const PATIENCE_NS: u64 = 30_000_000_000;

/// What a referee is told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// CPU to spin on.
    pub cpu: Option<usize>,
    /// PEM file with the server's key and certificate; None for plain TCP.
    pub tls: Option<PathBuf>,
    /// The account that places the orders.
    pub key: String,
    /// Its secret.
    pub secret: String,
    /// Ticks that count.
    pub ticks: u64,
    /// Ticks before them.
    pub warm_up: u64,
    /// Shortest and longest time between ticks.
    pub gap_us: (u64, u64),
    /// Orders that a tick demands.
    pub legs: u8,
    /// How long a connection takes for an order before it looks at the next one.
    pub service_us: u64,
    /// Of the gaps.
    pub seed: u64,
}

/// An answer that waits for its connection's service time to pass.
struct Due {
    at_ns: u64,
    slot: usize,
    leg: u32,
    bytes: Vec<u8>,
}

struct Peer {
    stream: Stream,
    incoming: Vec<u8>,
    is_websocket: bool,
    busy_until_ns: u64,
    due: VecDeque<Due>,
}

/// See the module's documentation.
pub struct Server {
    options: Options,
    tls: Option<Arc<ServerConfig>>,
    poll: Poll,
    listener: TcpListener,
    clock: Clock,
    judge: Judge,
    market: Market,
    schedule: Schedule,
    peers: Vec<Option<Peer>>,
    subscriber: Option<usize>,
    next_tick: (usize, Vec<u8>),
    outgoing: Vec<u8>,
    orders: u64,
    waiting: usize,
}

impl Server {
    /// Listens on a free port of this machine.
    pub fn new(options: Options) -> Result<Self, Box<dyn std::error::Error>> {
        let tls = options.tls.as_deref().map(server_tls).transpose()?;
        let mut listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let (clock, judge) = (Clock::start(), Judge::new(&options.key, &options.secret));
        let plan = Plan {
            ticks: options.ticks,
            warm_up: options.warm_up,
            gap_ns: (options.gap_us.0 * 1_000, options.gap_us.1 * 1_000),
            legs: options.legs,
            seed: options.seed,
        };
        Ok(Self {
            tls,
            poll,
            listener,
            clock,
            judge,
            market: Market::new(options.legs),
            schedule: Schedule::new(plan, 0),
            peers: Vec::new(),
            subscriber: None,
            next_tick: Default::default(),
            outgoing: Vec::new(),
            orders: 0,
            waiting: 0,
            options,
        })
    }

    /// Announces the port, referees one client, reports; goes on serving until its input ends.
    pub fn run(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        options::pin(self.options.cpu);
        say(&serde_json::json!({ "port": self.listener.local_addr()?.port() }))?;
        let input = io::stdin().as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&input), INPUT, Interest::READABLE)?;
        let mut events = Events::with_capacity(64);
        let mut is_reported = false;
        loop {
            let wait = if is_reported { Duration::from_secs(1) } else { Duration::ZERO };
            self.poll.poll(&mut events, Some(wait))?;
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    INPUT => return Ok(()),
                    Token(index) => self.serve(index),
                }
            }
            if self.waiting > 0 {
                self.answer_due();
            }
            if !is_reported {
                self.tick();
                if self.is_over() {
                    say(&self.schedule.report)?;
                    is_reported = true;
                }
            }
        }
    }

    fn is_over(&mut self) -> bool {
        let now = self.clock.now_ns();
        if now > PATIENCE_NS && self.schedule.is_calling() {
            "the client did not answer the first ticks".clone_into(self.trouble());
        }
        !self.schedule.report.trouble.is_empty() || self.schedule.is_done(now)
    }

    fn trouble(&mut self) -> &mut String {
        &mut self.schedule.report.trouble
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let mut stream = Stream::accepted(socket, self.tls.as_ref())?;
            let token = Token(self.peers.len());
            self.poll.registry().register(&mut stream.socket, token, Interest::READABLE)?;
            self.peers.push(Some(Peer {
                stream,
                incoming: Vec::with_capacity(64 * 1024),
                is_websocket: false,
                busy_until_ns: 0,
                due: VecDeque::new(),
            }));
        }
    }

    /// Takes what one connection has to say; one that breaks the protocol is dropped.
    fn serve(&mut self, index: usize) {
        let Some(mut peer) = self.peers.get_mut(index).and_then(Option::take) else { return };
        let read = peer.stream.read(&mut peer.incoming);
        let now = self.clock.now_ns();
        let is_open = read.is_ok_and(|is_open| is_open) && self.take(index, &mut peer, now).is_ok();
        if is_open {
            self.peers[index] = Some(peer);
            return;
        }
        self.waiting -= peer.due.len();
        let _ = self.poll.registry().deregister(&mut peer.stream.socket);
        if self.subscriber == Some(index) {
            "the client left".clone_into(self.trouble());
        }
    }

    fn take(&mut self, index: usize, peer: &mut Peer, now: u64) -> io::Result<()> {
        let mut done = 0;
        if !peer.is_websocket {
            loop {
                let bytes = &peer.incoming[done..];
                let found = request::next(bytes).map_err(|error| io::Error::other(error.0))?;
                let Some(request) = found else { break };
                let bytes = peer.incoming[done..done + request.body.end].to_vec();
                done += request.body.end;
                self.answer(peer, &bytes, &request, now)?;
            }
        }
        while peer.is_websocket {
            let Some(frame) = websocket::next(&mut peer.incoming[done..]) else { break };
            let payload = peer.incoming[done + frame.start..done + frame.end].to_vec();
            done += frame.end;
            self.heard(index, peer, frame.opcode, &payload)?;
        }
        peer.incoming.drain(..done);
        Ok(())
    }

    // ---- requests ----------------------------------------------------------------------------

    fn answer(&mut self, peer: &mut Peer, bytes: &[u8], at: &Request, now: u64) -> io::Result<()> {
        let mut out = Vec::with_capacity(512);
        let path = &bytes[at.path.clone()];
        if !at.upgrade.is_empty() {
            let key = String::from_utf8_lossy(&bytes[at.upgrade.clone()]);
            peer.is_websocket = true;
            let proof = websocket::accept(&key);
            let head =
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
            write!(out, "{head}\r\nSec-WebSocket-Accept: {proof}\r\n\r\n")?;
        } else if path == PLACE.as_bytes() {
            return self.judge(peer, bytes, at, now);
        } else if path == PING_PATH {
            put_answer(&mut out, "200 OK", "[\"pong\"]");
        } else {
            put_answer(&mut out, "404 Not Found", "{\"code\": 0, \"message\": \"not here\"}");
        }
        peer.stream.write(&out)
    }

    fn judge(&mut self, peer: &mut Peer, bytes: &[u8], at: &Request, now: u64) -> io::Result<()> {
        let found = self.judge.order(bytes, at).and_then(|order| {
            let place = self.market.place_of(order.price).ok_or(Fault::Order)?;
            Ok((order, place))
        });
        let mut out = Vec::with_capacity(512);
        let (order, (slot, leg)) = match found {
            Ok(found) => found,
            Err(Fault::Signature) => {
                self.schedule.report.bad_signatures += 1;
                put_answer(
                    &mut out,
                    "401 Unauthorized",
                    "{\"code\": 0, \"message\": \"signature\"}",
                );
                return peer.stream.write(&out);
            }
            Err(Fault::Order) => {
                self.schedule.report.wrong += 1;
                let body = "{\"code\": 31, \"message\": \"Validation failed\", \"errors\": {}}";
                put_answer(&mut out, "422 Unprocessable Entity", body);
                return peer.stream.write(&out);
            }
        };
        self.schedule.arrived(slot, leg, now);
        self.orders += 1;
        let body = judge::answer(&order, self.orders, &price_text(order.price));
        put_answer(&mut out, "200 OK", &body);
        if self.options.service_us == 0 {
            peer.stream.write(&out)?;
            self.schedule.answered(slot, leg, self.clock.now_ns());
            return Ok(());
        }
        let at_ns = peer.busy_until_ns.max(now) + self.options.service_us * 1_000;
        peer.busy_until_ns = at_ns;
        peer.due.push_back(Due { at_ns, slot, leg, bytes: out });
        self.waiting += 1;
        Ok(())
    }

    fn answer_due(&mut self) {
        for peer in self.peers.iter_mut().flatten() {
            while peer.due.front().is_some_and(|due| due.at_ns <= self.clock.now_ns()) {
                let Some(due) = peer.due.pop_front() else { break };
                self.waiting -= 1;
                // a connection that is gone tells by its own event
                if peer.stream.write(&due.bytes).is_ok() {
                    self.schedule.answered(due.slot, due.leg, self.clock.now_ns());
                }
            }
        }
    }

    // ---- the feed ----------------------------------------------------------------------------

    fn heard(&mut self, index: usize, peer: &mut Peer, opcode: u8, text: &[u8]) -> io::Result<()> {
        let mut out = Vec::new();
        match opcode {
            websocket::CLOSE => return Err(io::ErrorKind::ConnectionAborted.into()),
            websocket::PING => websocket::put(&mut out, websocket::PONG, text),
            websocket::TEXT => self.reply(index, text, &mut out)?,
            _ => {}
        }
        peer.stream.write(&out)
    }

    fn reply(&mut self, index: usize, text: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        #[derive(Deserialize)]
        struct Call<'a> {
            id: u64,
            method: &'a str,
        }
        let call: Call = serde_json::from_slice(text)?;
        let result = if call.method == "ping" { "\"pong\"" } else { "{\"status\": \"success\"}" };
        let reply = format!("{{\"error\": null, \"result\": {result}, \"id\": {}}}", call.id);
        websocket::put(out, websocket::TEXT, reply.as_bytes());
        if call.method == "depth_subscribe" {
            websocket::put(out, websocket::TEXT, self.market.snapshot(epoch()).as_bytes());
            self.subscriber = Some(index);
            self.prepare();
        }
        Ok(())
    }

    /// Writes the next tick's frame before it is due.
    fn prepare(&mut self) {
        let (slot, _, text) = self.market.tick(epoch());
        self.outgoing.clear();
        websocket::put(&mut self.outgoing, websocket::TEXT, text.as_bytes());
        self.next_tick.0 = slot;
        std::mem::swap(&mut self.next_tick.1, &mut self.outgoing);
    }

    fn tick(&mut self) {
        let Some(index) = self.subscriber else { return };
        let Some(Some(peer)) = self.peers.get_mut(index) else { return };
        let now = self.clock.now_ns();
        if !self.schedule.is_due(now) {
            return;
        }
        self.schedule.sending(self.next_tick.0, now);
        if peer.stream.write(&self.next_tick.1).is_err() {
            "the client's feed broke".clone_into(self.trouble());
        }
        self.prepare();
    }
}

fn epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// One line of JSON on stdout.
fn say(value: &impl serde::Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(value)?)?;
    out.flush()
}
