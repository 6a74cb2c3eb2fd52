//! Requests signed together against the same requests signed one after the other.

mod engine_support;
mod order_support;

use engine_support::{engine, quote, NEW, NONCE, NOW};
use order_support::{open, place, plain_spec, quote_spec};
use proptest::prelude::*;
use whitewire_core::engine::{flags, Failure, PlaceRequest, MAX_LEGS};
use whitewire_core::sha512::lanes::{
    put_block, put_state, state_of, LaneBlocks, LaneStates, Lanes,
};
use whitewire_core::sha512::{State, BLOCK, INITIAL};
use whitewire_core::template::{sign_all, Draft, PlaceFields};

const STRIDE: usize = 2048;

fn lane() -> impl Strategy<Value = (State, [u8; BLOCK])> {
    (any::<State>(), proptest::collection::vec(any::<u8>(), BLOCK))
        .prop_map(|(state, block)| (state, block.try_into().expect("a block")))
}

fn order() -> impl Strategy<Value = (bool, u64, u64, u64)> {
    // some numbers are so long that a second block is left
    (any::<bool>(), 1..9_999_999_999u64, 1..u64::MAX, 1_000_000_000_000..9_999_999_999_999u64)
}

fn leg() -> impl Strategy<Value = PlaceRequest> {
    let price = prop_oneof![9 => 5_990_000..5_999_999i64, 1 => 1..9_999_999i64];
    let amount = prop_oneof![9 => 10_000..1_000_000i64, 1 => 1..2_000_000i64];
    (price, amount, any::<bool>()).prop_map(|(price, amount, is_ioc)| {
        let mut leg = quote(price, amount, 0);
        if is_ioc {
            leg.flags = flags::IOC | (2 << flags::STP_SHIFT);
        }
        leg
    })
}

proptest! {
    #[test]
    fn each_lane_comes_to_the_serial_state(lanes in proptest::collection::vec(lane(), 1..=8)) {
        for variant in Lanes::available() {
            for group in lanes.chunks(variant.width()) {
                let (mut states, mut blocks) = (LaneStates::default(), LaneBlocks::default());
                for (at, (state, block)) in group.iter().enumerate() {
                    put_state(&mut states, at, state);
                    put_block(&mut blocks, at, block);
                }
                variant.compress(&mut states, &blocks, group.len());
                for (at, (state, block)) in group.iter().enumerate() {
                    let mut serial = *state;
                    sha2::block_api::compress512(&mut serial, &[*block]);
                    prop_assert_eq!(state_of(&states, at), serial, "{} lane {}", variant.name(), at);
                }
            }
        }
    }

    #[test]
    fn each_request_is_signed_as_if_alone(
        orders in proptest::collection::vec(order(), 1..=MAX_LEGS),
    ) {
        let templates = [place(&quote_spec("ww-mb5z1k2q-00000000")), place(&plain_spec("mm-"))];
        for variant in Lanes::available() {
            let mut arena = vec![0; orders.len() * STRIDE];
            let mut drafts: Vec<Option<Draft<'_>>> = Vec::new();
            let mut alone = Vec::new();
            for ((is_quote, id, number, nonce), room) in orders.iter().zip(arena.chunks_mut(STRIDE))
            {
                let (id, number) = (format!("{id:010}"), number.to_string());
                let fields = PlaceFields {
                    client_id: id.as_bytes(),
                    amount: b"0.013",
                    price: number.as_bytes(),
                    nonce: *nonce,
                };
                let template = &templates[usize::from(*is_quote)];
                let mut out = vec![0; template.max_len()];
                let len = template.encode(&fields, &mut out).expect("encodes");
                out.truncate(len);
                alone.push(out);
                drafts.push(Some(template.draft(&fields, room).expect("encodes")));
            }
            let lengths: Vec<_> =
                drafts.iter().map(|draft| draft.as_ref().map_or(0, Draft::request_len)).collect();
            sign_all(&mut drafts, variant);
            prop_assert!(drafts.iter().all(Option::is_none));
            drop(drafts);
            for ((room, len), alone) in arena.chunks(STRIDE).zip(lengths).zip(&alone) {
                prop_assert_eq!(&room[..len], &alone[..], "{}", variant.name());
                open(alone, NEW);
            }
        }
    }

    #[test]
    fn a_burst_is_what_its_placements_would_be_one_by_one(
        legs in proptest::collection::vec(leg(), 1..=MAX_LEGS),
        is_padded: bool,
    ) {
        let (mut together, mut apart) = (engine(is_padded), engine(is_padded));
        let legs: Vec<_> =
            (1..).zip(legs).map(|(sequence, leg)| PlaceRequest { sequence, ..leg }).collect();
        let nonces: Vec<_> = (NONCE..).take(legs.len()).collect();
        let mut arena = vec![0; MAX_LEGS * STRIDE];
        let results = together.place_many(&legs, &nonces, NOW, &mut arena, STRIDE);
        let mut out = vec![0; STRIDE];
        for (at, (leg, nonce)) in legs.iter().zip(&nonces).enumerate() {
            let alone = apart.place(leg, *nonce, NOW, &mut out);
            prop_assert_eq!(results[at], alone);
            if let Ok(len) = alone {
                prop_assert_eq!(&arena[at * STRIDE..][..len], &out[..len]);
                open(&out[..len], NEW);
            }
        }
        prop_assert_eq!(together.guard().totals(), apart.guard().totals());
    }
}

#[test]
fn there_is_always_a_scalar_variant_and_it_is_the_last() {
    let names: Vec<_> = Lanes::available().iter().map(|variant| variant.name()).collect();
    assert_eq!(names.last(), Some(&"scalar"));
    assert_eq!(Lanes::get().name(), names[0]);
    let (mut states, blocks) = (LaneStates::default(), LaneBlocks::default());
    put_state(&mut states, 3, &INITIAL);
    assert_eq!(state_of(&states, 3), INITIAL);
    assert_eq!(blocks[0].0, [0; 8]);
}

#[test]
fn a_burst_that_is_too_long_or_has_no_room_places_nothing() {
    let mut engine = engine(false);
    let legs: Vec<_> = (1..).map(|n| quote(5_999_000, 10_000, n)).take(21).collect();
    let nonces: Vec<_> = (NONCE..).take(21).collect();
    let mut arena = vec![0; 21 * STRIDE];
    let refused = engine.place_many(&legs, &nonces, NOW, &mut arena, STRIDE);
    assert_eq!(refused, [Err(Failure::Legs); MAX_LEGS]);
    let before = engine.guard().totals();
    let short = engine.place_many(&legs[..3], &nonces[..3], NOW, &mut arena, 100);
    assert!(short[..3].iter().all(|leg| matches!(leg, Err(Failure::Encode(_)))), "{short:?}");
    assert_eq!(engine.guard().totals(), before, "what became no bytes is not counted");
}
