//! Hash, encodings and signature against slow twins.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::prelude::*;
use sha2::Digest as _;
use whitewire_core::base64::{encoded_len, Codec, SLACK};
use whitewire_core::sha512::{Sha512, State, INITIAL};
use whitewire_core::sign::{SignError, Signer};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn to_bytes(state: &State) -> Vec<u8> {
    state.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn slow_signature(secret: &[u8], payload: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha512>::new_from_slice(secret).expect("any length is a key");
    mac.update(payload);
    hex(&mac.finalize().into_bytes())
}

fn signature(secret: &str, payload: &[u8]) -> String {
    let mut out = [0; 128];
    Signer::new("key", secret).expect("a valid pair").signature_hex(payload, &mut out);
    String::from_utf8(out.to_vec()).expect("hex digits")
}

#[test]
fn the_last_variant_is_the_portable_one() {
    assert_eq!(Sha512::available().last().map(|sha| sha.name()), Some("sha2"));
    assert_eq!(Codec::available().last().map(|codec| codec.name()), Some("scalar"));
    assert_eq!(Sha512::get().name(), Sha512::available()[0].name());
    assert_eq!(Codec::get().name(), Codec::available()[0].name());
}

#[test]
fn every_length_around_the_padding_hashes_like_sha2() {
    let data: Vec<u8> = (0..=250).cycle().step_by(31).take(600).collect();
    for sha in Sha512::available() {
        for len in 0..data.len() {
            let mut state = INITIAL;
            sha.finish(&mut state, 0, &data[..len]);
            let ours = to_bytes(&state);
            let twin = sha2::Sha512::digest(&data[..len]);
            assert_eq!(ours[..], twin[..], "{} over {len} bytes", sha.name());
        }
    }
}

#[test]
fn a_known_vector_signs_as_published() {
    // RFC 4231, test case 2.
    let expected = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                    9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";
    assert_eq!(signature("Jefe", b"what do ya want for nothing?"), expected);
}

#[test]
fn secrets_of_every_length_sign_like_hmac() {
    for len in [1, 31, 32, 127, 128, 129, 200, 500] {
        let secret = "s3".repeat(len)[..len].to_owned();
        let twin = slow_signature(secret.as_bytes(), b"payload");
        assert_eq!(signature(&secret, b"payload"), twin, "{len}");
    }
}

#[test]
fn unusable_keys_are_refused() {
    let error = |key: &str, secret: &str| Signer::new(key, secret).expect_err("refused");
    assert_eq!(error("", "s"), SignError::EmptyKey);
    assert_eq!(error("k", ""), SignError::EmptySecret);
    for key in ["a b", "a\r\nX-Evil: 1", "a\n", "\u{e9}", "tab\t", "\u{7f}"] {
        assert_eq!(error(key, "s"), SignError::BadKey, "{key:?}");
    }
}

#[test]
fn nothing_secret_is_printed() {
    let signer = Signer::new("public-half", "top-secret").expect("a valid pair");
    let text = format!("{signer:?}");
    assert!(text.contains("public-half"));
    assert!(!text.contains("top-secret"));
    assert_eq!(signer.api_key(), "public-half");
}

#[test]
fn every_length_encodes_like_the_twin_and_stays_in_its_room() {
    let data: Vec<u8> = (0..=255).cycle().step_by(89).take(400).collect();
    for codec in Codec::available() {
        for len in 0..data.len() {
            let room = encoded_len(len) + SLACK;
            let mut out = vec![0xaa; room + 8];
            // A copy that ends where the input ends, so that a read too far would be seen.
            let input = data[..len].to_vec();
            let text = codec.encode(&input, &mut out[..room]);
            assert_eq!(out[..text], *STANDARD.encode(&input).as_bytes(), "{} {len}", codec.name());
            assert_eq!(out[room..], [0xaa; 8], "{} wrote past its room", codec.name());
        }
    }
}

#[test]
#[should_panic(expected = "no room")]
fn encoding_without_room_is_refused() {
    let mut out = [0; 4 + SLACK - 1];
    Codec::get().encode(b"abc", &mut out);
}

#[test]
fn every_byte_has_its_two_digits() {
    for codec in Codec::available() {
        let all: Vec<u8> = (0..=255).collect();
        for input in all.as_chunks::<64>().0 {
            let words = std::array::from_fn(|at| u64::from_be_bytes(input.as_chunks().0[at]));
            let mut out = [0; 128];
            codec.hex(&words, &mut out);
            assert_eq!(out, *hex(input).as_bytes(), "{}", codec.name());
        }
    }
}

proptest! {
    #[test]
    fn hashes_from_any_state_agree(
        state in any::<[u64; 8]>(),
        block in proptest::collection::vec(any::<u8>(), 256),
    ) {
        let blocks = block.as_chunks::<128>().0;
        let mut twin = state;
        sha2::block_api::compress512(&mut twin, blocks);
        for sha in Sha512::available() {
            let mut ours = state;
            sha.compress(&mut ours, blocks);
            prop_assert_eq!(ours, twin, "{}", sha.name());
        }
    }

    #[test]
    fn outer_hashes_agree_with_those_of_the_digest(state: [u64; 8], digest: [u64; 8]) {
        let twin = Sha512::available().pop().expect("the portable one");
        let mut expected = state;
        twin.finish(&mut expected, 128, &to_bytes(&digest));
        for sha in Sha512::available() {
            let mut ours = state;
            sha.outer(&mut ours, &digest);
            prop_assert_eq!(ours, expected, "{}", sha.name());
        }
    }

    #[test]
    fn any_payload_signs_like_hmac(
        secret in "[ -~]{1,160}",
        body in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut payload = vec![0xff; 3];
        Signer::payload_b64(&body, &mut payload);
        prop_assert_eq!(String::from_utf8_lossy(&payload), STANDARD.encode(&body));
        prop_assert_eq!(signature(&secret, &payload), slow_signature(secret.as_bytes(), &payload));
    }

    #[test]
    fn any_bytes_encode_alike(body in proptest::collection::vec(any::<u8>(), 0..1000)) {
        for codec in Codec::available() {
            let mut out = vec![0; encoded_len(body.len()) + SLACK];
            let len = codec.encode(&body, &mut out);
            let text = String::from_utf8_lossy(&out[..len]);
            prop_assert_eq!(text, STANDARD.encode(&body), "{}", codec.name());
        }
    }

    #[test]
    fn any_digest_prints_alike(digest: State) {
        for codec in Codec::available() {
            let mut out = [0; 128];
            codec.hex(&digest, &mut out);
            let expected = hex(&to_bytes(&digest));
            prop_assert_eq!(String::from_utf8_lossy(&out), expected, "{}", codec.name());
        }
    }
}
