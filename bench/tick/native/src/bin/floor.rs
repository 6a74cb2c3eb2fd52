//! The native floor: what is left when nothing stands between a tick and its order.
//!
//! Owns: one spinning thread, a feed and its order connections. Must not know: strategies, limits,
//! order states; that is what the gateway adds. Invariant: a frame is decoded, and an order built
//! and signed, by the core that the gateway runs; a burst is one write for each connection.
//!
//! It ends when the referee closes the feed. Where a tick demands several orders it then prints how
//! long the last answer of each burst took, from the moment at which the burst was decided.

use std::collections::VecDeque;
use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use mio::{Events, Interest, Poll, Token};
use serde::Deserialize;
use whitewire_core::event::Kind;
use whitewire_core::feed::Feed;
use whitewire_core::http1::{Limits, Progress, ResponseParser};
use whitewire_core::price;
use whitewire_core::sign::Signer;
use whitewire_core::template::{PlaceFields, PlaceSpec, PlaceTemplate, Side, Stp};
use whitewire_tick::judge::PLACE;
use whitewire_tick::market::{AMOUNT_DECIMALS, DEPTH, MARKET, PRICE_DECIMALS};
use whitewire_tick::report::Durations;
use whitewire_tick::stream::{client_tls, Stream};
use whitewire_tick::{options, websocket, Clock};

const SUBSCRIBE: &str =
    r#"{"id": 1, "method": "depth_subscribe", "params": ["BTC_USDT", 100, "0", true]}"#;
const HOST: &str = "127.0.0.1";
/// Digits of the number that ends a client id.
const ID_DIGITS: usize = 10;
const AMOUNT: &[u8] = b"0.01";
/// Answers are looked for once in so many turns, unless a burst's last one is waited for.
const IDLE_TURNS: u64 = 16;
/// First ladders, whose last answers are not counted.
const WARM_UP_LADDERS: u64 = 20;

/// What the client is told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    cpu: Option<usize>,
    port: u16,
    tls: Option<PathBuf>,
    key: String,
    secret: String,
    legs: u8,
    connections: usize,
}

/// One connection for orders.
struct Line {
    stream: Stream,
    parser: ResponseParser,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// The ladders of its orders without an answer, by number.
    sent: VecDeque<u64>,
}

/// Orders that one tick demanded, until the last of them is answered.
struct Ladder {
    decided_ns: u64,
    unanswered: u8,
}

struct Client {
    clock: Clock,
    feed: Stream,
    book: Feed,
    template: PlaceTemplate,
    lines: Vec<Line>,
    poll: Poll,
    legs: u8,
    best: i64,
    orders: u64,
    nonce: u64,
    ladders: VecDeque<Ladder>,
    /// Number of the first of them.
    first_ladder: u64,
    last_answer: Durations,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options: Options = options::read();
    options::pin(options.cpu);
    let mut client = Client::connect(&options)?;
    client.work()?;
    if options.legs > 1 {
        println!("{}", serde_json::json!({ "last_answer": client.last_answer }));
    }
    Ok(())
}

fn template(key: &str, secret: &str) -> Result<PlaceTemplate, Box<dyn Error>> {
    let spec = PlaceSpec {
        host: HOST,
        path: PLACE,
        market: MARKET,
        side: Side::Buy,
        post_only: false,
        ioc: true,
        rpi: false,
        reduce_only: false,
        stp: Some(Stp::CancelNew),
        client_id_prefix: "",
    };
    let prefix = PlaceTemplate::aligned_client_id_prefix(&spec, "floor-", ID_DIGITS);
    let signer = Signer::new(key, secret).map_err(|_| "the key is not usable")?;
    let spec = PlaceSpec { client_id_prefix: &prefix, ..spec };
    PlaceTemplate::new(&signer, &spec).map_err(|_| "the order is not legal".into())
}

impl Client {
    fn connect(options: &Options) -> Result<Self, Box<dyn Error>> {
        let tls = options.tls.as_deref().map(client_tls).transpose()?;
        let poll = Poll::new()?;
        let mut lines = Vec::new();
        for index in 0..options.connections {
            let mut stream = Stream::connect(options.port, tls.as_ref())?;
            poll.registry().register(&mut stream.socket, Token(index), Interest::READABLE)?;
            lines.push(Line {
                stream,
                parser: ResponseParser::new(Limits { max_head: 4096, max_body: 4096 }),
                incoming: Vec::with_capacity(64 * 1024),
                outgoing: Vec::with_capacity(64 * 1024),
                sent: VecDeque::with_capacity(64),
            });
        }
        let mut book = Feed::new();
        book.add_market(MARKET, PRICE_DECIMALS, AMOUNT_DECIMALS, DEPTH)?;
        Ok(Self {
            clock: Clock::start(),
            feed: subscribed(Stream::connect(options.port, tls.as_ref())?)?,
            book,
            template: template(&options.key, &options.secret)?,
            lines,
            poll,
            legs: options.legs,
            best: 0,
            orders: 0,
            nonce: 0,
            ladders: VecDeque::with_capacity(64),
            first_ladder: 0,
            last_answer: Durations::default(),
        })
    }

    /// Answers ticks until the feed ends.
    fn work(&mut self) -> Result<(), Box<dyn Error>> {
        let mut frames = Vec::with_capacity(256 * 1024);
        let mut events = Events::with_capacity(64);
        for turn in 0_u64.. {
            if !self.feed.read(&mut frames).unwrap_or(false) {
                break;
            }
            let mut done = 0;
            while let Some(frame) = websocket::next(&mut frames[done..]) {
                self.take(&frames[done + frame.start..done + frame.end])?;
                done += frame.end;
            }
            frames.drain(..done);
            let is_hurried = self.legs > 1 && !self.ladders.is_empty();
            if is_hurried || turn % IDLE_TURNS == 0 {
                self.poll.poll(&mut events, Some(Duration::ZERO))?;
                for event in &events {
                    self.answered(event.token().0)?;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: &[u8]) -> Result<(), Box<dyn Error>> {
        let kind = self.book.on_frame(frame, 1).kind;
        if matches!(kind, Kind::BookGap | Kind::BookStale) {
            return Err("the chain of deltas broke".into());
        }
        if !matches!(kind, Kind::BookSnapshot | Kind::BookDelta) {
            return Ok(());
        }
        let best = self.book.book(0).best_bid().map_or(0, |level| level.0);
        if best != self.best {
            // the snapshot moves the best bid too, and the referee did not ask for that order
            if self.best != 0 {
                self.burst(best)?;
            }
            self.best = best;
        }
        Ok(())
    }

    fn burst(&mut self, best: i64) -> Result<(), Box<dyn Error>> {
        let number = self.first_ladder + self.ladders.len() as u64;
        let decided_ns = if self.legs > 1 { self.clock.now_ns() } else { 0 };
        self.ladders.push_back(Ladder { decided_ns, unanswered: self.legs });
        let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let now_ms = u64::try_from(epoch.as_millis())?;
        let count = self.lines.len();
        for leg in 0..self.legs {
            self.nonce = now_ms.max(self.nonce + 1);
            self.orders += 1;
            let line = &mut self.lines[usize::from(leg) % count];
            let fields = (best - i64::from(leg), self.orders, self.nonce);
            put_order(&self.template, fields, &mut line.outgoing)?;
            line.sent.push_back(number);
        }
        for line in self.lines.iter_mut().filter(|line| !line.outgoing.is_empty()) {
            line.stream.write(&line.outgoing)?;
            line.outgoing.clear();
        }
        Ok(())
    }

    fn answered(&mut self, index: usize) -> Result<(), Box<dyn Error>> {
        let line = &mut self.lines[index];
        if !line.stream.read(&mut line.incoming)? {
            return Ok(()); // the referee is leaving, and the feed's end tells
        }
        let mut rest = line.incoming.as_slice();
        while !rest.is_empty() {
            if line.parser.advance(&mut rest).map_err(|_| "no HTTP")? == Progress::Response {
                if line.parser.status() != 200 {
                    return Err(format!("an order got HTTP {}", line.parser.status()).into());
                }
                let number = line.sent.pop_front().ok_or("an answer to no order")?;
                let place = usize::try_from(number - self.first_ladder)?;
                let ladder = self.ladders.get_mut(place).ok_or("an answer to no ladder")?;
                ladder.unanswered -= 1;
                if ladder.unanswered == 0 && self.legs > 1 && number >= WARM_UP_LADDERS {
                    self.last_answer.record(self.clock.now_ns() - ladder.decided_ns);
                }
            }
        }
        line.incoming.clear();
        while self.ladders.front().is_some_and(|ladder| ladder.unanswered == 0) {
            self.ladders.pop_front();
            self.first_ladder += 1;
        }
        Ok(())
    }
}

/// Appends one signed order: its price in ticks, number and nonce.
fn put_order(
    template: &PlaceTemplate,
    (ticks, number, nonce): (i64, u64, u64),
    out: &mut Vec<u8>,
) -> Result<(), Box<dyn Error>> {
    let mut price = [0; 40];
    let price_len = price::format(ticks, PRICE_DECIMALS, &mut price);
    let mut id = [b'0'; ID_DIGITS];
    let mut rest = number;
    for digit in id.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let fields = PlaceFields { client_id: &id, amount: AMOUNT, price: &price[..price_len], nonce };
    let start = out.len();
    out.resize(start + template.max_len(), 0);
    let len = template.encode(&fields, &mut out[start..]).map_err(|_| "no legal order")?;
    out.truncate(start + len);
    Ok(())
}

/// Upgrades a connection and subscribes to the book.
fn subscribed(mut stream: Stream) -> Result<Stream, Box<dyn Error>> {
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write(request.as_bytes())?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if !stream.read(&mut answer)? {
            return Err("the referee closed the handshake".into());
        }
    }
    let mut out = Vec::new();
    websocket::put_masked(&mut out, websocket::TEXT, SUBSCRIBE.as_bytes());
    stream.write(&out)?;
    Ok(stream)
}
