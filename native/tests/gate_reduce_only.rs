//! Reduce-only orders in the account's gate.

mod gate_support;

use gate_support::{fill, intent, limited};
use whitewire_core::gate::{ExposureLimits, Intent, Refusal, State};
use whitewire_core::template::Side::{Buy, Sell};

#[test]
fn a_reduce_only_order_needs_a_position_to_lessen_and_counts_as_any_other() {
    let mut guard = limited(ExposureLimits { max_position: 10, ..ExposureLimits::default() });
    let lessens =
        |lots, sequence| Intent { is_reduce_only: true, ..intent(Sell, 110, lots, sequence) };
    let refused = guard.admit(&lessens(1, 1), State::Reducing, 0);
    assert_eq!(refused.err(), Some(Refusal::OnlyReducing), "nothing is held");
    fill(&mut guard, Buy, 90, 4, 9, 0);
    let plain = guard.admit(&intent(Sell, 110, 5, 1), State::Reducing, 0);
    assert_eq!(plain.err(), Some(Refusal::OnlyReducing));
    assert!(guard.admit(&lessens(5, 1), State::Reducing, 0).is_ok(), "the venue cuts it to 4");
    let wrong = Intent { side: Buy, price: 90, ..lessens(1, 2) };
    assert_eq!(guard.admit(&wrong, State::Reducing, 0).err(), Some(Refusal::OnlyReducing));
    assert_eq!(guard.market(0).expect("known").side_sums(Sell).1, 5);
    assert_eq!(guard.admit(&lessens(10, 3), State::Reducing, 0).err(), Some(Refusal::Position));
}
