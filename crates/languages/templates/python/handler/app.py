"""Greets whoever the input names."""

from dataclasses import dataclass
from typing import Any

import airssys


@dataclass(frozen=True)
class Settings:
    """The [config] of Component.toml. A name that is not listed here is refused when the component is deployed."""

    greeting: str


class Greeter(airssys.Component):
    def __init__(self, config: dict[str, Any]) -> None:
        self.settings = airssys.settings(Settings, config)

    def handle(self, input: airssys.Input, context: airssys.Context) -> str:
        name = input.text().strip()
        if not name:
            raise airssys.InvalidInput("nobody to greet: send a name")
        return f"{self.settings.greeting}, {name}!"
