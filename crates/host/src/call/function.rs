//! Calls of any exported function by its name, with arguments and result in WAVE, the component model's
//! text for values.

use std::fmt::Write as _;
use std::sync::Arc;

use airssys_wasm_model::InstanceModel;
use wasm_wave::untyped::UntypedFuncCall;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{ComponentExportIndex, Val};

use super::error::CallError;
use super::instance::{Job, run};
use crate::instance::Instance;
use crate::pool::{Lease, Pool};

impl Lease {
    /// Calls the function `name`, or `interface#name`, with WAVE arguments. Gives its result in WAVE, or
    /// an empty text where it returns nothing.
    pub async fn invoke(self, name: &str, arguments: &[String]) -> Result<String, CallError> {
        let pool = Arc::clone(&self.pool);
        if pool.revision.spec.instances.model == InstanceModel::Actor {
            // The contract's own interfaces, called by name, would go past the actor's state.
            self.unused();
            return Err(CallError::Unsupported { wanted: "functions beside its handler" });
        }
        run(self, Invoke { pool, name, arguments }).await
    }
}

struct Invoke<'a> {
    pool: Arc<Pool>,
    name: &'a str,
    arguments: &'a [String],
}

impl Job for Invoke<'_> {
    type Output = String;

    async fn run(self, instance: &mut Instance) -> Result<String, CallError> {
        let (index, ty) = find(&self.pool, self.name)?;
        let signature = || format!("{}: {}", self.name, signature(&ty));
        if let Some(what) = unsayable(&ty) {
            return Err(CallError::Unsayable { signature: signature(), what });
        }
        let arguments = parse(&ty, self.arguments)
            .map_err(|reason| CallError::Arguments { signature: signature(), reason })?;
        let mut results = vec![Val::Bool(false); ty.results().len()];
        let store = &mut instance.store;
        let func = instance
            .instance
            .get_func(&mut *store, index)
            .ok_or_else(|| CallError::Host("an export that was there is gone".into()))?;
        func.call_async(&mut *store, &arguments, &mut results)
            .await
            .map_err(|error| CallError::of(&error, store.data()))?;
        let texts: Result<Vec<_>, _> = results.iter().map(wasm_wave::to_string).collect();
        texts
            .map(|texts| texts.join(" "))
            .map_err(|error| CallError::Host(format!("the result has no text: {error}")))
    }
}

/// The function of this name; a bare name is looked for inside interfaces too, if only one has it.
fn find(pool: &Pool, name: &str) -> Result<(ComponentExportIndex, ComponentFunc), CallError> {
    let component = pool.revision.pre.component();
    let get = |interface: Option<&str>, name: &str| {
        let interface = match interface {
            Some(interface) => Some(component.get_export_index(None, interface)?),
            None => None,
        };
        let (item, index) = component.get_export(interface.as_ref(), name)?;
        match item {
            ComponentItem::ComponentFunc(func) => Some((index, func)),
            _ => None,
        }
    };
    let found = match name.rsplit_once('#') {
        Some((interface, function)) => get(Some(interface), function),
        None => get(None, name),
    };
    if let Some(found) = found {
        return Ok(found);
    }
    let known = pool.prepared().functions();
    let inside = known.iter().filter_map(|known| known.name.rsplit_once('#'));
    let mut inside = inside.filter(|(_, function)| *function == name);
    if let (Some((interface, function)), None) = (inside.next(), inside.next())
        && let Some(found) = get(Some(interface), function)
    {
        return Ok(found);
    }
    let known = known.into_iter().map(|known| format!("{}: {}", known.name, known.signature));
    Err(CallError::NoFunction { name: name.to_owned(), known: known.collect() })
}

fn parse(ty: &ComponentFunc, arguments: &[String]) -> Result<Vec<Val>, String> {
    let types: Vec<Type> = ty.params().map(|(_, ty)| ty).collect();
    if types.len() != arguments.len() {
        return Err(format!("it takes {} arguments, not {}", types.len(), arguments.len()));
    }
    let call = format!("call({})", arguments.join(", "));
    let parsed = UntypedFuncCall::parse(&call).map_err(|error| error.to_string())?;
    parsed.to_wasm_params(types.iter()).map_err(|error| error.to_string())
}

/// A function's type as WIT would write it, without its name.
pub(crate) fn signature(ty: &ComponentFunc) -> String {
    let mut text = String::from("func(");
    for (at, (name, ty)) in ty.params().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        // Writing to a String does not fail.
        let _ = write!(text, "{comma}{name}: {}", type_text(&ty));
    }
    text.push(')');
    for ty in ty.results() {
        let _ = write!(text, " -> {}", type_text(&ty));
    }
    text
}

fn type_text(ty: &Type) -> String {
    let optional = |ty: Option<Type>| ty.map_or_else(|| "_".to_owned(), |ty| type_text(&ty));
    match ty {
        Type::Bool => "bool".into(),
        Type::S8 => "s8".into(),
        Type::U8 => "u8".into(),
        Type::S16 => "s16".into(),
        Type::U16 => "u16".into(),
        Type::S32 => "s32".into(),
        Type::U32 => "u32".into(),
        Type::S64 => "s64".into(),
        Type::U64 => "u64".into(),
        Type::Float32 => "f32".into(),
        Type::Float64 => "f64".into(),
        Type::Char => "char".into(),
        Type::String => "string".into(),
        Type::List(list) => format!("list<{}>", type_text(&list.ty())),
        Type::Option(option) => format!("option<{}>", type_text(&option.ty())),
        Type::Tuple(tuple) => {
            let types: Vec<_> = tuple.types().map(|ty| type_text(&ty)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        Type::Result(result) => {
            format!("result<{}, {}>", optional(result.ok()), optional(result.err()))
        }
        Type::Record(record) => {
            let fields: Vec<_> = record
                .fields()
                .map(|field| format!("{}: {}", field.name, type_text(&field.ty)))
                .collect();
            format!("record {{ {} }}", fields.join(", "))
        }
        Type::Variant(variant) => {
            let cases: Vec<_> = variant
                .cases()
                .map(|case| match case.ty {
                    Some(ty) => format!("{}({})", case.name, type_text(&ty)),
                    None => case.name.to_owned(),
                })
                .collect();
            format!("variant {{ {} }}", cases.join(", "))
        }
        Type::Enum(cases) => format!("enum {{ {} }}", cases.names().collect::<Vec<_>>().join(", ")),
        Type::Flags(flags) => {
            format!("flags {{ {} }}", flags.names().collect::<Vec<_>>().join(", "))
        }
        Type::Own(_) => "own<resource>".into(),
        Type::Borrow(_) => "borrow<resource>".into(),
        Type::Future(_) => "future".into(),
        Type::Stream(_) => "stream".into(),
        _ => "?".into(),
    }
}

/// What of a function's type no text can say.
fn unsayable(ty: &ComponentFunc) -> Option<&'static str> {
    ty.params().map(|(_, ty)| ty).chain(ty.results()).find_map(|ty| unsayable_type(&ty))
}

fn unsayable_type(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Own(_) | Type::Borrow(_) => Some("a resource"),
        Type::Stream(_) => Some("a stream"),
        Type::Future(_) => Some("a future"),
        Type::ErrorContext => Some("an error context"),
        Type::List(list) => unsayable_type(&list.ty()),
        Type::Option(option) => unsayable_type(&option.ty()),
        Type::Tuple(tuple) => tuple.types().find_map(|ty| unsayable_type(&ty)),
        Type::Record(record) => record.fields().find_map(|field| unsayable_type(&field.ty)),
        Type::Variant(variant) => {
            variant.cases().find_map(|case| case.ty.as_ref().and_then(unsayable_type))
        }
        Type::Result(result) => {
            [result.ok(), result.err()].into_iter().flatten().find_map(|ty| unsayable_type(&ty))
        }
        _ => None,
    }
}
