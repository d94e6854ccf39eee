//! What a component or a revision is made of.

use airssys_wasm_api::reply::Inspection;
use airssys_wasm_model::Limits;

use super::asked;
use super::traffic::bytes;
use crate::ui::harmless_line;

pub(crate) fn inspection(found: &Inspection) -> String {
    let name = found.name.as_ref().map_or("(no name)".to_owned(), ToString::to_string);
    let version = found.version.as_ref().map_or("(no version)".to_owned(), ToString::to_string);
    let mut out = format!("{name} {version}");
    if let Some(revision) = found.revision {
        out.push_str(&format!(" {revision}"));
    }
    out.push_str(&format!(
        "\n{}\n{}, called as {}\n",
        found.digest,
        bytes(found.size_bytes),
        found.shape.join(", ")
    ));
    for signer in &found.signers {
        out.push_str(&format!("signed by {signer}\n"));
    }
    section(&mut out, "exports", &found.exports);
    let functions: Vec<_> =
        found.functions.iter().map(|one| format!("{}: {}", one.name, one.signature)).collect();
    // Of a file that was not compiled its functions are not known.
    if !functions.is_empty() || !found.shape.iter().any(|shape| shape == "functions") {
        section(&mut out, "functions", &functions);
    }
    section(&mut out, "imports", &found.imports);
    if found.asked.unstated {
        out.push_str("asks for: not stated (there is no manifest); the grants alone decide\n");
    } else {
        section(&mut out, "asks for", &asked::lines(&found.asked));
    }
    if let Some(granted) = &found.granted {
        let granted: Vec<_> = granted.0.iter().map(ToString::to_string).collect();
        section(&mut out, "granted", &granted);
    }
    out.push_str(&limits(&found.limits));
    let instances = &found.instances;
    let model = format!("{:?}", instances.model).to_lowercase();
    out.push_str(&format!("instances: {model}, {} to {}\n", instances.min, instances.max));
    if let Some(key) = &instances.key {
        out.push_str(&format!("an actor for each {key}\n"));
    }
    let routing = &found.routing;
    if let Some(by) = &routing.sticky {
        out.push_str(&format!("a split sticks by {by}\n"));
    }
    if routing.named {
        out.push_str("a call may name its revision or version\n");
    }
    if routing.preview {
        out.push_str("each revision has an address of its own\n");
    }
    out
}

fn limits(limits: &Limits) -> String {
    let Limits { memory, time, cpu, concurrency, queue, files, sockets, .. } = limits;
    let Limits { handles, parts, output, log_lines, log_rate, .. } = limits;
    let Limits { requests, request_rate, transfer, keyvalue, keyvalue_rate, actors, .. } = limits;
    format!(
        "limits: memory {memory}, time {time}, cpu {cpu}, concurrency {concurrency}, queue {queue}, \
         files {files}, sockets {sockets}, handles {handles}, parts {parts}, output {output}, \
         log_lines {log_lines}, log_rate {log_rate}/s, requests {requests}, \
         request_rate {request_rate}/s, transfer {transfer}, keyvalue {keyvalue}, \
         keyvalue_rate {keyvalue_rate}/s, actors {actors}\n"
    )
}

fn section(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        out.push_str(&format!("{title}: nothing\n"));
        return;
    }
    out.push_str(&format!("{title}:\n"));
    for line in lines {
        out.push_str(&format!("  {}\n", harmless_line(line)));
    }
}
