//! The gate's states: the table of events, and what a latch remembers behind its state.

use whitewire_core::gate::{Event, Latch, Reason, State};

/// A latch in each state, and what each event makes of it: the module's table, once more.
#[test]
fn the_states_are_their_table() {
    use State::{Active, Disarmed, Halted, Killed, Reducing};
    let make = |state| {
        let mut latch = Latch::new(state != Disarmed);
        match state {
            Reducing => latch.apply(Event::Reduce(Reason::Asked, i64::MAX)),
            Halted => latch.apply(Event::Halt(Reason::Asked, i64::MAX)),
            Killed => latch.apply(Event::Kill(Reason::Asked)),
            Active | Disarmed => {}
        }
        assert_eq!(latch.state(0), state);
        latch
    };
    let table = [
        (Event::Arm, [Active, Active, Reducing, Halted, Killed]),
        (Event::Disarm, [Disarmed, Disarmed, Disarmed, Halted, Killed]),
        (Event::Reduce(Reason::Asked, 9), [Disarmed, Reducing, Reducing, Halted, Killed]),
        (Event::Halt(Reason::Asked, 9), [Halted, Halted, Halted, Halted, Killed]),
        (Event::Kill(Reason::Asked), [Killed; 5]),
        (Event::Reset, [Disarmed, Active, Active, Active, Killed]),
        (Event::Rearm, [Disarmed, Active, Active, Active, Disarmed]),
    ];
    for (event, expected) in table {
        for (state, after) in [Disarmed, Active, Reducing, Halted, Killed].into_iter().zip(expected)
        {
            let mut latch = make(state);
            latch.apply(event);
            assert_eq!(latch.state(0), after, "{event:?} in {state:?}");
        }
    }
    let mut hidden = make(Disarmed);
    hidden.apply(Event::Reduce(Reason::Asked, 9));
    hidden.apply(Event::Arm);
    assert_eq!(hidden.state(8), Reducing, "a breach while disarmed is not forgotten");
    assert_eq!(hidden.state(9), Active);
    let mut longer = make(Active);
    longer.apply(Event::Halt(Reason::FillBurst, 9));
    longer.apply(Event::Halt(Reason::Asked, 5));
    assert_eq!((longer.state(8), longer.reason(8)), (Halted, Reason::FillBurst));
}
