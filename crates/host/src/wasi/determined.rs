//! Time and randomness that are fixed for a revision, so that its calls can be repeated.
//!
//! Each instance begins anew: the same calls in the same order see the same. What the host itself measures, limits
//! and waits for goes by the machine's clock all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use airssys_wasm_model::{Determinism, FixedClock};
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

/// Gives a guest what is fixed for it; the rest stays the machine's.
pub(crate) fn fix(wasi: &mut WasiCtxBuilder, fixed: &Determinism) {
    if let Some(clock) = &fixed.clock {
        let clock = Clock::new(clock);
        wasi.wall_clock(clock.clone()).monotonic_clock(clock);
    }
    if let Some(seed) = fixed.seed {
        let [secure, insecure, mut third] = [0, 1, 2].map(|stream| numbers(seed, stream));
        wasi.secure_random(secure).insecure_random(insecure);
        wasi.insecure_random_seed(
            u128::from(third.next_u64()) << 64 | u128::from(third.next_u64()),
        );
    }
}

/// Random numbers that follow from a seed, in streams that have nothing to do with one another. The cipher is
/// named, so that they are the same in every version: RFC 8439, the seed as the key's first eight bytes.
fn numbers(seed: u64, stream: u64) -> ChaCha20Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut numbers = ChaCha20Rng::from_seed(key);
    numbers.set_stream(stream);
    numbers
}

/// Both clocks of one instance: what one of them is read moves the other.
#[derive(Clone)]
struct Clock {
    /// Since the beginning of Unix time.
    begins: Duration,
    step: Duration,
    readings: Arc<AtomicU64>,
}

impl Clock {
    fn new(FixedClock { at, step }: &FixedClock) -> Self {
        let begins = at.time().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { begins, step: step.0, readings: Arc::default() }
    }

    /// How far it has gone.
    fn read(&self) -> Duration {
        let before = self.readings.fetch_add(1, Ordering::Relaxed);
        self.step.saturating_mul(u32::try_from(before).unwrap_or(u32::MAX))
    }

    fn resolution(&self) -> Duration {
        self.step.max(Duration::from_nanos(1))
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Self::resolution(self)
    }

    fn now(&self) -> Duration {
        self.begins.saturating_add(self.read())
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        nanos(Self::resolution(self))
    }

    fn now(&self) -> u64 {
        nanos(self.read())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use chacha20::rand_core::Rng as _;

    use super::*;

    #[test]
    fn a_seeds_numbers_are_these_in_every_version() {
        let first = [0, 1, 2].map(|stream| numbers(7, stream).next_u64());
        let expected = [0x4498_4265_b9e3_9ef1, 0xfc64_c257_f75b_8229, 0x2bce_a8a5_12f9_0241];
        assert_eq!(first, expected);
        assert_ne!(numbers(7, 0).next_u64(), numbers(8, 0).next_u64());
    }
}
