//! Calls of any exported function by its name: with values, or with arguments and result in WAVE, the component
//! model's text for values.

use airssys_wasm_model::InstanceModel;
use bytes::Bytes;
use wasm_wave::untyped::UntypedFuncCall;
use wasmtime::component::types::Type;
use wasmtime::component::{Func, Val};

use super::error::CallError;
use super::functions::{Function, Shape};
use super::instance::{Job, run};
use super::value::Value;
use crate::instance::Instance;
use crate::limit::Limit;
use crate::pool::{Lease, Pool};

impl Lease {
    /// Calls the function `name`, or `interface#name`, with these values. Gives its result, or `None` where it
    /// returns nothing.
    ///
    /// A function from `list<u8>` to `list<u8>` takes [`Value::Bytes`] without a value for each byte.
    pub async fn call(self, name: &str, arguments: Vec<Value>) -> Result<Option<Value>, CallError> {
        run(self.of_no_actor()?, Call { name, arguments }).await
    }

    /// Calls the function `name`, or `interface#name`, with WAVE arguments. Gives its result in WAVE, or
    /// an empty text where it returns nothing.
    pub async fn invoke(self, name: &str, arguments: &[String]) -> Result<String, CallError> {
        run(self.of_no_actor()?, Invoke { name, arguments }).await
    }

    fn of_no_actor(self) -> Result<Self, CallError> {
        match self.place.0.check_functions() {
            Ok(()) => Ok(self),
            Err(error) => {
                self.unused();
                Err(error)
            }
        }
    }
}

impl Pool {
    /// Whether functions can be called by their name. The contract's own interfaces, called so, would go past an actor's
    /// state.
    ///
    /// # Errors
    /// When the component is an actor.
    pub fn check_functions(&self) -> Result<(), CallError> {
        match self.revision.spec.instances.model {
            InstanceModel::Actor => {
                Err(CallError::Unsupported { wanted: "functions beside its handler" })
            }
            InstanceModel::Fresh | InstanceModel::Pooled => Ok(()),
        }
    }
}

struct Call<'a> {
    name: &'a str,
    arguments: Vec<Value>,
}

impl Job for Call<'_> {
    type Output = Option<Value>;

    async fn run(self, pool: &Pool, instance: &mut Instance) -> Result<Option<Value>, CallError> {
        let function = pool.revision.linked(instance.lane).functions.get(self.name)?;
        let mut arguments = self.arguments;
        if function.shape == Shape::Bytes
            && let [Value::Bytes(bytes)] = &mut arguments[..]
        {
            let bytes = std::mem::take(bytes);
            let answer = call_bytes(function, instance, bytes).await?;
            return within(pool, answer.len(), Some(Value::Bytes(answer)));
        }
        let arguments: Vec<_> = arguments.into_iter().map(Value::into_val).collect();
        let results = call(function, instance, &arguments).await?;
        let Some((val, ty)) = results.into_iter().zip(function.ty.results()).next() else {
            return Ok(None);
        };
        let value = Value::of(val, &ty);
        value.map(Some).ok_or_else(|| CallError::Host("the result is no value".into()))
    }
}

struct Invoke<'a> {
    name: &'a str,
    arguments: &'a [String],
}

impl Job for Invoke<'_> {
    type Output = String;

    async fn run(self, pool: &Pool, instance: &mut Instance) -> Result<String, CallError> {
        let function = pool.revision.linked(instance.lane).functions.get(self.name)?;
        function.check_sayable()?;
        let arguments = parse(function, self.arguments)?;
        let results = call(function, instance, &arguments).await?;
        let texts: Result<Vec<_>, _> = results.iter().map(wasm_wave::to_string).collect();
        let no_text = |error| CallError::Host(format!("the result has no text: {error}"));
        let text = texts.map_err(no_text)?.join(" ");
        within(pool, text.len(), text)
    }
}

/// An answer of so many bytes, if it may be that long. One that is values and not bytes is bounded by what a call
/// from a guest may make the host copy.
fn within<T>(pool: &Pool, bytes: usize, answer: T) -> Result<T, CallError> {
    match bytes as u64 <= pool.revision.spec.limits.output.0 {
        true => Ok(answer),
        false => Err(CallError::Limit(Limit::Output)),
    }
}

async fn call(
    function: &Function,
    instance: &mut Instance,
    arguments: &[Val],
) -> Result<Vec<Val>, CallError> {
    function.check_sayable()?;
    check(function, arguments)?;
    let mut results = vec![Val::Bool(false); function.ty.results().len()];
    let func = func(function, instance)?;
    let store = &mut instance.store;
    func.call_async(&mut *store, arguments, &mut results)
        .await
        .map_err(|error| CallError::of(&error, store.data()))?;
    Ok(results)
}

async fn call_bytes(
    function: &Function,
    instance: &mut Instance,
    bytes: Bytes,
) -> Result<Bytes, CallError> {
    let func = func(function, instance)?;
    let store = &mut instance.store;
    let typed = func.typed::<(Bytes,), (Bytes,)>(&*store);
    let called = match typed {
        Ok(typed) => typed.call_async(&mut *store, (bytes,)).await,
        Err(error) => Err(error),
    };
    called.map(|(bytes,)| bytes).map_err(|error| CallError::of(&error, store.data()))
}

fn func(function: &Function, instance: &mut Instance) -> Result<Func, CallError> {
    let func = instance.instance.get_func(&mut instance.store, function.index);
    func.ok_or_else(|| CallError::Host("an export that was there is gone".into()))
}

/// What the engine would find wrong only in the middle of handing the arguments over, and then blame on the
/// guest.
fn check(function: &Function, arguments: &[Val]) -> Result<(), CallError> {
    let wanted = function.ty.params().len();
    if wanted != arguments.len() {
        return Err(function.misfit(misnumbered(wanted, arguments.len())));
    }
    let mut pairs = function.ty.params().zip(arguments);
    match pairs.find(|((_, ty), val)| !fits(val, ty)) {
        Some(((name, _), _)) => Err(function.misfit(format!("`{name}` is of another type"))),
        None => Ok(()),
    }
}

fn misnumbered(wanted: usize, given: usize) -> String {
    format!("it takes {wanted} arguments, not {given}")
}

/// Whether the engine takes a value for this type.
fn fits(val: &Val, ty: &Type) -> bool {
    let all = |vals: &[Val], ty: Type| vals.iter().all(|val| fits(val, &ty));
    let case = |val: &Option<Box<Val>>, ty: Option<Type>| match (val, ty) {
        (Some(val), Some(ty)) => fits(val, &ty),
        (None, None) => true,
        _ => false,
    };
    match (val, ty) {
        (Val::Bool(_), Type::Bool)
        | (Val::S8(_), Type::S8)
        | (Val::U8(_), Type::U8)
        | (Val::S16(_), Type::S16)
        | (Val::U16(_), Type::U16)
        | (Val::S32(_), Type::S32)
        | (Val::U32(_), Type::U32)
        | (Val::S64(_), Type::S64)
        | (Val::U64(_), Type::U64)
        | (Val::Float32(_), Type::Float32)
        | (Val::Float64(_), Type::Float64)
        | (Val::Char(_), Type::Char)
        | (Val::String(_), Type::String) => true,
        (Val::List(vals), Type::List(list)) => all(vals, list.ty()),
        (Val::List(vals) | Val::FixedLengthList(vals), Type::FixedLengthList(list)) => {
            vals.len() == list.len() as usize && all(vals, list.ty())
        }
        (Val::Map(pairs), Type::Map(map)) => {
            let (key, value) = (map.key(), map.value());
            pairs.iter().all(|(one, other)| fits(one, &key) && fits(other, &value))
        }
        (Val::Record(vals), Type::Record(record)) => {
            vals.len() == record.fields().len()
                && vals
                    .iter()
                    .zip(record.fields())
                    .all(|((name, val), field)| name == field.name && fits(val, &field.ty))
        }
        (Val::Tuple(vals), Type::Tuple(tuple)) => {
            vals.len() == tuple.types().len()
                && vals.iter().zip(tuple.types()).all(|(val, ty)| fits(val, &ty))
        }
        (Val::Variant(name, val), Type::Variant(variant)) => {
            variant.cases().any(|it| it.name == name && case(val, it.ty))
        }
        (Val::Enum(name), Type::Enum(cases)) => cases.names().any(|it| it == name),
        (Val::Option(val), Type::Option(option)) => {
            val.as_ref().is_none_or(|val| fits(val, &option.ty()))
        }
        (Val::Result(Ok(val)), Type::Result(result)) => case(val, result.ok()),
        (Val::Result(Err(val)), Type::Result(result)) => case(val, result.err()),
        (Val::Flags(names), Type::Flags(flags)) => {
            names.iter().all(|name| flags.names().any(|it| it == name))
        }
        _ => false,
    }
}

fn parse(function: &Function, arguments: &[String]) -> Result<Vec<Val>, CallError> {
    let types: Vec<Type> = function.ty.params().map(|(_, ty)| ty).collect();
    if types.len() != arguments.len() {
        return Err(function.misfit(misnumbered(types.len(), arguments.len())));
    }
    let call = format!("call({})", arguments.join(", "));
    let parsed =
        UntypedFuncCall::parse(&call).map_err(|error| function.misfit(error.to_string()))?;
    parsed.to_wasm_params(types.iter()).map_err(|error| function.misfit(error.to_string()))
}
