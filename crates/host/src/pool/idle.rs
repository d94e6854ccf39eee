//! Instances that wait for a call.

use super::homes::Homes;
use crate::instance::Instance;

/// Instances as they pass between calls and the pool: boxed before they wait and after, so that
/// no hand moves more than a pointer.
type Boxed = Vec<Box<Instance>>;

/// Instances that wait for a call.
#[derive(Default)]
pub(super) struct Idle {
    /// The warmest last.
    pub(super) instances: Boxed,
    /// Those of a revision with an actor for each key.
    pub(super) homes: Homes<Box<Instance>>,
    /// The fewest there have been since the pool was asked to rest: what no call has needed.
    unneeded: usize,
}

impl Idle {
    pub(super) fn take(&mut self) -> Option<Box<Instance>> {
        let taken = self.instances.pop();
        self.unneeded = self.unneeded.min(self.instances.len());
        taken
    }

    pub(super) fn len(&self) -> usize {
        self.instances.len() + self.homes.len()
    }

    /// Keeps so many at most, and gives the others back.
    pub(super) fn keep(&mut self, count: usize) -> Boxed {
        let mut gone = self.homes.keep(count);
        gone.extend(self.instances.split_off(count.min(self.instances.len())));
        self.unneeded = self.unneeded.min(count);
        gone
    }

    /// Takes out those that this says of.
    pub(super) fn leave_out(&mut self, mut is_out: impl FnMut(&Instance) -> bool) -> Boxed {
        let (mut gone, kept) =
            self.instances.drain(..).partition::<Boxed, _>(|instance| is_out(instance));
        self.instances = kept;
        self.unneeded = self.unneeded.min(self.instances.len());
        gone.extend(self.homes.leave_out(|instance| is_out(instance)));
        gone
    }

    /// Takes out what nothing has needed, so many at most: those that have waited longest.
    pub(super) fn rest(&mut self, spare: usize) -> Boxed {
        let resting = self.instances.drain(..self.unneeded.min(spare)).collect();
        self.unneeded = self.instances.len();
        resting
    }
}
