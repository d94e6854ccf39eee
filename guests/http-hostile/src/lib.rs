//! A `wasi:http/incoming-handler@0.2` service that tries what it must not, each by its path, with what it takes in the
//! query: `/hold/fields?N` and `/hold/clocks?N` keep so many of the host's resources and let none go, `/endless` never
//! ends its answer and `/swallow` reads whatever it is sent, `/say?header=NAME&value=VALUE` puts a header into its
//! answer, `/lengths?said=N&sent=N` says one length and sends another, `/fetch?url=URL` sends a request, with a header
//! if one is said and a body of `bytes`, and goes where a redirect leads if told to `follow`, `/flood?N` says so many
//! lines.

mod answer;
mod fetch;
mod hold;
mod query;

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use query::Query;

wasip2::http::proxy::export!(Hostile);

struct Hostile;

impl wasip2::exports::http::incoming_handler::Guest for Hostile {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = Query(query);
        match path {
            "/hold/fields" => answer::text(out, 200, &hold::fields(query.count())),
            "/hold/clocks" => answer::text(out, 200, &hold::clocks(query.count())),
            "/endless" => answer::endless(out),
            "/swallow" => answer::text(out, 200, &answer::swallowed(&request)),
            "/say" => answer::with_header(out, &query.value("header"), &query.bytes("value")),
            "/lengths" => answer::of_length(out, query.number("said"), query.number("sent")),
            "/fetch" => {
                let (status, said) = fetch::fetch(&query);
                answer::text(out, status, &said);
            }
            "/flood" => {
                (0..query.count()).for_each(|line| println!("line {line}"));
                answer::text(out, 200, "flooded");
            }
            _ => answer::text(out, 200, "still here"),
        }
    }
}
