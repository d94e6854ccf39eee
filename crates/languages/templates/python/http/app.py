"""An HTTP service: a WSGI application, so that it runs on any server that speaks it."""

from typing import Any, Callable, Iterable

Start = Callable[[str, list[tuple[str, str]]], Any]


def app(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    match environ["REQUEST_METHOD"], environ["PATH_INFO"]:
        case "GET", "/":
            status, body = "200 OK", b"hello\n"
        case "POST", "/shout":
            status, body = "200 OK", environ["wsgi.input"].read().upper()
        case _:
            status, body = "404 Not Found", b"no such page\n"
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [body]


if __name__ == "__main__":
    from wsgiref.simple_server import make_server

    make_server("127.0.0.1", 8000, app).serve_forever()
