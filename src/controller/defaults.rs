//! What the platform adds to flows by itself is no difference, as far as records and tenant tell of it.

use super::Engine;
use crate::index::Comparing;
use crate::local::LocalState;
use crate::record::Manifest;
use crate::source::Source;
use crate::tenant::Tenant;

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Leaves out of comparison the defaults that a manifest names and those that the tenant was seen to add.
    pub fn leave_out_defaults(&self, manifest: Option<&Manifest>) -> Comparing {
        if let Some(manifest) = manifest {
            self.tenant.note_defaults(&manifest.defaults);
        }
        self.reader.index().leave_out(&self.tenant.defaults())
    }
}
