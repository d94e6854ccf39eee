//! `hello-http` as `wasi:http/handler@0.3`: the same answer, by a handler that other calls of its instance may
//! run beside. The benchmarks measure 0.3 with it.

wit_bindgen::generate!({
    inline: "package example:hello; world hello { export wasi:http/handler@0.3.0; }",
    // wasi:http and what it names, as the tests' guest has them.
    path: "../../../guests/http-p3/wit",
    world: "example:hello/hello",
    generate_all,
});

use wasi::http::types::{ErrorCode, Fields, Request, Response};

struct Hello;

impl exports::wasi::http::handler::Guest for Hello {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        let headers = Fields::new();
        headers.append("content-type", b"text/plain").expect("a plain header is allowed");
        let (mut writer, body) = wit_stream::new();
        let (trailers, no_trailers) = wit_future::new(|| Ok(None));
        drop(trailers);
        // The body is read when its head has gone out, which is after this function's end.
        wit_bindgen::spawn_local(async move {
            writer.write_all(b"Hello from a component\n".to_vec()).await;
        });
        let (response, _sent) = Response::new(headers, Some(body), no_trailers);
        Ok(response)
    }
}

export!(Hello);
