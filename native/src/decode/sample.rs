//! Two frames of a market that does not exist, in the venue's usual form.
//!
//! Owns: their text. Must not know: what they are for. Invariant: the quick reader takes them.

/// Their market, with two and six decimals.
pub(crate) const MARKET: &str = "WARM_UP";

/// A full book, then a change of its best bid; over and over.
pub(crate) const FRAMES: [&[u8]; 2] = [
    b"{\"method\": \"depth_update\", \"params\": [true, {\"timestamp\": 1785730136.175524, \
      \"update_id\": 22216668570, \"asks\": [[\"60001.5\", \"0.13\"], [\"60002\", \"1\"]], \
      \"bids\": [[\"60000\", \"0.453\"], [\"59999.5\", \"0.446\"]], \
      \"event_time\": 1785730136.2352009}, \"WARM_UP\"], \"id\": null}",
    b"{\"method\": \"depth_update\", \"params\": [false, {\"timestamp\": 1785730136.275524, \
      \"update_id\": 22216668616, \"past_update_id\": 22216668570, \
      \"asks\": [[\"60001\", \"0.2\"]], \
      \"bids\": [[\"60000.5\", \"0.31\"], [\"60000\", \"0\"]], \
      \"event_time\": 1785730136.3352009}, \"WARM_UP\"], \"id\": null}",
];
