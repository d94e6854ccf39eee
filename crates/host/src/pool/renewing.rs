//! The rights of a revision change while its instances run.

use std::sync::Arc;

use airssys_wasm_model::{InstanceModel, Rights};

use super::Pool;
use crate::instance::Instance;
use crate::rights::DirectoryError;

impl Pool {
    /// Replaces what the revision may do, from now on and for every guest of it: each import is checked against the
    /// new rights, and so is the next use of what is open. What an instance read at its start, such as its
    /// environment and the list of its directories, it has: so those that wait are dropped, and those that have
    /// calls serve no further ones. An actor's that holds a state which nobody saves stays.
    ///
    /// Opens directories, on the thread that asks. Whoever changes the rights takes turns with others who do.
    ///
    /// # Errors
    /// When a directory cannot be opened that was not granted before. The rights are changed all the same, without it.
    pub fn change_rights(self: &Arc<Self>, rights: Rights) -> Result<(), DirectoryError> {
        if *self.revision.rights.now().rights == rights {
            return Ok(());
        }
        let changed = self.revision.rights.replace(rights);
        if let Some(workers) = &self.workers {
            workers.renew(&Arc::downgrade(self));
        }
        let outdated = self.idle().leave_out(|instance| self.is_outdated(instance));
        drop(outdated);
        changed
    }

    /// What the revision may do now.
    pub fn rights(&self) -> Arc<Rights> {
        Arc::clone(&self.revision.rights.now().rights)
    }

    /// Whether an instance began under other rights than those of now, and can be replaced.
    pub(super) fn is_outdated(&self, instance: &Instance) -> bool {
        let is_kept = self.revision.spec.instances.model == InstanceModel::Actor
            && self.revision.home.doors.state.is_none();
        !is_kept && instance.store.data().born != self.revision.rights.epoch()
    }
}
