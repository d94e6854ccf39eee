//! Whose call it is that asks. An instance of WASI 0.3 may have several calls under way, and what one of them begins
//! goes on from that one: with its name, its trace, and the actors that wait for it.

use wasmtime::StoreContextMut;

use crate::guest::Guest;

/// What the guest does next it does in the call that asks now.
pub(super) fn attribute(store: &mut StoreContextMut<'_, Guest>) -> wasmtime::Result<()> {
    // Any other instance has one call that it can be.
    if store.data().is_shared() {
        let task = store.async_call_stack()?.last();
        store.data_mut().goes_on_from(task);
    }
    Ok(())
}
