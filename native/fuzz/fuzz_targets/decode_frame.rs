//! Any bytes: every reader and every instruction set gives the same answer, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whitewire_core::feed::Feed;
use whitewire_core::scan::Isa;

fn feed(isa: Isa) -> Feed {
    let mut feed = Feed::with_isa(isa);
    feed.add_market("BTC_PERP", 1, 3, 5).expect("the market is fit");
    feed
}

fuzz_target!(|frame: &[u8]| {
    let mut general = feed(Isa::Scalar);
    // Leading white space means nothing, but only the general reader takes it.
    let want = general.on_frame(&[b" ", frame].concat(), 1);
    for isa in [Isa::Scalar, Isa::Avx2, Isa::Avx512] {
        let mut feed = feed(isa);
        assert_eq!(feed.on_frame(frame, 1), want);
        assert_eq!(feed.ticker(0), general.ticker(0));
        assert!(feed.book(0).bids().eq(general.book(0).bids()));
        assert!(feed.book(0).asks().eq(general.book(0).asks()));
        assert_eq!(feed.book(0).is_stale(), general.book(0).is_stale());
        assert_eq!(feed.cold().trades(), general.cold().trades());
        assert_eq!(feed.cold().method, general.cold().method);
        let account = |feed: &Feed| {
            let cold = feed.cold();
            format!("{:?} {:?} {:?}", cold.order, cold.deal, cold.balances())
        };
        assert_eq!(account(&feed), account(&general));
        assert_eq!(feed.cold().reply.result, general.cold().reply.result);
    }
});
