//! When ticks are sent, and which orders answered them.
//!
//! Owns: the phases of a run, its open-loop schedule, the matching of orders and ticks. Must not
//! know: sockets, texts. Invariant: the schedule of a run depends on its seed and not on the
//! client: a tick is due so long after the one before was due, whatever has arrived. Every tick is
//! charged: one that the client folded into a later one waited until that one's order.

use std::collections::VecDeque;

use fastrand::Rng;

use crate::market::SLOTS;
use crate::report::Report;

/// Time between the ticks that call a client which is not ready yet.
const CALL_NS: u64 = 50_000_000;
/// Calls that have to be answered before the schedule begins.
const CALLS: u32 = 3;
/// How long orders of the last ticks are waited for.
const GRACE_NS: u64 = 1_000_000_000;

/// What a run looks like.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Ticks that count.
    pub ticks: u64,
    /// Ticks before them, on the same schedule.
    pub warm_up: u64,
    /// Shortest and longest time between two ticks.
    pub gap_ns: (u64, u64),
    /// Orders that a tick demands.
    pub legs: u8,
    /// Of the gaps.
    pub seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Calling(u32),
    Running(u64),
    Draining(u64),
    Done,
}

/// A tick that was sent.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    at_ns: u64,
    arrived: u32,
    answered: u32,
    /// Its price was not used again since.
    is_known: bool,
    /// Neither its own orders nor those of a later tick have all arrived.
    is_open: bool,
    counts: bool,
}

/// See the module's documentation.
pub struct Schedule {
    plan: Plan,
    phase: Phase,
    due_ns: u64,
    rng: Rng,
    sent: Vec<Sent>,
    /// Slots of ticks that are open, oldest first.
    open: VecDeque<usize>,
    last: usize,
    all: u32,
    /// What was found so far.
    pub report: Report,
}

impl Schedule {
    /// Begins to call at `now_ns`.
    #[must_use]
    pub fn new(plan: Plan, now_ns: u64) -> Self {
        let rng = Rng::with_seed(plan.seed);
        let all = u32::MAX >> (32 - u32::from(plan.legs.clamp(1, 32)));
        let (phase, sent) = (Phase::Calling(0), vec![Sent::default(); SLOTS]);
        let (open, report) = (VecDeque::with_capacity(SLOTS), Report::default());
        Self { plan, phase, due_ns: now_ns, rng, sent, open, last: 0, all, report }
    }

    /// Whether the next tick has to be sent now.
    #[must_use]
    pub fn is_due(&self, now_ns: u64) -> bool {
        matches!(self.phase, Phase::Calling(_) | Phase::Running(_)) && now_ns >= self.due_ns
    }

    /// Whether the client has not answered its first ticks yet.
    #[must_use]
    pub fn is_calling(&self) -> bool {
        matches!(self.phase, Phase::Calling(_))
    }

    /// Whether everything was sent, and arrived or waited for.
    pub fn is_done(&mut self, now_ns: u64) -> bool {
        if matches!(self.phase, Phase::Draining(until) if now_ns >= until || !self.is_waiting()) {
            self.phase = Phase::Done;
            while let Some(slot) = self.open.pop_front() {
                self.miss(slot);
            }
        }
        self.phase == Phase::Done
    }

    fn is_waiting(&self) -> bool {
        !self.open.is_empty() || self.sent[self.last].answered != self.all
    }

    /// The tick of this slot leaves at `now_ns`.
    pub fn sending(&mut self, slot: usize, now_ns: u64) {
        if self.sent[slot].is_open {
            self.open.pop_front(); // slots are used in turns, so it is the oldest
            self.miss(slot);
        }
        let mut counts = false;
        match self.phase {
            Phase::Running(number) => {
                counts = number >= self.plan.warm_up;
                if counts {
                    self.report.ticks += 1;
                    self.report.lateness.record(now_ns - self.due_ns);
                }
                let (shortest, longest) = self.plan.gap_ns;
                self.due_ns += self.rng.u64(shortest..=longest);
                self.phase = Phase::Running(number + 1);
                if number + 1 == self.plan.warm_up + self.plan.ticks {
                    self.phase = Phase::Draining(now_ns + GRACE_NS);
                }
            }
            _ => self.due_ns = now_ns + CALL_NS,
        }
        let (is_known, is_open) = (true, true);
        self.sent[slot] = Sent { at_ns: now_ns, is_known, is_open, counts, ..Sent::default() };
        self.open.push_back(slot);
        self.last = slot;
    }

    /// The price of a slot is used again, or the run ends.
    fn miss(&mut self, slot: usize) {
        self.sent[slot].is_open = false;
        self.report.missed += u64::from(self.sent[slot].counts);
    }

    /// The orders of a tick are complete: it is closed, and with it what was sent before.
    fn close_up_to(&mut self, last: usize, at_ns: u64) {
        while let Some(slot) = self.open.pop_front() {
            let tick = &mut self.sent[slot];
            tick.is_open = false;
            if tick.counts {
                self.report.tick_to_order.record(at_ns - tick.at_ns);
                self.report.folded += u64::from(slot != last);
            }
            if slot == last {
                break;
            }
        }
    }

    /// A right order arrived; whether it is the first one for its leg.
    pub fn arrived(&mut self, slot: usize, leg: u32, at_ns: u64) -> bool {
        let tick = &mut self.sent[slot];
        if !tick.is_known {
            self.report.wrong += 1;
            return false;
        }
        if tick.arrived & (1 << leg) != 0 {
            self.report.repeated += 1;
            return false;
        }
        tick.arrived |= 1 << leg;
        if tick.arrived == self.all {
            if tick.is_open {
                self.close_up_to(slot, at_ns);
            }
            if let Phase::Calling(answered) = self.phase {
                self.phase = Phase::Calling(answered + 1);
                if answered + 1 == CALLS {
                    self.phase = Phase::Running(0);
                    self.due_ns = at_ns + CALL_NS;
                }
            }
        }
        true
    }

    /// The answer to a right order was written.
    pub fn answered(&mut self, slot: usize, leg: u32, at_ns: u64) {
        let tick = &mut self.sent[slot];
        tick.answered |= 1 << leg;
        if tick.counts && tick.answered == self.all {
            self.report.tick_to_answer.record(at_ns - tick.at_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan { ticks: 3, warm_up: 1, gap_ns: (100, 200), legs: 2, seed: 7 };

    /// Both orders of a tick.
    fn answer(run: &mut Schedule, slot: usize, at_ns: u64) {
        for leg in 0..2 {
            assert!(run.arrived(slot, leg, at_ns));
            run.answered(slot, leg, at_ns + 5);
        }
    }

    fn called() -> (Schedule, u64) {
        let mut run = Schedule::new(PLAN, 0);
        let mut now = 0;
        for slot in 0..3 {
            assert!(run.is_due(now));
            run.sending(slot, now);
            assert!(!run.is_due(now + CALL_NS - 1));
            answer(&mut run, slot, now + 10);
            now += 10 + CALL_NS;
        }
        (run, now)
    }

    #[test]
    fn a_run_counts_what_comes_after_the_warm_up() {
        let (mut run, mut now) = called();
        for slot in 10..14 {
            while !run.is_due(now) {
                now += 1;
            }
            run.sending(slot, now + 1);
            answer(&mut run, slot, now + 31);
        }
        assert!(!run.is_due(now + CALL_NS));
        assert!(run.is_done(now + 40));
        let report = serde_json::to_value(&run.report).expect("plain");
        assert_eq!(report["tick_to_order"], serde_json::json!([[30, 3]]));
        assert_eq!(report["tick_to_answer"], serde_json::json!([[35, 3]]));
        assert_eq!(report["lateness"], serde_json::json!([[1, 3]]));
        assert_eq!((&report["ticks"], &report["missed"]), (&3.into(), &0.into()));
    }

    #[test]
    fn the_schedule_does_not_wait_for_orders() {
        let dues = |is_answered: bool| {
            let (mut run, mut now) = called();
            let mut dues = Vec::new();
            for slot in 10..14 {
                while !run.is_due(now) {
                    now += 1;
                }
                dues.push(now);
                run.sending(slot, now);
                if is_answered {
                    answer(&mut run, slot, now + 1);
                }
            }
            assert_eq!(run.is_done(now + 10), is_answered);
            assert!(run.is_done(now + GRACE_NS));
            assert_eq!(run.report.missed, if is_answered { 0 } else { 3 });
            dues
        };
        assert_eq!(dues(true), dues(false));
    }

    #[test]
    fn orders_that_no_tick_demands_and_second_ones_are_counted() {
        let (mut run, now) = called();
        run.sending(9, now);
        assert!(run.arrived(9, 1, now + 1));
        assert!(!run.arrived(9, 1, now + 2));
        assert!(!run.arrived(8, 0, now + 2));
        assert_eq!((run.report.repeated, run.report.wrong), (1, 1));
    }

    #[test]
    fn half_a_ladder_is_a_miss() {
        let (mut run, mut now) = called();
        for slot in 10..14 {
            now += 1_000;
            run.sending(slot, now);
            run.arrived(slot, 0, now + 1);
        }
        assert!(run.is_done(now + GRACE_NS));
        assert_eq!((run.report.missed, run.report.tick_to_order.count()), (3, 0));
    }

    #[test]
    fn a_folded_tick_waited_for_the_order_that_answered_it() {
        let (mut run, now) = called();
        for (slot, later) in [(10, 300), (11, 600), (12, 900), (13, 1_200)] {
            run.sending(slot, now + later);
        }
        answer(&mut run, 13, now + 1_250);
        assert!(run.is_done(now + 1_300));
        // 11, 12 and 13 count; an order of a folded tick that comes late is right, and no sample
        let report = serde_json::to_value(&run.report).expect("plain");
        assert_eq!(report["tick_to_order"], serde_json::json!([[50, 1], [350, 1], [650, 1]]));
        assert_eq!((run.report.folded, run.report.missed), (2, 0));
        assert!(run.arrived(12, 0, now + 2_000) && run.arrived(12, 1, now + 2_000));
        assert_eq!((run.report.tick_to_order.count(), run.report.wrong), (3, 0));
    }
}
