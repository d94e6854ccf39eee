import io
import unittest
from unittest import mock

from app import main


def run(argv: list[str], stdin: str) -> tuple[int, str]:
    with mock.patch("sys.stdin", io.StringIO(stdin)), mock.patch("sys.stdout", io.StringIO()) as out:
        return main(argv), out.getvalue()


class MainTest(unittest.TestCase):
    def test_each_line_is_greeted(self) -> None:
        self.assertEqual(run([], "ada\ngrace\n"), (0, "hello, ada!\nhello, grace!\n"))

    def test_the_greeting_is_the_first_argument(self) -> None:
        self.assertEqual(run(["hi"], "ada\n"), (0, "hi, ada!\n"))
