//! Loads a plugin, calls it in a loop and swaps its version between two calls.
//!
//! `cargo xtask guests`, then `cargo run -p embed -- OLD.wasm NEW.wasm [INPUT]`, where both may come from
//! `examples/guests/target/wasm32-wasip2/release/`, such as `word_counter_v1.wasm` and `word_counter_v2.wasm`.

use airssys_wasm::{PluginSettings, Plugins};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(old), Some(new)) = (args.next(), args.next()) else {
        anyhow::bail!("usage: embed OLD.wasm NEW.wasm [INPUT]");
    };
    let input = args.next().unwrap_or_else(|| "one two three".to_owned());

    let plugins = Plugins::new()?;
    let plugin = plugins.load(std::fs::read(old)?, PluginSettings::default()).await?;
    for call in 1..=6 {
        if call == 4 {
            let version = plugin.swap(std::fs::read(&new)?).await?;
            println!("swapped to {version}");
        }
        let answer = plugin.call(input.clone()).await?;
        println!("call {call}: {}", String::from_utf8_lossy(&answer));
    }
    Ok(())
}
