//! Commands that change something, from who may give them to what came of them.

use std::sync::Arc;

use airssys_wasm_api::{By, Code, Command, Failure, Reply};

use crate::node::Shared;
use crate::{audit, deploying, granting, secrets, steering};

/// Carries a command out between the two records of it. What cannot be recorded is not done.
pub(crate) async fn recorded(
    shared: &Arc<Shared>,
    command: Command,
    by: By,
) -> Result<Reply, Failure> {
    let mut act = audit::Act::of(&shared.trail, &command, &by);
    let done = act_on(shared, command, by, &mut act).await;
    act.end(&done).await;
    done
}

async fn act_on(
    shared: &Arc<Shared>,
    command: Command,
    by: By,
    act: &mut audit::Act,
) -> Result<Reply, Failure> {
    let command = match command {
        // What these bring is asked about, and recorded, when it is known.
        Command::Deploy(deploy) => return deploying::deploy(shared, deploy, by, act).await,
        Command::Push(push) => return deploying::push(shared, push, by, act).await,
        Command::Update(update) => return deploying::update(shared, update, by, act).await,
        Command::Updates(updates) => return deploying::updates(shared, updates, by, act).await,
        permitted => permitted,
    };
    let plan_only = matches!(&command, Command::Rollback(rollback) if rollback.plan_only);
    act.begin(plan_only).await?;
    match command {
        Command::AbortUpdate(update) => steering::abort_update(shared, &update, &by).await,
        Command::Rollback(rollback) => deploying::rollback(shared, rollback, by).await,
        Command::Promote(named) => steering::promote(shared, &named.service, &by).await,
        Command::Abort(named) => steering::abort(shared, &named.service, &by).await,
        Command::Pause(named) => steering::pause(shared, &named.service, &by).await,
        Command::Resume(named) => steering::resume(shared, &named.service, &by).await,
        Command::Scale(scale) => steering::scale(shared, scale).await,
        Command::AddGrants(add) => granting::add(shared, add, &by).await,
        Command::RevokeGrants(revoke) => granting::revoke(shared, revoke, &by).await,
        Command::Remove(named) => steering::remove(shared, &named.service, by).await,
        Command::SetPolicy(set) => {
            let set = shared.authority.set_policy(set).await?;
            shared.record_by_policy();
            Ok(set)
        }
        Command::CreateToken(create) => shared.authority.create_token(create).await,
        Command::RevokeToken(revoke) => shared.authority.revoke_token(revoke.token).await,
        Command::SetSecret(set) => secrets::set(shared, set).await,
        Command::RemoveSecret(named) => secrets::remove(shared, named).await,
        Command::RotateSecretsKey(_) => secrets::rotate_key(shared).await,
        Command::RotateAuditKey(_) => audit::rotate_audit_key(shared).await,
        other => Err(Failure::new(Code::Usage, format!("`{}` changes nothing", other.name()))),
    }
}
