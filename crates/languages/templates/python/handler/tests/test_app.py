import unittest

import airssys
from app import Greeter


class GreeterTest(unittest.TestCase):
    def setUp(self) -> None:
        self.greeter = Greeter({"greeting": "hello"})

    def test_a_name_is_greeted(self) -> None:
        answer = self.greeter.handle(airssys.Input.from_text("ada"), airssys.Context())
        self.assertEqual(answer, "hello, ada!")

    def test_nobody_is_the_callers_mistake(self) -> None:
        with self.assertRaises(airssys.InvalidInput):
            self.greeter.handle(airssys.Input.from_text(" "), airssys.Context())

    def test_a_misspelt_setting_is_refused(self) -> None:
        with self.assertRaises(airssys.InvalidConfig):
            Greeter({"greting": "hello"})
