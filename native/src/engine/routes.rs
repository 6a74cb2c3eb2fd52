//! Which endpoints a market's placements go to.
//!
//! Owns: the paths of markets that trade against collateral, whose orders are placed elsewhere than
//! spot orders; modifying and canceling is the same for both. Must not know what a body says.
//! Invariant: one bulk request has legs of one endpoint only.

use super::{Engine, Failure, SetupError};
use crate::template::BulkTemplate;

impl Engine {
    /// Sends a market's placements to other endpoints than those of [`OrderPaths`].
    ///
    /// Templates that were built for the former ones are forgotten.
    pub fn route_orders(
        &mut self,
        market: usize,
        place: String,
        bulk: &str,
    ) -> Result<(), SetupError> {
        let trading = self.trading.get_mut(market).ok_or(SetupError::UnknownMarket)?;
        let signer = self.signer.as_ref().ok_or(SetupError::NoKey)?;
        let known = self.bulk.iter().position(|(path, _)| path == bulk);
        trading.bulk = known.unwrap_or(self.bulk.len());
        if known.is_none() {
            let template = BulkTemplate::new(signer, &self.paths.host, bulk, false)?;
            self.bulk.push((bulk.to_owned(), template));
        }
        trading.place_path = place;
        trading.place = std::array::from_fn(|_| None);
        self.calls.forget(market);
        Ok(())
    }

    /// The bulk endpoint of the first leg that passed is that of the whole request.
    pub(super) fn check_endpoint(
        &self,
        market: usize,
        endpoint: &mut Option<usize>,
    ) -> Result<(), Failure> {
        let mine = self.trading.get(market).ok_or(Failure::UnknownMarket)?.bulk;
        if *endpoint.get_or_insert(mine) == mine {
            Ok(())
        } else {
            Err(Failure::Legs)
        }
    }
}
