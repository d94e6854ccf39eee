//! Handlers, actors, functions and commands through real components.

mod common;

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_host::{
    CallError, ClaimError, Kind, Limit, MemoryKeeper, PrepareError, StateKeeper, Value,
};
use airssys_wasm_model::{ByteSize, InstanceModel, Span, Version};
use bytes::Bytes;
use common::waiting::{until, within};
use common::{call, config, execute, invoke, model, pool, said, try_pool};

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_gets_its_configuration_and_answers() {
    let pool = pool("echo-handler", |spec| {
        spec.config = config(serde_json::json!({ "greeting": "hello" }));
    })
    .await;
    assert_eq!(said(&pool, "you").await, "hello, you");
    assert!(said(&pool, "context").await.contains("attempt=1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_init_refuses_shows_before_the_first_call() {
    let pool = pool("echo-handler", |spec| {
        spec.config = config(serde_json::json!({ "reject": true }));
    })
    .await;
    match pool.warm().await {
        Err(CallError::Init(fault)) => assert_eq!(fault.kind, Kind::InvalidConfig),
        other => panic!("{other:?}"),
    }
    let unknown = common::pool("echo-handler", |spec| {
        spec.config = config(serde_json::json!({ "colour": "red" }));
    })
    .await;
    assert!(matches!(unknown.warm().await, Err(CallError::Init(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_own_errors_keep_their_kind() {
    let pool = pool("echo-handler", |_| ()).await;
    let kinds = [
        ("fail", Kind::Failed),
        ("invalid", Kind::InvalidInput),
        ("unavailable", Kind::Unavailable),
        ("denied", Kind::Denied),
    ];
    for (input, wanted) in kinds {
        match execute(&pool, input).await {
            Err(CallError::Fault(fault)) => assert_eq!(fault.kind, wanted),
            other => panic!("{input}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_guest_is_stopped_and_its_service_lives() {
    for kind in [InstanceModel::Fresh, InstanceModel::Pooled] {
        let pool = pool("hostile", |spec| {
            model(spec, kind);
            // Above what the system may take from a quick call on a busy machine.
            spec.limits.cpu = Span(Duration::from_millis(500));
            spec.limits.memory = ByteSize::mib(16);
        })
        .await;
        assert!(matches!(execute(&pool, "loop").await, Err(CallError::Limit(Limit::Cpu))));
        assert!(matches!(execute(&pool, "trap").await, Err(CallError::Trapped { .. })));
        assert!(matches!(execute(&pool, "panic").await, Err(CallError::Trapped { .. })));
        // WASI 0.2's `exit` says whether it went well, and no more.
        assert!(matches!(execute(&pool, "exit 4").await, Err(CallError::Exited(1))));
        let deep = execute(&pool, "recurse").await;
        assert!(matches!(deep, Err(CallError::Limit(Limit::Stack))), "{deep:?}");
        let large = execute(&pool, "alloc 64").await;
        assert!(matches!(large, Err(CallError::Limit(Limit::Memory))), "{large:?}");
        assert_eq!(said(&pool, "still here").await, "still here");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_init_that_never_ends_is_stopped() {
    let pool = pool("hostile", |spec| {
        spec.config = config(serde_json::json!({ "init": "loop" }));
        spec.limits.cpu = Span(Duration::from_millis(50));
    })
    .await;
    assert!(matches!(pool.warm().await, Err(CallError::Limit(Limit::Cpu))));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_past_the_places_wait_and_past_the_queue_are_turned_away() {
    let pool = pool("hostile", |spec| {
        spec.limits.concurrency = 1;
        spec.limits.queue = 1;
    })
    .await;
    let first = pool.claim(call()).await.unwrap();
    let waiting = {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { said(&pool, "waited").await })
    };
    until("a call in the queue", || pool.stats().queued > 0).await;
    assert_eq!(pool.claim(call()).await.err(), Some(ClaimError::Saturated));
    drop(first);
    assert_eq!(waiting.await.unwrap(), "waited");
    pool.stop().await;
    assert_eq!(pool.claim(call()).await.err(), Some(ClaimError::Stopped));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smaller_scale_takes_effect_as_calls_end() {
    let pool = pool("echo-handler", |spec| {
        spec.instances.max = 2;
        spec.limits.queue = 0;
    })
    .await;
    let (first, second) = (pool.claim(call()).await.unwrap(), pool.claim(call()).await.unwrap());
    pool.resize(1);
    drop(first);
    assert_eq!(pool.claim(call()).await.err(), Some(ClaimError::Saturated));
    drop(second);
    let only = pool.claim(call()).await.unwrap();
    assert_eq!(pool.claim(call()).await.err(), Some(ClaimError::Saturated));
    pool.resize(2);
    assert!(pool.claim(call()).await.is_ok());
    drop(only);
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_take_and_return_every_kind_of_value() {
    let pool = pool("functions", |_| ()).await;
    let cases: &[(&str, &[&str], &str)] = &[
        ("add", &["2", "-5"], "-3"),
        ("divide", &["7", "2"], "ok(3)"),
        ("divide", &["7", "0"], "err(\"7 can\\'t be divided by 0\")"),
        ("greet", &["{name: \"Ada\", age: 36, tags: [\"a\", \"b\"]}"], "\"hello Ada, 36, a+b\""),
        ("older", &["{name: \"Ada\", age: 36, tags: []}"], "{name: \"Ada\", age: 37, tags: []}"),
        ("mix", &["red", "red"], "some(red)"),
        ("mix", &["red", "blue"], "none"),
        ("both", &["{bold, italic}", "{italic, struck}"], "{italic}"),
        ("swap", &["(\"x\", 1)"], "(1, \"x\")"),
        ("next", &["'a'"], "'b'"),
        ("reverse", &["[1, 2, 3]"], "[3, 2, 1]"),
        ("not", &["true"], "false"),
        ("nothing", &[], ""),
        ("area", &["rectangle({x: 2, y: 3})"], "6"),
        ("example:shapes/math@1.0.0#area", &["nothing"], "0"),
        ("middle", &["[{x: 0, y: 0}, {x: 2, y: 4}]"], "some({x: 1, y: 2})"),
    ];
    for (name, args, wanted) in cases {
        assert_eq!(invoke(&pool, name, args).await.unwrap(), *wanted, "{name}({args:?})");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_are_called_with_values_of_every_kind() {
    let pool = pool("functions", |_| ()).await;
    let text = |text: &str| Value::String(text.to_owned());
    let field = |name: &str, value| (name.to_owned(), value);
    let ada = |age| {
        let tags = Value::List(vec![]);
        Value::Record(vec![
            field("name", text("Ada")),
            field("age", Value::U8(age)),
            field("tags", tags),
        ])
    };
    let point = |x, y| Value::Record(vec![field("x", Value::F64(x)), field("y", Value::F64(y))]);
    let some = |value| Some(Box::new(value));
    let red = || Value::Enum("red".into());
    let flags = |names: &[&str]| Value::Flags(names.iter().map(ToString::to_string).collect());
    let cases = [
        ("add", vec![Value::S32(2), Value::S32(-5)], Some(Value::S32(-3))),
        (
            "divide",
            vec![Value::S64(7), Value::S64(2)],
            Some(Value::Result(Ok(some(Value::S64(3))))),
        ),
        ("older", vec![ada(36)], Some(ada(37))),
        ("mix", vec![red(), red()], Some(Value::Option(some(red())))),
        ("mix", vec![red(), Value::Enum("blue".into())], Some(Value::Option(None))),
        ("both", vec![flags(&["bold", "italic"]), flags(&["italic"])], Some(flags(&["italic"]))),
        (
            "swap",
            vec![Value::Tuple(vec![text("x"), Value::U32(1)])],
            Some(Value::Tuple(vec![Value::U32(1), text("x")])),
        ),
        ("next", vec![Value::Char('a')], Some(Value::Char('b'))),
        // By the typed way, and value by value.
        ("reverse", vec![Value::Bytes("abc".into())], Some(Value::Bytes("cba".into()))),
        (
            "reverse",
            vec![Value::List(vec![Value::U8(1), Value::U8(2)])],
            Some(Value::Bytes(vec![2, 1].into())),
        ),
        ("reverse", vec![Value::Bytes(Bytes::new())], Some(Value::Bytes(Bytes::new()))),
        ("not", vec![Value::Bool(true)], Some(Value::Bool(false))),
        ("nothing", vec![], None),
        (
            "area",
            vec![Value::Variant("rectangle".into(), some(point(2.0, 3.0)))],
            Some(Value::F64(6.0)),
        ),
        ("area", vec![Value::Variant("nothing".into(), None)], Some(Value::F64(0.0))),
        (
            "example:shapes/math@1.0.0#middle",
            vec![Value::List(vec![point(0.0, 0.0), point(2.0, 4.0)])],
            Some(Value::Option(some(point(1.0, 2.0)))),
        ),
    ];
    for (name, arguments, wanted) in cases {
        let lease = pool.claim(call()).await.unwrap();
        assert_eq!(lease.call(name, arguments).await.unwrap(), wanted, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_do_not_fit_are_the_callers_mistake() {
    let pool = pool("functions", |_| ()).await;
    let misfits = [
        ("add", vec![Value::S32(1)]),
        ("add", vec![Value::S32(1), Value::U32(1)]),
        ("mix", vec![Value::Enum("red".into()), Value::Enum("pink".into())]),
        ("both", vec![Value::Flags(vec!["loud".into()]), Value::Flags(vec![])]),
        ("older", vec![Value::Record(vec![("age".into(), Value::U8(1))])]),
        ("area", vec![Value::Variant("nothing".into(), Some(Box::new(Value::Bool(true))))]),
        ("reverse", vec![Value::List(vec![Value::U8(1), Value::S8(1)])]),
        ("reverse", vec![Value::String("abc".into())]),
    ];
    for (name, arguments) in misfits {
        let lease = pool.claim(call()).await.unwrap();
        let error = lease.call(name, arguments).await.unwrap_err();
        assert!(matches!(error, CallError::Arguments { .. }), "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_call_says_what_is_right() {
    let pool = pool("functions", |_| ()).await;
    let said = |error: Result<String, CallError>| error.unwrap_err().to_string();
    assert!(
        said(invoke(&pool, "subtract", &[]).await).contains("add: func(a: s32, b: s32) -> s32")
    );
    assert!(said(invoke(&pool, "add", &["1"]).await).contains("it takes 2 arguments, not 1"));
    assert!(said(invoke(&pool, "add", &["1", "x"]).await).contains("add: func(a: s32, b: s32)"));
    assert!(matches!(invoke(&pool, "trap", &[]).await, Err(CallError::Trapped { .. })));
    assert!(
        execute(&pool, "x").await.unwrap_err().to_string().contains("airssys:component/handler")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_called_with_its_input_on_stdin() {
    let pool = pool("cli-args", |_| ()).await;
    assert!(said(&pool, "words").await.contains("WORDS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_with_state_must_be_an_actor() {
    assert!(matches!(try_pool("counter", |_| ()).await.err(), Some(PrepareError::StateNeedsActor)));
    let not_a_handler = try_pool("http-hello", |spec| model(spec, InstanceModel::Actor)).await;
    assert!(matches!(not_a_handler.err(), Some(PrepareError::ActorNeedsHandler)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actors_state_outlives_its_instances_and_its_version() {
    let keeper = Arc::new(MemoryKeeper::default());
    let actor = |name: &'static str, major: u64| {
        let keeper = Arc::clone(&keeper);
        pool(name, move |spec| {
            model(spec, InstanceModel::Actor);
            spec.version = Version::new(major, 0, 0);
            spec.state = Some(keeper);
        })
    };
    let first = actor("counter", 1).await;
    first.warm().await.unwrap();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let first = Arc::clone(&first);
            tokio::spawn(async move { said(&first, "").await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(said(&first, "get").await, "20", "one call at a time, none lost");
    assert!(matches!(execute(&first, "fail").await, Err(CallError::Fault(_))));
    assert_eq!(said(&first, "get").await, "21", "an error of its own keeps what it counted");

    let second = actor("counter-v2", 2).await;
    second.warm().await.unwrap();
    assert_eq!(said(&second, "get").await, "21", "the state was migrated");
    assert_eq!(said(&second, "add 2").await, "23");
    let generation = keeper.peek().await.unwrap().unwrap().generation;
    assert_eq!(said(&second, "get").await, "23");
    let after = keeper.peek().await.unwrap().unwrap();
    assert_eq!(after.generation, generation, "an unchanged state was written again");
    assert_eq!(after.version, Version::new(2, 0, 0));

    // The old version cannot read what the new one saved, and says so before it gets a call.
    let back = actor("counter", 1).await;
    assert!(matches!(back.warm().await, Err(CallError::Restore { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_is_called_by_its_handler_alone() {
    let keeper = Arc::new(MemoryKeeper::default());
    let pool = pool("counter", |spec| {
        model(spec, InstanceModel::Actor);
        spec.state = Some(keeper as Arc<dyn StateKeeper>);
    })
    .await;
    let past = invoke(&pool, "airssys:component/state@0.1.0#save", &[]).await;
    assert!(matches!(past, Err(CallError::Unsupported { .. })), "{past:?}");
    let other = try_pool("functions", |spec| model(spec, InstanceModel::Actor)).await;
    assert!(matches!(other.err(), Some(PrepareError::ActorNeedsHandler)));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_only_taken_under_their_own_digest() {
    let other = common::guest("functions");
    let refused = try_pool("echo-handler", |spec| spec.digest = common::spec(&other).digest).await;
    assert!(matches!(refused.err(), Some(PrepareError::OtherBytes { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_not_well_is_replaced() {
    let pool = pool("hostile", |spec| model(spec, InstanceModel::Pooled)).await;
    assert_eq!(said(&pool, "sicken").await, "sick");
    let replaced = async { while said(&pool, "how are you").await != "well" {} };
    within("a well instance", replaced).await;
    assert_eq!(pool.stats().instances, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_calls_that_are_left() {
    let pool = pool("hostile", |spec| model(spec, InstanceModel::Pooled)).await;
    let calls: Vec<_> = ["loop", "sleep 9000"]
        .map(|harm| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { execute(&pool, harm).await })
        })
        .into();
    until("an instance for each call", || pool.stats().instances >= 2).await;
    pool.stop().await;
    for call in calls {
        let ended = call.await.unwrap();
        assert!(matches!(ended, Err(CallError::Claim(ClaimError::Stopped))), "{ended:?}");
    }
    assert_eq!(pool.stats().instances, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_neither_lost_nor_won_by_scaling_under_load() {
    let pool = pool("echo-handler", |spec| {
        spec.instances.max = 4;
        spec.limits.queue = 1000;
    })
    .await;
    let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let callers: Vec<_> = (0..6)
        .map(|_| {
            let (pool, over) = (Arc::clone(&pool), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    drop(pool.claim(call()).await.unwrap());
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for round in 0..20_000 {
        pool.resize(1 + round % 4);
        tokio::task::yield_now().await;
    }
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    pool.resize(3);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(pool.claim(call()).await.unwrap());
    }
    let patience = Duration::from_millis(50);
    let fourth = tokio::time::timeout(patience, pool.claim(call())).await;
    assert!(fourth.is_err(), "a fourth place of three");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_answers_is_bounded_and_what_it_complains_is_logged() {
    let kept = Arc::new(common::Kept::default());
    let pool = pool("cli-args", |spec| spec.sink = kept.clone()).await;
    let failed = execute(&pool, "--complain").await;
    assert!(matches!(failed, Err(CallError::Fault(_))), "{failed:?}");
    let lines = kept.0.lock().unwrap().clone();
    assert!(lines.iter().any(|line| line.contains("complaint")), "{lines:?}");
    let flood = execute(&pool, &format!("{}\n", "x".repeat(1 << 20)).repeat(17)).await;
    assert!(matches!(flood, Err(CallError::Limit(Limit::Output))), "{flood:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_no_call_needs_are_given_up_down_to_the_minimum() {
    let pool = pool("http-hello", |spec| model(spec, InstanceModel::Pooled)).await;
    let at_once = |count: usize| {
        futures::future::join_all((0..count).map(|_| common::get(&pool, "/sleep?ms=500")))
    };
    at_once(6).await;
    common::at_rest(&pool).await;
    assert_eq!(pool.stats().instances, 6);
    pool.rest(1).await;
    assert_eq!(pool.stats().instances, 6, "all were needed since it began");
    at_once(3).await;
    common::at_rest(&pool).await;
    pool.rest(1).await;
    assert_eq!(pool.stats().instances, 3, "three were needed at once");
    pool.rest(1).await;
    assert_eq!(pool.stats().instances, 1);
    pool.rest(0).await;
    assert_eq!(pool.stats().instances, 0);
}
