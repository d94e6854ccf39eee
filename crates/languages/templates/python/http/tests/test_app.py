import io
import unittest
from wsgiref.util import setup_testing_defaults

from app import app


def send(method: str, path: str, body: bytes = b"") -> tuple[str, bytes]:
    """The status and the body of what the application answers."""
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(body)}
    setup_testing_defaults(environ)
    statuses: list[str] = []
    answer = b"".join(app(environ, lambda status, headers: statuses.append(status)))
    return statuses[0], answer


class AppTest(unittest.TestCase):
    def test_it_says_hello(self) -> None:
        self.assertEqual(send("GET", "/"), ("200 OK", b"hello\n"))

    def test_it_shouts(self) -> None:
        self.assertEqual(send("POST", "/shout", b"ada"), ("200 OK", b"ADA"))

    def test_there_is_no_other_page(self) -> None:
        self.assertEqual(send("GET", "/nowhere")[0], "404 Not Found")
