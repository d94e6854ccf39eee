//! Ctrl-C, heard by one listener for as long as a verb runs.
//!
//! Two listeners would each believe the signal to be theirs, and one that begins later misses the signal
//! that came before.

use tokio::sync::watch;

/// Whether Ctrl-C was pressed.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Self {
        let (tell, heard) = watch::channel(false);
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = tell.send(true);
            }
            // Where no signal can be heard, none comes: the other end must not take this one's end for it.
            tell.closed().await;
        });
        Self(heard)
    }

    /// Waits until it was pressed, and returns at once ever after.
    pub(crate) async fn pressed(&self) {
        // The listener lives as long as this does.
        let _ = self.0.clone().wait_for(|pressed| *pressed).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_pressed_before_anybody_waited_is_not_missed() {
        let (tell, heard) = watch::channel(false);
        let (one, other) = (Interrupt(heard.clone()), Interrupt(heard));
        tell.send(true).unwrap();
        one.pressed().await;
        other.pressed().await;
    }
}
