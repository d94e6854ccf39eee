//! Ways to make the same call, in turns: a batch of calls each, over and over, so that what the machine does
//! meanwhile meets each of them.

use std::hint::black_box;
use std::pin::Pin;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::report::{Report, spread};

/// One way to make the call.
pub(super) trait Caller: Send {
    /// What comes back.
    type Answer: Send;

    /// Calls once.
    fn call(&mut self) -> impl Future<Output = Result<Self::Answer>> + Send;

    /// Whether this is what had to come back.
    fn is_right(&self, answer: &Self::Answer) -> bool;
}

/// How much is measured.
#[derive(Clone, Copy)]
pub(super) struct Amount {
    /// Values of each row.
    pub(super) rounds: usize,
    /// Batches a round; the round's value is their median.
    pub(super) batches: usize,
    /// Calls a batch; the batch's value is their mean.
    pub(super) calls: usize,
}

/// Callers in turns.
#[derive(Default)]
pub(super) struct Turns {
    contestants: Vec<Contestant>,
}

struct Contestant {
    name: &'static str,
    caller: Box<dyn Batches>,
    /// Nanoseconds a call, a value for each round.
    rounds: Vec<f64>,
}

impl Turns {
    /// Adds a way to make the call.
    pub(super) fn add(&mut self, name: &'static str, caller: impl Caller + 'static) {
        self.contestants.push(Contestant { name, caller: Box::new(caller), rounds: Vec::new() });
    }

    /// Measures. Who begins goes round, so that nobody always finds the caches as the same one left them.
    pub(super) async fn run(&mut self, amount: Amount) -> Result<()> {
        for contestant in &mut self.contestants {
            contestant.caller.batch(amount.calls).await?;
        }
        let count = self.contestants.len();
        for _ in 0..amount.rounds {
            let mut batches = vec![Vec::with_capacity(amount.batches); count];
            for batch in 0..amount.batches {
                for turn in 0..count {
                    let who = (batch + turn) % count;
                    let took = self.contestants[who].caller.batch(amount.calls).await;
                    batches[who].push(took?);
                }
            }
            for (contestant, batches) in self.contestants.iter_mut().zip(batches) {
                contestant.rounds.push(spread(&batches).1);
            }
        }
        Ok(())
    }

    /// The first one's time for a call over the second one's, round by round.
    pub(super) fn ratios(&self, over: &str, under: &str) -> Vec<f64> {
        let pairs = self.of(over).iter().zip(self.of(under));
        pairs.map(|(over, under)| over / under).collect()
    }

    /// Nanoseconds by which a call takes the first one longer than the second one, round by round.
    pub(super) fn differences_ns(&self, of: &str, and: &str) -> Vec<f64> {
        self.of(of).iter().zip(self.of(and)).map(|(of, and)| of - and).collect()
    }

    fn of(&self, name: &str) -> &[f64] {
        let found = self.contestants.iter().find(|contestant| contestant.name == name);
        found.map_or(&[], |contestant| &contestant.rounds)
    }

    /// Takes everything down, under what was called.
    pub(super) fn report(self, report: &mut Report, what: &str) {
        for Contestant { name, rounds, .. } in self.contestants {
            report.row(format!("{what}: {name}"), "ns", rounds);
        }
    }
}

/// A caller of any kind.
trait Batches: Send {
    /// Nanoseconds a call, over so many. The last answer is looked at when the clock has stopped.
    fn batch(&mut self, calls: usize) -> Pin<Box<dyn Future<Output = Result<f64>> + Send + '_>>;
}

impl<C: Caller> Batches for C {
    fn batch(&mut self, calls: usize) -> Pin<Box<dyn Future<Output = Result<f64>> + Send + '_>> {
        Box::pin(async move {
            let start = Instant::now();
            for _ in 1..calls {
                black_box(self.call().await?);
            }
            let last = black_box(self.call().await?);
            let took = start.elapsed();
            if !self.is_right(&last) {
                bail!("a call gave a wrong answer");
            }
            Ok(took.as_secs_f64() * 1e9 / calls as f64)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers how often it was called.
    struct Counting {
        calls: usize,
        wrong_at: usize,
    }

    impl Caller for Counting {
        type Answer = usize;

        async fn call(&mut self) -> Result<usize> {
            self.calls += 1;
            Ok(self.calls)
        }

        fn is_right(&self, answer: &usize) -> bool {
            *answer != self.wrong_at
        }
    }

    const AMOUNT: Amount = Amount { rounds: 2, batches: 3, calls: 10 };

    #[tokio::test]
    async fn a_wrong_answer_fails_the_measurement() {
        let mut turns = Turns::default();
        turns.add("wrong", Counting { calls: 0, wrong_at: 30 });
        let error = turns.run(AMOUNT).await.unwrap_err();
        assert_eq!(error.to_string(), "a call gave a wrong answer");
    }

    #[tokio::test]
    async fn each_round_gives_a_value_of_each_caller() {
        let mut turns = Turns::default();
        for name in ["one", "other"] {
            turns.add(name, Counting { calls: 0, wrong_at: 0 });
        }
        turns.run(AMOUNT).await.unwrap();
        assert_eq!(turns.ratios("one", "other").len(), 2);
        assert_eq!(turns.differences_ns("one", "one"), [0.0, 0.0]);
        assert!(turns.ratios("one", "nobody").is_empty());
    }
}
