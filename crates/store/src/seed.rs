//! The seed of a run that draws: printed, so that a failure can be repeated.

use std::time::{SystemTime, UNIX_EPOCH};

/// Names the seed of every test of the workspace that draws.
pub(crate) const SEED: &str = "AIRSSYS_WASM_SEED";

/// From `AIRSSYS_WASM_SEED`, to repeat a run; from the clock otherwise.
pub(crate) fn seed() -> u64 {
    let seed = match std::env::var(SEED) {
        Ok(seed) => seed.parse().expect("AIRSSYS_WASM_SEED is a number"),
        Err(_) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
            u64::try_from(now.as_nanos()).expect("it is before 2554")
        }
    };
    println!("{SEED}={seed}");
    seed
}
