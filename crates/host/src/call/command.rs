//! Runs of a `wasi:cli/run` command: arguments, standard streams and an exit code.

use std::pin::pin;

use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};

use super::error::CallError;
use super::handler::{Input, Output};
use super::instance::instantiate;
use crate::guest::Console;
use crate::instance::Instance;
use crate::lanes::Lane;
use crate::limit::{Limit, Metered};
use crate::pool::{Lease, Pool};

/// The code with which a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(pub i32);

/// The standard streams of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandIo {
    /// Those of this process.
    Inherit,
}

/// The most that a command called like a handler may answer, whatever its limit: it is held in memory whole.
const ANSWER_BYTES_MAX: usize = 16 << 20;

impl Lease {
    /// Runs the command with these arguments, the first of which is its name. There is no limit on its
    /// time: somebody sits before it.
    pub async fn command(self, args: Vec<String>, io: CommandIo) -> Result<Exit, CallError> {
        let CommandIo::Inherit = io;
        let console = Console {
            args,
            stdin: Box::new(wasmtime_wasi::cli::stdin()),
            stdout: Box::new(wasmtime_wasi::cli::stdout()),
            stderr: Some(Box::new(wasmtime_wasi::cli::stderr())),
        };
        let Lease { place, call, .. } = self;
        let mut instance = instantiate(&place.0, call, Some(console), Lane::HOME).await?;
        run(&place.0, &mut instance).await
    }
}

/// A command called like a handler.
pub(super) async fn execute(lease: Lease, input: Input) -> Result<Output, CallError> {
    let Lease { place, call, since, .. } = lease;
    let pool = &*place.0;
    let (until, request_id) = (pool.until(&call, since), call.request_id);
    let bound = pool.revision.spec.limits.output.bytes().min(ANSWER_BYTES_MAX);
    // One more, which tells what is too long from what just fits.
    let stdout = MemoryOutputPipe::new(bound + 1);
    let console = Console {
        args: vec![pool.revision.spec.service.to_string()],
        stdin: Box::new(MemoryInputPipe::new(input.body)),
        stdout: Box::new(stdout.clone()),
        stderr: None,
    };
    let work = pin!(async {
        let mut instance = instantiate(pool, call, Some(console), Lane::HOME).await?;
        run(pool, &mut instance).await
    });
    let ended = Metered::new(work, pool, until).await.unwrap_or_else(|halt| Err(halt.into()));
    let body = stdout.contents();
    // However the guest took it that nothing more could be written, its answer is cut.
    let ended = if body.len() > bound { Err(CallError::Limit(Limit::Output)) } else { ended };
    match pool.revision.noted(request_id, ended)? {
        Exit(0) => Ok(Output { body, ..Output::default() }),
        Exit(code) => Err(CallError::Fault(super::error::Fault {
            kind: super::error::Kind::Failed,
            message: format!("the command exited with code {code}; its log may say why"),
        })),
    }
}

async fn run(pool: &Pool, instance: &mut Instance) -> Result<Exit, CallError> {
    let doors = pool.revision.doors(instance.lane);
    let store = &mut instance.store;
    let ended = if let Some(command) = &doors.command_p2 {
        let command = command.load(&mut *store, &instance.instance);
        match command {
            Ok(command) => command.wasi_cli_run().call_run(&mut *store).await,
            Err(error) => Err(error),
        }
    } else if let Some(command) = &doors.command_p3 {
        let command = command.load(&mut *store, &instance.instance);
        match command {
            Ok(command) => store
                .run_concurrent(async move |accessor| {
                    command.wasi_cli_run().call_run(accessor).await
                })
                .await
                .and_then(|ended| ended),
            Err(error) => Err(error),
        }
    } else {
        return Err(CallError::Unsupported { wanted: "wasi:cli/run" });
    };
    match ended {
        Ok(Ok(())) => Ok(Exit(0)),
        Ok(Err(())) => Ok(Exit(1)),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => Ok(Exit(exit.0)),
            None => Err(CallError::of(&error, store.data())),
        },
    }
}
