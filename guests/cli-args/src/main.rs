//! A command. Without a flag it prints its arguments and copies stdin to stdout in capitals.
//! `--exit N` ends with this code, `--env NAME` prints a variable, `--read PATH` a file, `--write PATH`
//! puts stdin into a file, `--list DIR` prints names, `--trap` and `--spin` do what they say, and
//! a line `--complain` on stdin ends it with a complaint on stderr.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cli-args: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> io::Result<ExitCode> {
    let mut arguments = arguments.iter();
    let mut code = ExitCode::SUCCESS;
    let mut plain = Vec::new();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().cloned().unwrap_or_default();
        match argument.as_str() {
            "--exit" => code = ExitCode::from(value().parse::<u8>().unwrap_or(1)),
            "--env" => println!("{}", env::var(value()).unwrap_or_else(|_| "(not set)".into())),
            "--read" => io::stdout().write_all(&fs::read(value())?)?,
            "--write" => {
                let mut file = fs::File::create(value())?;
                io::copy(&mut io::stdin(), &mut file)?;
            }
            "--list" => list(&value())?,
            "--trap" => unreachable!("asked to trap"),
            "--spin" => loop {
                std::hint::black_box(());
            },
            other => plain.push(other),
        }
    }
    if !plain.is_empty() {
        println!("args: {}", plain.join(" "));
    }
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line == "--complain" {
            return Err(io::Error::other("a complaint"));
        }
        println!("{}", line.to_uppercase());
    }
    Ok(code)
}

fn list(directory: &str) -> io::Result<()> {
    let mut names: Vec<String> = fs::read_dir(directory)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()?;
    names.sort();
    names.iter().for_each(|name| println!("{name}"));
    Ok(())
}
