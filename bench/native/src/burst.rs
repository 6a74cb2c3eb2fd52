//! Bursts of orders, signed one after the other or together.
//!
//! Owns: the loops of `bench.micro.burst`. Must not know: time. Invariant: both ways end with the
//! same requests one behind the other in one buffer, as in that of a connection; together they are
//! first written apart and then copied, as the gateway does it.

use std::hint::black_box;
use std::slice;

use whitewire_core::sha512::lanes::Lanes;
use whitewire_core::sign::Signer;
use whitewire_core::template::{sign_all, Draft, PlaceTemplate, Side, MAX_LEGS};

use crate::{numbers, spec, text, Order, Orders};

const STRIDE: usize = 2048;

/// Buys and sells of one market.
pub struct Bursts {
    sides: [PlaceTemplate; 2],
    arena: Vec<u8>,
    connection: Vec<u8>,
    lanes: Lanes,
}

impl Bursts {
    fn order(&self, first: &Order, leg: usize) -> (&PlaceTemplate, Order) {
        let step = leg as u64;
        let order = Order {
            sequence: first.sequence + step,
            price_ticks: first.price_ticks + step as i64,
            nonce: first.nonce + step,
            ..*first
        };
        (&self.sides[leg % 2], order)
    }

    /// Bytes in the connection's buffer.
    fn apart(&self, first: &Order, legs: usize, connection: &mut [u8]) -> usize {
        let mut end = 0;
        for leg in 0..legs {
            let (template, order) = self.order(first, leg);
            end += Orders::encode(template, &order, &mut connection[end..]);
        }
        end
    }

    fn together(
        &self,
        first: &Order,
        legs: usize,
        arena: &mut [u8],
        connection: &mut [u8],
    ) -> usize {
        let mut lengths = [0; MAX_LEGS];
        let mut drafts: [Option<Draft<'_>>; MAX_LEGS] = [const { None }; MAX_LEGS];
        for ((leg, room), slot) in (0..legs).zip(arena.chunks_mut(STRIDE)).zip(&mut drafts) {
            let (template, order) = self.order(first, leg);
            let draft = template
                .draft_numbers(&numbers(&order), room)
                .expect("orders of the bench are well formed");
            lengths[leg] = draft.request_len();
            *slot = Some(draft);
        }
        sign_all(&mut drafts, self.lanes);
        let mut end = 0;
        for (room, len) in arena.chunks(STRIDE).zip(lengths).take(legs) {
            connection[end..end + len].copy_from_slice(&room[..len]);
            end += len;
        }
        end
    }

    fn write(&mut self, first: &Order, legs: usize, is_together: bool) -> usize {
        let mut arena = std::mem::take(&mut self.arena);
        let mut connection = std::mem::take(&mut self.connection);
        let written = if is_together {
            self.together(first, legs, &mut arena, &mut connection)
        } else {
            self.apart(first, legs, &mut connection)
        };
        (self.arena, self.connection) = (arena, connection);
        written
    }
}

/// Quotes of `BTC_USDT`, in turns buys and sells, signed by this key.
///
/// # Safety
/// B2; the texts are key, secret, and the start of every client id.
#[no_mangle]
pub unsafe extern "C" fn bursts_new(
    key: *const u8,
    key_len: usize,
    secret: *const u8,
    secret_len: usize,
    prefix: *const u8,
    prefix_len: usize,
) -> *mut Bursts {
    // SAFETY: B2.
    let (key, secret, prefix) = unsafe {
        (
            text(key, key_len),
            text(secret, secret_len),
            text(prefix, prefix_len),
        )
    };
    let signer = Signer::new(key, secret).expect("the bench's key is usable");
    let sides = [Side::Buy, Side::Sell].map(|side| {
        let mut spec = spec(true, prefix);
        spec.side = side;
        PlaceTemplate::new(&signer, &spec).expect("the bench's order is legal")
    });
    Box::into_raw(Box::new(Bursts {
        sides,
        arena: vec![0; MAX_LEGS * STRIDE],
        connection: vec![0; MAX_LEGS * STRIDE],
        lanes: Lanes::get(),
    }))
}

/// # Safety
/// B1; the pointer is not used again.
#[no_mangle]
pub unsafe extern "C" fn bursts_free(bursts: *mut Bursts) {
    // SAFETY: B1.
    drop(unsafe { Box::from_raw(bursts) });
}

/// The requests of one burst into `out`; their bytes, or 0 where `room` is too small.
///
/// # Safety
/// B1, B2.
#[no_mangle]
pub unsafe extern "C" fn bursts_encode(
    bursts: *mut Bursts,
    first: *const Order,
    legs: usize,
    together: bool,
    out: *mut u8,
    room: usize,
) -> usize {
    // SAFETY: B1, B2.
    let (bursts, first, out) =
        unsafe { (&mut *bursts, &*first, slice::from_raw_parts_mut(out, room)) };
    let len = bursts.write(first, legs, together);
    let Some(out) = out.get_mut(..len) else {
        return 0;
    };
    out.copy_from_slice(&bursts.connection[..len]);
    len
}

/// Builds `count` bursts of so many legs.
///
/// # Safety
/// B1, B2.
#[no_mangle]
pub unsafe extern "C" fn bursts_run(
    bursts: *mut Bursts,
    first: *const Order,
    legs: usize,
    together: bool,
    count: u64,
) {
    // SAFETY: B1, B2.
    let (bursts, first) = unsafe { (&mut *bursts, *first) };
    for step in 0..count {
        let first = Order {
            nonce: first.nonce + step,
            ..first
        };
        black_box(bursts.write(black_box(&first), legs, together));
    }
}
