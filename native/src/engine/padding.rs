//! Whether single requests are padded to whole blocks of their payload's text.
//!
//! Owns: the layouts of a session's requests. Must not know what they look like. Invariant: padded,
//! no placement, modification or cancel of this session costs more than two compressions, as long
//! as amount and price take 24 bytes at most; otherwise that is promised of most placements and
//! cancels only.

use super::Engine;
use crate::sign::Signer;
use crate::template::{
    CancelTemplate, ModifyTemplate, Naming, PlaceSpec, PlaceTemplate, Stp, TemplateError,
};

impl Engine {
    /// Pads the requests of markets that are added from now on; client ids are then as short as
    /// they can be.
    pub fn pad_requests(&mut self) {
        self.pads_requests = true;
    }

    pub(super) fn place_template(
        &self,
        signer: &Signer,
        spec: &PlaceSpec<'_>,
    ) -> Result<PlaceTemplate, TemplateError> {
        if self.pads_requests {
            PlaceTemplate::padded(signer, spec)
        } else {
            PlaceTemplate::new(signer, spec)
        }
    }

    pub(super) fn cancel_template(
        &self,
        signer: &Signer,
        market: &str,
    ) -> Result<CancelTemplate, TemplateError> {
        let paths = &self.paths;
        CancelTemplate::named(signer, &paths.host, &paths.cancel, market, self.naming())
    }

    pub(super) fn modify_template(
        &self,
        signer: &Signer,
        market: &str,
        stp: Stp,
    ) -> Result<ModifyTemplate, TemplateError> {
        let paths = &self.paths;
        ModifyTemplate::named(signer, &paths.host, &paths.modify, (market, stp), self.naming())
    }

    fn naming(&self) -> Naming<'_> {
        Naming { id_start: &self.id_base, is_padded: self.pads_requests }
    }
}
